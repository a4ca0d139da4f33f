"""Does faults to real workers, servers and files, and says whether every promise was kept.

    python -m benchmarks.faults random_kills --database postgresql --kills 300 --images 1000
    python -m benchmarks.faults --short

Each scenario ends with the invariants, one summary line and one row of a Markdown table. The exit code is 0 when all
promises were kept. Everything runs on a database, broker and folders of its own.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import django
from django.core.management import call_command

from imageanalysis.tests.servers import PostgreSQL

SCENARIOS = (
    "windows",
    "random_kills",
    "recovery",
    "false_death",
    "poison",
    "doorbells",
    "cancel_race",
    "reaper_race",
    "graceful_stop",
    "deaf_worker",
    "weights",
    "clock_skew",
    "web_killed",
    "disk_full",
    "broker_outage",
    "postgresql_outage",
)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"all unless given: {', '.join(SCENARIOS)}")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--short", action="store_true", help="each fault once or twice, as the tests do")
    parser.add_argument("--times", type=int, default=20, help="how often each fault happens (20)")
    parser.add_argument("--kills", type=int, default=300, help="of random_kills (300)")
    parser.add_argument("--images", type=int, default=1000, help="of random_kills (1000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs of all processes")
    found = parser.parse_args()
    unknown = set(found.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    if found.short:
        found.times, found.kills, found.images = 1, 4, 24
    return found


def environment(folder: Path, server: PostgreSQL | None) -> dict[str, str]:
    own = {
        "DATA_DIR": folder / "data",
        "MEDIA_ROOT": folder / "media",
        "CONVERTED_DIR": os.environ.get("CONVERTED_DIR", folder / "converted"),
        "DATABASE_URL": server.new_database() if server else f"sqlite:///{folder / 'data' / 'db.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "imageanalysis.settings_faults",
        "CELERY_BROKER_URL": "",
        "CACHE_URL": "",
        "LOG_LEVEL": "WARNING",
    }
    return {name: str(value) for name, value in own.items()}


def main() -> None:
    chosen = options()
    # Whoever is asked to stop takes servers and workers along.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("asked to stop"))
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="faults-"))
        if not chosen.keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for name in ("data", "media"):
            (folder / name).mkdir()
        server = stack.enter_context(PostgreSQL(folder.parent)) if chosen.database == "postgresql" else None
        os.environ.update(environment(folder, server))
        django.setup()
        call_command("migrate", interactive=False, verbosity=0)
        harness = import_module("benchmarks.faults.harness")
        ground = stack.enter_context(harness.Ground(folder, server, chosen))
        names = chosen.scenarios or SCENARIOS
        kept = [harness.judged(import_module(f"benchmarks.faults.{name}"), ground) for name in names]
    sys.exit(not all(kept))


if __name__ == "__main__":
    main()
