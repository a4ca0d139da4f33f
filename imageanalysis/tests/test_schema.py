"""The eight tables, column for column: what the models say and what the running database reports."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.models.deletion import CASCADE, SET_NULL

OUR_APPS = ("accounts", "mlmodels", "images", "analysis")


@dataclass(frozen=True, slots=True)
class Column:
    """What one column has to be; `default` is a value, or ANY where any will do."""

    type: type[models.Field]
    null: bool = False
    unique: bool = False
    max_length: int | None = None
    choices: tuple[str, ...] | None = None
    default: Any = models.NOT_PROVIDED
    digits: tuple[int, int] | None = None
    to: str | None = None
    on_delete: Any = None


ANY = object()


def char(max_length: int, **more: Any) -> Column:
    return Column(models.CharField, max_length=max_length, **more)


def of_image(kind: type[models.Field] = models.ForeignKey, **more: Any) -> Column:
    return Column(kind, to="images", on_delete=CASCADE, **more)


ID = Column(models.AutoField, unique=True)
TIME = Column(models.DateTimeField)
TIME_OR_NULL = Column(models.DateTimeField, null=True)
TEXT_OR_NULL = Column(models.TextField, null=True)
PERCENT = Column(models.DecimalField, digits=(5, 2))
NUMBER = Column(models.IntegerField)
COUNT_FROM_0 = Column(models.IntegerField, default=0)
TRUE_AT_FIRST = Column(models.BooleanField, default=True)
FALSE_AT_FIRST = Column(models.BooleanField, default=False)
OF_USER = Column(models.ForeignKey, to="auth_user", on_delete=CASCADE)
ONE_OF_IMAGE = of_image(models.OneToOneField, unique=True)
ICON = char(50, default=ANY)
COLOR = char(20, default=ANY)

CONTRACT: dict[str, dict[str, Column]] = {
    "auth_user": {
        "id": ID,
        "username": char(20, unique=True),
        "email": Column(models.EmailField, unique=True),
        "password": char(128),
        "is_superuser": FALSE_AT_FIRST,
        "is_staff": FALSE_AT_FIRST,
        "is_active": TRUE_AT_FIRST,
        "date_joined": TIME,
        "last_login": TIME_OR_NULL,
    },
    "ml_models": {
        "id": ID,
        "name": char(50, choices=("resnet50", "efficientnet", "mobilenet", "vgg16", "clip", "custom")),
        "version": char(20, default="1.0.0"),
        "is_active": TRUE_AT_FIRST,
        "description": Column(models.TextField),
        "created_at": TIME,
        "updated_at": TIME,
    },
    "images": {
        "id": ID,
        "filename": char(255),
        "file_path": char(500),
        "thumbnail_path": char(500, null=True),
        "upload_date": TIME,
        "status": char(20, choices=("upload", "uploaded", "preparing", "analyzing", "success", "failed")),
        "user_id": OF_USER,
        "model_used_id": Column(models.ForeignKey, null=True, to="ml_models", on_delete=SET_NULL),
        "error_log": TEXT_OR_NULL,
        "created_at": TIME,
        "updated_at": TIME,
    },
    "progress_logs": {
        "id": ID,
        "image_id": of_image(),
        "progress_percentage": PERCENT,
        "current_stage": char(20, choices=("preprocessing", "model_execution", "postprocessing", "completed")),
        "stage_description": TEXT_OR_NULL,
        "timestamp": TIME,
        "estimated_completion": TIME_OR_NULL,
    },
    "analysis_results": {
        "id": ID,
        "image_id": of_image(),
        "label": char(100),
        "confidence": PERCENT,
        "model_name": char(50),
        "model_version": char(20),
        "rank": NUMBER,
        "created_at": TIME,
    },
    "timeline_logs": {
        "id": ID,
        "image_id": ONE_OF_IMAGE,
        "upload_started_at": TIME_OR_NULL,
        "upload_completed_at": TIME_OR_NULL,
        "upload_step_title": char(100, default=ANY),
        "upload_step_description": char(200, default=ANY),
        "upload_step_status": char(50, default=ANY),
        "upload_step_icon": ICON,
        "upload_step_color": COLOR,
        "analysis_step_title": char(100, null=True),
        "analysis_step_description": char(200, null=True),
        "analysis_step_status": char(50, null=True),
        "analysis_step_icon": ICON,
        "analysis_step_color": COLOR,
        "analysis_progress_percentage": COUNT_FROM_0,
        "analysis_progress_stage": char(50, default=ANY),
        "completion_step_title": char(100, null=True),
        "completion_step_description": char(200, null=True),
        "completion_step_status": char(50, null=True),
        "completion_step_icon": ICON,
        "completion_step_color": COLOR,
        "analysis_started_at": TIME_OR_NULL,
        "analysis_completed_at": TIME_OR_NULL,
        "model_used": char(50, null=True),
        "created_at": TIME,
        "updated_at": TIME,
    },
    "password_reset_tokens": {
        "id": ID,
        "user_id": OF_USER,
        "token": char(64, unique=True),
        "created_at": TIME,
        "used": FALSE_AT_FIRST,
    },
    "analysis_queue": {
        "id": ID,
        "image_id": ONE_OF_IMAGE,
        "user_id": OF_USER,
        "position": NUMBER,
        "status": char(20, choices=("waiting", "processing", "completed", "failed", "cancelled")),
        "priority": char(10, choices=("low", "normal", "high", "urgent")),
        "queued_at": TIME,
        "started_at": TIME_OR_NULL,
        "completed_at": TIME_OR_NULL,
        "error_message": TEXT_OR_NULL,
        "retry_count": COUNT_FROM_0,
        "model_name": char(100, null=True),
    },
}
# What the eight cannot hold.
FURTHER_TABLES = {
    "accounts_preferences",
    "accounts_sessions",
    "added_models",
    "analysis_attempts",
    "analysis_in_hand",
    "analysis_workers",
    "default_models",
    "heat_maps",
    "images_data_exports",
    "images_deleted",
    "images_files_in_doubt",
    "images_originals",
    "images_past_uploads",
    "images_taken_uploads",
    "model_exams",
    "queue_pauses",
    "spent_budgets",
    "waiting_mails",
}
COLUMNS = [(table, name) for table, columns in CONTRACT.items() for name in columns]


def model_of(table: str) -> type[models.Model]:
    return next(model for model in apps.get_models() if model._meta.db_table == table)


def field_of(table: str, column: str) -> models.Field:
    return next(field for field in model_of(table)._meta.concrete_fields if field.column == column)


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_models_column_is_as_specified(table: str, column: str) -> None:
    expected = CONTRACT[table][column]
    field = field_of(table, column)

    assert type(field) is expected.type
    assert field.null is expected.null
    assert field.unique is expected.unique
    assert field.primary_key is (column == "id")
    if expected.max_length is not None:
        assert field.max_length == expected.max_length
    assert tuple(value for value, _label in field.choices or ()) == (expected.choices or ())
    if expected.default is not models.NOT_PROVIDED:
        assert field.has_default()
    if expected.default not in (models.NOT_PROVIDED, ANY):
        assert field.default == expected.default
    if isinstance(field, models.DecimalField):
        assert (field.max_digits, field.decimal_places) == expected.digits
    if isinstance(field, models.ForeignKey):
        assert field.remote_field.model._meta.db_table == expected.to
        assert field.remote_field.on_delete is expected.on_delete


def test_the_models_have_these_columns_and_no_others_and_no_table_that_is_not_named_here() -> None:
    ours = [model for app in OUR_APPS for model in apps.get_app_config(app).get_models()]
    found = {model._meta.db_table: {field.column for field in model._meta.concrete_fields} for model in ours}

    assert {table: found[table] for table in CONTRACT} == {table: set(columns) for table, columns in CONTRACT.items()}
    assert set(found) == set(CONTRACT) | FURTHER_TABLES


def test_the_database_has_our_tables_djangos_own_and_no_others(db: None) -> None:
    djangos = {"django_admin_log", "django_content_type", "django_migrations"}
    permissions = {"auth_group", "auth_group_permissions", "auth_permission"}
    of_users = {"auth_user_groups", "auth_user_user_permissions"}

    ours = set(CONTRACT) | FURTHER_TABLES
    assert set(connection.introspection.table_names()) == ours | djangos | permissions | of_users


@pytest.mark.parametrize("table", CONTRACT)
def test_the_database_reports_the_specified_columns(table: str, db: None) -> None:
    with connection.cursor() as cursor:
        described = {info.name: info for info in connection.introspection.get_table_description(cursor, table)}

    assert set(described) == set(CONTRACT[table])
    for name, expected in CONTRACT[table].items():
        info = described[name]
        assert bool(info.null_ok) is expected.null, name
        assert connection.introspection.get_field_type(info.type_code, info) == stored_as(expected), name
        if expected.max_length is not None:
            assert info.display_size == expected.max_length, name
        if expected.digits is not None and connection.vendor == "postgresql":  # SQLite keeps no digits
            assert (info.precision, info.scale) == expected.digits, name


def stored_as(column: Column) -> str:
    if column.to is not None:
        return "IntegerField"
    return "CharField" if column.type is models.EmailField else column.type.__name__


@pytest.mark.parametrize("table", CONTRACT)
def test_the_database_holds_the_specified_keys(table: str, db: None) -> None:
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, table).values()
        relations = connection.introspection.get_relations(cursor, table)

    unique = [tuple(found["columns"]) for found in constraints if found["unique"] or found["primary_key"]]
    assert {column for column in CONTRACT[table] if (column,) in unique} == {
        name for name, column in CONTRACT[table].items() if column.unique
    }
    assert {name: relation[1] for name, relation in relations.items()} == {
        name: column.to for name, column in CONTRACT[table].items() if column.to
    }
