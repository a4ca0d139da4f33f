"""Rows as lines of JSON and back, by the columns of whatever release they are of."""

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps.registry import Apps
from django.core.management.color import no_style
from django.db import connection, models, transaction

AT_ONCE = 500
# Who works at this moment on what, and files on their way: nothing of it is true anywhere else or later.
OF_THE_MOMENT = frozenset({"analysis_workers", "images_files_in_doubt", "images_data_exports", "django_migrations"})


def tables(apps: Apps) -> dict[str, type[models.Model]]:
    """The models of the tables that a backup holds."""
    managed = (model for model in apps.get_models(include_auto_created=True) if model._meta.managed)
    return {model._meta.db_table: model for model in managed if model._meta.db_table not in OF_THE_MOMENT}


@contextmanager
def one_moment() -> Iterator[None]:
    """Statements inside see the database as it was at the first one, and hold up nobody who writes."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")  # Django's own transactions would keep all others from writing
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def lines(model: type[models.Model]) -> Iterator[bytes]:
    """Every row as one line, by field."""
    names = [field.attname for field in model._meta.concrete_fields]
    for values in model._base_manager.order_by("pk").values_list(*names).iterator(AT_ONCE):
        yield json.dumps(dict(zip(names, values, strict=True)), default=_plain).encode() + b"\n"


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(f"no way to write down {value!r}")


def clear(known: dict[str, type[models.Model]]) -> None:
    """Remove what a new database comes with: the backup has its own."""
    for model in known.values():
        model._base_manager.all()._raw_delete(connection.alias)


def load(model: type[models.Model], given: Iterator[bytes]) -> int:
    """Insert the rows of a table as they were; how many."""
    fields = model._meta.concrete_fields
    count = 0
    for part in _in_parts(given):
        rows = [_row(model, fields, json.loads(line)) for line in part]
        # raw: what the application sets by itself when it saves, times above all, stays what it was.
        insert: Any = model._base_manager.all()
        insert._insert(rows, fields=fields, using=connection.alias, raw=True)
        count += len(rows)
    return count


def _in_parts(given: Iterator[bytes]) -> Iterator[Sequence[bytes]]:
    part: list[bytes] = []
    for line in given:
        part.append(line)
        if len(part) == AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _row(model: type[models.Model], fields: Sequence[models.Field], said: dict[str, Any]) -> models.Model:
    return model(**{field.attname: _value(field, said[field.attname]) for field in fields})


def _value(field: models.Field, told: Any) -> Any:
    return told if isinstance(field, models.JSONField) else field.to_python(told)


def continue_numbering(known: dict[str, type[models.Model]]) -> None:
    """The next row of each table gets a number behind those that were loaded."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(known.values())):
            cursor.execute(statement)
