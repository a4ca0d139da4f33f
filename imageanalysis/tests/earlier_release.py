"""A database as the first release left it: its oldest tables, rows in every state, the pictures' files beside them."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from images.tests.factories import drawn_picture, photograph

FIRST_RELEASE = [
    ("accounts", "0001_initial"),
    ("mlmodels", "0002_catalogue"),
    ("images", "0001_initial"),
    ("analysis", "0001_initial"),
]
USERNAME, PASSWORD = "pioneer", "correct horse battery"
LABELS = {"espresso": 91.26, "cup": 4.5, "eggnog": 1.25, "coffee mug": 0.75, "soup bowl": 0.5}
MODEL = ("efficientnet", "1.0.0")

# Status of the entry: of the picture, of the timeline's middle step, its percentage.
STATES = {
    "waiting": ("uploaded", "pending", 0),
    "processing": ("analyzing", "active", 50),
    "completed": ("success", "done", 100),
    "failed": ("failed", "failed", 0),
    "cancelled": ("uploaded", "cancelled", 0),
}


def build() -> None:
    """Make it in the installation whose settings are active."""
    executor = MigrationExecutor(connection)
    executor.migrate(FIRST_RELEASE)
    apps = MigrationExecutor(connection).loader.project_state(FIRST_RELEASE).apps
    user = apps.get_model("accounts", "User").objects.create(
        username=USERNAME, email="pioneer@example.org", password=make_password(PASSWORD)
    )
    began = timezone.now() - timedelta(days=30)
    for position, status in enumerate(STATES, start=1):
        _picture(apps, user, status, position, began)


def _picture(apps: Any, user: Any, status: str, position: int, began: datetime) -> None:
    image_status, step, percentage = STATES[status]
    model = apps.get_model("mlmodels", "MLModel").objects.get(name=MODEL[0], version=MODEL[1])
    original, preview = f"{status}/original.png", f"{status}/thumbnail.jpg"
    default_storage.save(original, ContentFile(photograph()))
    default_storage.save(preview, ContentFile(drawn_picture("JPEG")))
    error = "The picture could not be analyzed." if status == "failed" else None
    image = apps.get_model("images", "Image").objects.create(
        user=user,
        filename=f"{status}.png",
        file_path=original,
        thumbnail_path=preview,
        upload_date=began,
        status=image_status,
        model_used=model,
        error_log=error,
    )
    has_started, has_ended = status not in ("waiting", "cancelled"), status in ("completed", "failed", "cancelled")
    apps.get_model("analysis", "AnalysisQueue").objects.create(
        image=image,
        user=user,
        position=position,
        status=status,
        queued_at=began,
        started_at=began + timedelta(seconds=1) if has_started else None,
        completed_at=began + timedelta(seconds=2) if has_ended else None,
        error_message=error,
        model_name=":".join(MODEL),
    )
    apps.get_model("analysis", "TimelineLog").objects.create(
        image=image,
        upload_started_at=began,
        upload_completed_at=began,
        upload_step_status="done",
        analysis_step_status=step,
        analysis_progress_percentage=percentage,
        model_used=":".join(MODEL),
    )
    if has_started:
        apps.get_model("analysis", "ProgressLog").objects.create(
            image=image, progress_percentage=percentage, current_stage="model_execution", timestamp=began
        )
    if status == "completed":
        for rank, (label, confidence) in enumerate(LABELS.items(), start=1):
            apps.get_model("analysis", "AnalysisResult").objects.create(
                image=image,
                label=label,
                confidence=confidence,
                model_name=MODEL[0],
                model_version=MODEL[1],
                rank=rank,
            )
