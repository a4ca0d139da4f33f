"""What the admin's pages cost with a hundred thousand rows behind them: milliseconds and statements of each.

    python -m benchmarks.desk [--pictures 100000] [--rounds 20] [--only sqlite]

On SQLite and on a PostgreSQL of its own, through the whole of Django by its test client, signed in as a superuser.
"Own" is the processor time of the process that answers, SQLite included: what others do on the machine does not count.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from imageanalysis.tests.servers import ROOT, PostgreSQL


def measured(url: str, folder: Path, options: argparse.Namespace) -> dict[str, tuple[float, float, int]]:
    """By the page's name: median milliseconds by the clock and of the process, and the number of statements."""
    folder.mkdir()
    own = {"DATABASE_URL": url, "DATA_DIR": str(folder), "MEDIA_ROOT": str(folder), "LOG_LEVEL": "ERROR"}
    settings = {"CACHE_URL": "locmemcache://", "DJANGO_SETTINGS_MODULE": "imageanalysis.settings"}
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.desk_measured", str(options.pictures), str(options.rounds)],
        cwd=ROOT,
        env={**os.environ, **own, **settings},
        check=True,
        stdout=subprocess.PIPE,
    )
    return json.loads(run.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.only != "postgresql":
            found["sqlite"] = measured(f"sqlite:///{folder}/own.sqlite3", folder / "sqlite", options)
        if options.only != "sqlite":
            with PostgreSQL(Path(tempfile.gettempdir())) as server:
                found["postgresql"] = measured(server.new_database(), folder / "postgresql", options)
    for page in next(iter(found.values())):
        shown = [f"{kind} {ms:6.1f} ms ({own:6.1f} own), {n} statements" for kind, (ms, own, n) in of(found, page)]
        print(f"{page:32} {'   '.join(shown)}")


def of(found: dict[str, dict[str, tuple[float, float, int]]], page: str) -> list[tuple[str, tuple[float, float, int]]]:
    return [(kind, pages[page]) for kind, pages in found.items()]


if __name__ == "__main__":
    main()
