"""A short, real version of each scenario of `benchmarks.faults`: real workers, real kills, both kinds of database.

Every scenario ends with the invariants asked of the database. Longer versions are for the command line:
`python -m benchmarks.faults --help`.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageanalysis.tests.servers import ROOT, PostgreSQL

ON_BOTH = ("windows", "random_kills", "cancel_race")
SCENARIOS = {
    "sqlite": (
        *(*ON_BOTH, "false_death", "doorbells", "graceful_stop"),
        *("deaf_worker", "weights", "disk_full"),
    ),
    "postgresql": (*ON_BOTH, "reaper_race", "broker_outage", "postgresql_outage", "web_killed", "clock_skew"),
}
PATIENCE_SECONDS = 600


class Run:
    """All scenarios of one kind of database, one after the other in a process of its own."""

    def __init__(self, database: str, folder: Path) -> None:
        self.log = folder / f"faults-{database}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.faults", *SCENARIOS[database], "--short", "--database", database],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def output(self) -> str:
        self.process.wait(PATIENCE_SECONDS)
        return self.log.read_text(errors="replace")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    """Both at once: they wait more than they compute."""
    databases = SCENARIOS if PostgreSQL.binaries() else ["sqlite"]
    started = {database: Run(database, tmp_path_factory.mktemp("faults")) for database in databases}
    yield started
    for run in started.values():
        run.process.kill()
        run.process.wait()


@pytest.mark.parametrize(
    ("database", "scenario"), [(database, name) for database, names in SCENARIOS.items() for name in names]
)
def test_every_promise_is_kept_after(database: str, scenario: str, runs: dict[str, Run]) -> None:
    if database not in runs:
        pytest.skip("PostgreSQL is not installed here (Debian: apt-get install postgresql)")
    output = runs[database].output()
    assert f"ok {scenario} on {database}" in output, output[-6000:]
