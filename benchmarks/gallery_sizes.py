"""The gallery of somebody with a thousand pictures beside that of somebody with a million.

    python -m benchmarks.gallery_sizes [--pictures 1000000] [--rounds 100] [--only sqlite]

On SQLite and on a PostgreSQL of its own, through the whole of Django: the first page, one far down, the filters, the
orders, a search for a label and for a name that few pictures have, the poll. Two processes take turns, so that a noisy
machine disturbs both.
"""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.waiting_rows import Measuring, median, shown
from imageanalysis.tests.servers import PostgreSQL

FEW = 1000


def compare(name: str, urls: tuple[str, str], folder: Path, options: argparse.Namespace) -> None:
    module = "benchmarks.gallery_sizes_measured"
    with ExitStack() as stack:
        few = stack.enter_context(Measuring(urls[0], folder / f"{name}-few", FEW, module))
        many = stack.enter_context(Measuring(urls[1], folder / f"{name}-many", options.pictures, module))
        for _ in range(3):
            few.ask("round"), many.ask("round")  # the first ones warm up
        for _ in range(options.rounds):
            few.round()
            many.round()
        print(f"{name}: milliseconds, median (p95)")
        for what, values in many.figures.items():
            before = few.figures[what]
            ratio = p95(values) / p95(before)
            print(
                f"  {what:34} {FEW} {shown(before):16} {options.pictures} {shown(values):16} "
                f"ratio of the medians {median(values) / median(before):.2f}, of the p95 {ratio:.2f}"
            )


def p95(values: list[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.only != "postgresql":
            compare("sqlite", (f"sqlite:///{folder}/few.sqlite3", f"sqlite:///{folder}/many.sqlite3"), folder, options)
        if options.only != "sqlite":
            with PostgreSQL(Path(tempfile.gettempdir())) as server:
                compare("postgresql", (server.new_database(), server.new_database()), folder, options)


if __name__ == "__main__":
    main()
