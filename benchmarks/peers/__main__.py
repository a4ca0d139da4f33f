"""The whole product against LitServe, Gradio and BentoML with the same weights, photographs and cores, over HTTP.

    make bench-peers                        or
    python -m benchmarks.peers [--pictures 300] [--rounds 3] [--only NAME ...]

Peers run EfficientNet-Lite0 in eager torch, each in the configuration that its documentation recommends, and tuned:
channels last, two workers with one thread each, glibc told to keep large buffers. They answer with five labels and keep
nothing. The product is what `make run` starts; a picture is done when its stored results have been read by its owner.
Where the CPU multiplies bf16 by itself the product takes part in it, too, which has to be asked for by name.

In every round each runs alone, one after the other, with 1, 8 and 32 pictures under way. The table shows medians of the
rounds. The load comes from the same two cores.
"""

import argparse
import platform
import statistics
from collections import defaultdict
from pathlib import Path

from benchmarks.peers.charts import bars
from benchmarks.peers.contestants import Contestant, Ours, Peer
from benchmarks.peers.environments import ENVIRONMENTS, ROOT
from benchmarks.peers.load import Measured, measure
from benchmarks.photographs import photographs
from mlmodels.inference.options import has_native_bf16

CONCURRENCIES = (1, 8, 32)
WARM_UP = 48
# One picture at a time says as much after fewer of them.
SHARE_ALONE = 4

OURS = [Ours()]
if has_native_bf16():
    OURS.append(Ours("our whole product, bf16", INFERENCE_PRECISION="bf16"))

Cell = tuple[str, int]


class Figures:
    """What was measured in all rounds."""

    def __init__(self) -> None:
        self.measured: dict[Cell, list[Measured]] = defaultdict(list)
        self.memory_bytes: dict[str, list[int]] = defaultdict(list)

    @property
    def names(self) -> list[str]:
        return list(self.memory_bytes)

    def rate(self, name: str, concurrency: int) -> float:
        return statistics.median(each.pictures_per_second for each in self.measured[name, concurrency])

    def milliseconds(self, name: str, concurrency: int, percent: int) -> float:
        """Median over the rounds of the p50 or p95 within each."""
        rounds = [statistics.quantiles(each.seconds, n=100)[percent - 1] for each in self.measured[name, concurrency]]
        return statistics.median(rounds) * 1000

    def memory_mib(self, name: str) -> float:
        return statistics.median(self.memory_bytes[name]) / 2**20


def contestants(only: list[str]) -> list[Contestant]:
    peers = [Peer(environment, is_tuned=tuned) for environment in ENVIRONMENTS for tuned in (False, True)]
    everybody: list[Contestant] = [*OURS, *peers]
    chosen = [each for each in everybody if not only or any(word.lower() in each.name.lower() for word in only)]
    for each in chosen:
        if isinstance(each, Peer):
            each.environment.make()
    return chosen


def play(contestant: Contestant, files: list[bytes], figures: Figures) -> None:
    with contestant.running() as running:
        measure(running.asker, files[:WARM_UP], concurrency=8)
        for concurrency in CONCURRENCIES:
            chosen = files if concurrency > 1 else files[: len(files) // SHARE_ALONE]
            measured = measure(running.asker, chosen, concurrency=concurrency)
            figures.measured[contestant.name, concurrency].append(measured)
            print(f"  {contestant.name:20} {concurrency:2} at once: {measured.pictures_per_second:6.1f}/s", flush=True)
        figures.memory_bytes[contestant.name].append(running.memory_bytes())


def table(figures: Figures) -> str:
    heads = [f"{concurrency} at once: pictures/s, p50 / p95 ms" for concurrency in CONCURRENCIES]
    lines = [" | ".join(["| ", *heads, "memory, MiB |"]), "|---" * (len(heads) + 2) + "|"]
    for name in figures.names:
        cells = [
            f"{figures.rate(name, n):.1f}, {figures.milliseconds(name, n, 50):.0f} / "
            f"{figures.milliseconds(name, n, 95):.0f}"
            for n in CONCURRENCIES
        ]
        lines.append(" | ".join([f"| {name}", *cells, f"{figures.memory_mib(name):.0f} |"]))
    return "\n".join(lines)


def verdict(figures: Figures) -> str:
    """Each of ours by the best peer, whichever that is for each figure."""
    ours = [each.name for each in OURS if each.name in figures.names]
    peers = [name for name in figures.names if name not in ours]
    return "\n".join(_by_the_best(name, peers, figures) for name in ours if peers)


def _by_the_best(ours: str, peers: list[str], figures: Figures) -> str:
    rates = {n: figures.rate(ours, n) / max(figures.rate(name, n) for name in peers) for n in CONCURRENCIES}
    alone = figures.milliseconds(ours, 1, 50) / min(figures.milliseconds(name, 1, 50) for name in peers)
    memory = figures.memory_mib(ours) / min(figures.memory_mib(name) for name in peers)
    said = ", ".join(f"{ratio:.2f} with {n} at once" for n, ratio in rates.items())
    return (
        f"{ours.capitalize()} by the best peer: pictures a second {said}; p50 of a single picture {alone:.2f}; "
        f"memory {memory:.2f} of the peer that takes least."
    )


def charts(figures: Figures, folder: Path) -> None:
    for concurrency in CONCURRENCIES:
        rates = {name: figures.rate(name, concurrency) for name in figures.names}
        title = f"Pictures a second, {concurrency} under way"
        (folder / f"peers-{concurrency}.svg").write_text(
            bars(title, rates, {each.name for each in OURS}), encoding="utf-8"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--charts", type=Path, default=ROOT / "docs" / "charts", metavar="FOLDER")
    options = parser.parse_args()
    chosen = contestants(options.only)
    files = photographs(options.pictures)
    figures = Figures()
    for number in range(options.rounds):
        print(f"Round {number + 1} of {options.rounds}", flush=True)
        for contestant in chosen:
            play(contestant, files, figures)
    print(f"\nPython {platform.python_version()}, {platform.machine()}\n")
    print(table(figures))
    print(f"\n{verdict(figures)}")
    options.charts.mkdir(parents=True, exist_ok=True)
    charts(figures, options.charts)


if __name__ == "__main__":
    main()
