"""Many processes claim at once, on each kind of database: every row gets exactly one owner."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imageanalysis.tests.servers import ROOT

PROCESSES = 4
ROUNDS = 25
FILL = """
from accounts.models import User
from analysis.models import AnalysisQueue, TimelineLog
from images.models import Image
user = User.objects.create_user("owner", "owner@example.org")
images = Image.objects.bulk_create(Image(user=user, filename="x", file_path="x") for _ in range({rows}))
TimelineLog.objects.bulk_create(TimelineLog(image=image) for image in images)
AnalysisQueue.objects.bulk_create(
    AnalysisQueue(image=image, user=user, position=n % 7, model_name="efficientnet:1.0.0")
    for n, image in enumerate(images)
)
"""
REPORT = """
from analysis.models import AnalysisQueue, ProgressLog
print(AnalysisQueue.objects.filter(status="processing").count(), ProgressLog.objects.count())
"""


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    own = {"DATABASE_URL": database_url, "DATA_DIR": str(tmp_path), "MEDIA_ROOT": str(tmp_path)}
    environment = {**os.environ, **own, "DJANGO_SETTINGS_MODULE": "imageanalysis.settings"}
    manage(environment, "migrate", "--verbosity=0")
    return environment


def manage(environment: dict[str, str], *words: str) -> str:
    argv = [sys.executable, "manage.py", *words]
    return subprocess.run(argv, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout


class Claimer:
    """One process that claims a batch whenever it is told to."""

    def __init__(self, environment: dict[str, str], batch: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "analysis.tests.claimer", str(batch)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self.read() == "ready"

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate(timeout=30)


@pytest.mark.parametrize("batch", [1, 7])
def test_each_row_is_claimed_by_exactly_one_of_many_processes(environment: dict[str, str], batch: int) -> None:
    rows = PROCESSES * ROUNDS * batch
    manage(environment, "shell", "--verbosity=0", "--command", FILL.format(rows=rows))
    claimers = [Claimer(environment, batch) for _ in range(PROCESSES)]

    owned: list[int] = []
    for _ in range(2 * ROUNDS):  # twice as many as would do if nobody ever got in another's way
        for claimer in claimers:
            claimer.go()
        for claimer in claimers:
            owned += map(int, claimer.read().split())
    for claimer in claimers:
        claimer.end()

    assert len(owned) == len(set(owned)) == rows
    assert manage(environment, "shell", "--verbosity=0", "--command", REPORT).split() == [str(rows), str(rows)]
