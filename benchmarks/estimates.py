"""How far off the page's estimates are: a simulation of the real queue, its real estimates and a real database.

    python -m benchmarks.estimates [--seed 1] [--workers 1 2 4]

Bursts of pictures arrive at random while workers serve them; a batch takes an overhead and a time for each picture,
both varying. Every second some of the pictures that wait or run are asked when they should be done, and later it is
known when they were.
"""

import argparse
import random
import statistics
from collections import defaultdict
from dataclasses import dataclass

from benchmarks.simulated_queue import AnalysisQueue, MLModel, Priority, Simulation, person, start_over, submit, told

PEOPLE = 20
BURSTS = 60
MEAN_SECONDS_BETWEEN_BURSTS = 15
ASKED_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page said at a moment: seconds until the run should end, and the round ones that it showed."""

    entry_id: int
    status: str
    said_at: float
    typical: float
    low: int
    high: int


class Load:
    """Bursts of pictures, many small and few large, and what is answered meanwhile."""

    def __init__(self, workers: int, seed: int) -> None:
        start_over()
        self.chance = random.Random(seed)  # noqa: S311
        self.people = [person(f"person_{n}") for n in range(PEOPLE)]
        self.models = list(MLModel.objects.order_by("pk")[:2])
        self.simulation = Simulation(workers, 16, self.batch_seconds)
        self.answers: list[Answer] = []
        self.without_estimate = 0
        at = 0.0
        for _ in range(BURSTS):
            at += self.chance.expovariate(1 / MEAN_SECONDS_BETWEEN_BURSTS)
            self.simulation.at(at, self.burst)
        for second in range(int(at) + 60):
            self.simulation.at(second, self.ask)

    def batch_seconds(self, pictures: int) -> float:
        each = sum(self.chance.lognormvariate(-2.0, 0.4) for _ in range(pictures))
        return self.chance.uniform(0.1, 0.4) + each

    def burst(self) -> None:
        size = int(self.chance.paretovariate(0.8))
        priority = self.chance.choice([Priority.NORMAL, Priority.NORMAL, Priority.LOW, Priority.HIGH])
        submit(self.chance.choice(self.people), priority, pictures=min(size, 300))

    def ask(self) -> None:
        stories = list(told().items()) if AnalysisQueue.objects.filter(status__in=["waiting", "processing"]) else []
        for entry_id, story in self.chance.sample(stories, min(ASKED_AT_ONCE, len(stories))):
            span, ends_at = story["progress"]["estimated_seconds"], story["progress"]["estimated_completion"]
            if not span:
                self.without_estimate += 1
                continue
            typical = (ends_at - self.simulation.now()).total_seconds() if ends_at else 0.0
            self.answers.append(
                Answer(entry_id, story["queue"]["status"], self.simulation.seconds, typical, span[0], span[1])
            )


def report(load: Load) -> None:
    completed = AnalysisQueue.objects.filter(status="completed")
    ended = {entry.pk: entry.completed_at for entry in completed if entry.completed_at}
    by_status: dict[str, list[tuple[Answer, float]]] = defaultdict(list)
    for answer in load.answers:
        actual = (ended[answer.entry_id] - load.simulation.now()).total_seconds() + load.simulation.seconds
        by_status[answer.status].append((answer, actual - answer.said_at))
    print(f"{load.simulation.workers} workers, {len(ended)} pictures; no estimate yet: {load.without_estimate} answers")
    for status, pairs in sorted(by_status.items()):
        ratios = sorted(actual / max(answer.typical, 0.1) for answer, actual in pairs)
        off = sorted(max(ratio, 1 / max(ratio, 0.01)) for ratio in ratios)
        seconds = [abs(actual - answer.typical) for answer, actual in pairs]
        held = sum(answer.low <= actual <= answer.high for answer, actual in pairs) / len(pairs)
        late = sum(actual > answer.high for answer, actual in pairs) / len(pairs)
        print(
            f"  {status:10} {len(pairs):4} answers: actual / estimated median {statistics.median(ratios):.2f}, "
            f"p90 {quantile(ratios, 0.9):.2f}; off by a factor of median {statistics.median(off):.2f}, "
            f"p90 {quantile(off, 0.9):.2f}, by median {statistics.median(seconds):.1f} s, "
            f"p90 {quantile(seconds, 0.9):.1f} s; range held {held:.0%}, later {late:.0%}; "
            f"negative {sum(answer.low < 0 or answer.typical < 0 for answer, _actual in pairs)}"
        )


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    options = parser.parse_args()
    for workers in options.workers:
        load = Load(workers, options.seed)
        load.simulation.run()
        report(load)


if __name__ == "__main__":
    main()
