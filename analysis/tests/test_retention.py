"""The progress log is thinned out in small steps: what ended runs is kept, what is young too, and all when told so."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from analysis import lifecycle, retention
from analysis.models import ProgressLog
from analysis.states import Priority, Stage
from analysis.tests.queue import claim
from imageanalysis.tests.servers import ROOT
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel

SCRIPT = """
from datetime import timedelta
from accounts.models import User
from accounts import clock
from analysis import retention
from analysis.models import AnalysisQueue, ProgressLog
from images.models import Image
user = User.objects.create_user("owner", "owner@example.org")
old = clock.now() - timedelta(days=31)
for n in range(30):
    image = Image.objects.create(user=user, filename="x", file_path="x")
    AnalysisQueue.objects.create(image=image, user=user, position=n, status="completed" if n else "waiting")
    ProgressLog.objects.bulk_create(
        ProgressLog(image=image, progress_percentage=p, current_stage=stage, timestamp=old)
        for stage in ("preprocessing", "model_execution", "completed") for p in range(20)
    )
retention.AT_ONCE, counts = 200, []
while removed := retention.thin_out():
    counts.append(removed)
print(*counts, "left", ProgressLog.objects.filter(current_stage="completed").count(), ProgressLog.objects.count())
"""


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    image = queued_image(user=owner, model=model)
    run()
    return image


def run() -> None:
    held = claim()
    lifecycle.advance([held], Stage.MODEL_EXECUTION, percentage=40, description="")
    lifecycle.complete({held: [Prediction("espresso", 97.0)]})


def age(days: int) -> None:
    ProgressLog.objects.update(timestamp=timezone.now() - timedelta(days=days))


def stages(image: Image) -> list[str]:
    return list(ProgressLog.objects.filter(image=image).order_by("pk").values_list("current_stage", flat=True))


def test_of_an_old_run_the_row_that_it_ended_with_is_kept(image: Image, settings: Settings) -> None:
    age(settings.PROGRESS_RETENTION_DAYS + 1)

    assert retention.thin_out() == 3
    assert stages(image) == [Stage.COMPLETED]
    assert retention.thin_out() == 0


def test_young_rows_are_kept(image: Image, settings: Settings) -> None:
    age(settings.PROGRESS_RETENTION_DAYS - 1)

    assert retention.thin_out() == 0


def test_with_zero_days_everything_is_kept(image: Image, settings: Settings) -> None:
    settings.PROGRESS_RETENTION_DAYS = 0
    age(3650)

    assert retention.thin_out() == 0


def test_rows_of_a_picture_that_is_not_finished_are_kept(image: Image, model: MLModel) -> None:
    lifecycle.resubmit(image_id=image.pk, model=model, priority=Priority.NORMAL)
    age(3650)

    assert retention.thin_out() == 0


def test_it_works_in_bounded_steps_on_each_kind_of_database(database_url: str, tmp_path: Path) -> None:
    own = {"DATABASE_URL": database_url, "DATA_DIR": str(tmp_path), "MEDIA_ROOT": str(tmp_path)}
    environment = {**os.environ, **own, "DJANGO_SETTINGS_MODULE": "imageanalysis.settings"}

    def manage(*words: str) -> str:
        argv = [sys.executable, "manage.py", *words]
        return subprocess.run(argv, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout

    manage("migrate", "--verbosity=0")

    assert manage("shell", "--verbosity=0", "--command", SCRIPT).split() == ["800", "360", "left", "600", "640"]
