"""The scenarios of `benchmarks.faults` as processes of their own: they wait more than they compute."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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


class FaultRun:
    """All scenarios of one kind of database, one after the other."""

    def __init__(self, database: str, folder: Path) -> None:
        self.log = folder / f"faults-{database}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.faults", *SCENARIOS[database], "--short", "--database", database],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def end(self) -> None:
        """Have it take its servers and workers along, if it still runs."""
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def output(self) -> str:
        """What it said; waits for its end."""
        self.process.wait(PATIENCE_SECONDS)
        return self.log.read_text(errors="replace")


@contextmanager
def begun(folder: Path) -> Iterator[dict[str, FaultRun]]:
    """The runs on each kind of database that is here."""
    runs = {database: FaultRun(database, folder) for database in SCENARIOS if database == "sqlite" or has_postgresql()}
    try:
        yield runs
    finally:
        for run in runs.values():
            run.end()


def has_postgresql() -> bool:
    return PostgreSQL.binaries() is not None
