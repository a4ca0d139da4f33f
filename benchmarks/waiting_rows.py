"""What the queue costs with ten thousand waiting rows, beside an empty one, and with a million rows of progress.

    python -m benchmarks.waiting_rows [--rows 10000] [--rounds 100] [--progress 1000000] [--only sqlite]

On SQLite and on a PostgreSQL of its own. All is the application's own code: claims of 16, submissions, finishing,
uploads of a small photograph, the timeline poll and pages through the whole of Django. Two processes, one with an empty
queue and one with a full one, take turns, so that a noisy machine disturbs both. Then the progress log is filled with
old rows, and the poll is measured beside the retention's steps.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from imageanalysis.tests.servers import ROOT, PostgreSQL

Figures = dict[str, list[float]]


class Measuring:
    """A process with a database of its own that measures one round whenever it is told to."""

    def __init__(self, url: str, folder: Path, rows: int, module: str = "benchmarks.waiting_rows_measured") -> None:
        folder.mkdir()
        own = {"DATABASE_URL": url, "DATA_DIR": str(folder), "MEDIA_ROOT": str(folder), "LOG_LEVEL": "ERROR"}
        settings = {"CACHE_URL": "locmemcache://", "DJANGO_SETTINGS_MODULE": "imageanalysis.settings"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, str(rows)],
            cwd=ROOT,
            env={**os.environ, **own, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.figures: Figures = {}

    def __enter__(self) -> "Measuring":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()

    def ask(self, command: str) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{command}\n")
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("the measuring process has ended")
        return answer.strip()

    def round(self) -> None:
        for name, milliseconds in json.loads(self.ask("round")).items():
            self.figures.setdefault(name, []).append(milliseconds)


def compare(name: str, urls: tuple[str, str], folder: Path, options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        empty = stack.enter_context(Measuring(urls[0], folder / f"{name}-empty", 0))
        full = stack.enter_context(Measuring(urls[1], folder / f"{name}-full", options.rows))
        for _ in range(3):
            empty.ask("round"), full.ask("round")  # the first ones warm up
        for _ in range(options.rounds):
            empty.round()
            full.round()
        print(f"{name}: milliseconds, median (p95)")
        for what, values in full.figures.items():
            before, ratio = empty.figures[what], median(values) / median(empty.figures[what])
            print(f"  {what:16} empty {shown(before):16} {options.rows} waiting {shown(values):16} ratio {ratio:.2f}")
        print("  rows written by one finish:", full.ask("finish"))
        print("  plan of the claim's look:", full.ask("plan claim"))
        print("  scans of the whole queue and sorts in the plan of the poll:", full.ask("plan poll"))
        if options.progress:
            print(" ", full.ask(f"progress {options.progress}"))


def shown(values: list[float]) -> str:
    return f"{median(values):.1f} ({sorted(values)[int(0.95 * len(values))]:.1f})"


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--progress", type=int, default=1_000_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.only != "postgresql":
            compare(
                "sqlite", (f"sqlite:///{folder}/empty.sqlite3", f"sqlite:///{folder}/full.sqlite3"), folder, options
            )
        if options.only != "sqlite":
            with PostgreSQL(Path(tempfile.gettempdir())) as server:
                compare("postgresql", (server.new_database(), server.new_database()), folder, options)


if __name__ == "__main__":
    main()
