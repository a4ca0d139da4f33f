"""Who is served when: a simulation of the queue's order on its real code and a real database.

    python -m benchmarks.fairness [--seed 1]

One person's single picture beside another's five hundred; a thousand pictures of mixed priorities with arrivals while
they are served, where every claim is compared with what waited; and low ones under a stream of higher ones that never
ends.
"""

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from benchmarks.simulated_queue import (
    AnalysisQueue,
    Claim,
    Priority,
    Simulation,
    person,
    settings,
    start_over,
    submit,
    told,
    waiting,
)

PEOPLE = 12
PICTURES = 1000
STREAM_SECONDS = 1800
LOW_ONES = 20


def batch_seconds(pictures: int) -> float:
    return 0.05 + 0.03 * pictures


def one_beside_many(batch: int) -> list[int]:
    """How many of another's five hundred are claimed before somebody's single picture, at moments of the draining."""
    return [_one_beside_many(batch, served) for served in (0, 50, 100, 250, 400)]


def _one_beside_many(batch: int, served: int) -> int:
    start_over()
    claimed: list[int] = []
    simulation = Simulation(1, batch, batch_seconds, lambda claims: claimed.extend(c.queue_id for c in claims))
    submit(person("many_pictures"), pictures=500)
    simulation.at(0, lambda: None)
    while served and len(claimed) < served:
        simulation.run(simulation.events[0][0])
    before = len(claimed)
    one = person("one_picture")
    submit(one)
    single = AnalysisQueue.objects.get(user=one).pk
    simulation.run()
    return claimed.index(single) - before


class Referee:
    """Compares every claim with everything that waited, by rules of its own: they are short enough to write twice."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.calls: Counter[str] = Counter()
        self.served_at: dict[str, datetime] = {}
        self.longest_wait: dict[str, float] = {}

    def judge(self, claims: Sequence[Claim]) -> None:
        (claim,) = claims
        taken = AnalysisQueue.objects.get(pk=claim.queue_id)
        line = [*waiting(), taken]
        now = self.simulation.now()
        self.calls[self.call(taken, line, now)] += 1
        self.served_at[taken.priority] = now
        waited = (now - taken.queued_at).total_seconds()
        self.longest_wait[taken.priority] = max(waited, self.longest_wait.get(taken.priority, 0))

    def call(self, taken: AnalysisQueue, line: list[AnalysisQueue], now: datetime) -> str:
        order = list(reversed(Priority))
        key = {entry.pk: (order.index(Priority(entry.priority)), entry.position, entry.pk) for entry in line}
        if key[taken.pk] == min(key.values()):
            return "in order"
        same = [key[entry.pk] for entry in line if entry.priority == taken.priority]
        since = max(taken.queued_at, self.served_at.get(taken.priority, taken.queued_at))
        has_aged = (now - since).total_seconds() >= settings.AGEING_SECONDS
        return "by its age" if has_aged and key[taken.pk] == min(same) else "inversion"


def mixed(seed: int) -> Referee:
    """A thousand pictures, half of them there at first, the others arriving while one worker serves them."""
    start_over()
    chance = random.Random(seed)  # noqa: S311
    people = [person(f"person_{n}") for n in range(PEOPLE)]
    simulation = Simulation(1, 1, batch_seconds)
    referee = Referee(simulation)
    simulation.on_claim = referee.judge
    for n in range(PICTURES):
        user, priority = chance.choice(people), chance.choice(list(Priority))
        arrives_at = 0 if n < PICTURES / 2 else chance.uniform(0, 70)
        simulation.at(arrives_at, partial(submit, user, priority))
    simulation.run()
    return referee


def told_and_served(seed: int) -> int:
    """How many of a hundred pictures are served in another place than their pages say."""
    start_over()
    chance = random.Random(seed)  # noqa: S311
    people = [person(f"person_{n}") for n in range(PEOPLE)]
    claimed: list[int] = []
    simulation = Simulation(1, 1, batch_seconds, lambda claims: claimed.extend(c.queue_id for c in claims))
    for _ in range(100):
        submit(chance.choice(people), chance.choice(list(Priority)))
    ahead = {pk: story["queue"]["ahead"] for pk, story in told().items()}
    simulation.at(0, lambda: None)
    simulation.run()
    return sum(claimed[place] != pk for pk, place in ahead.items())


def low_under_a_stream() -> list[float]:
    """Seconds that low pictures wait while more high ones arrive than the one worker can serve."""
    start_over()
    waits: list[float] = []
    simulation = Simulation(1, 1, lambda pictures: 1.0)

    def note(claims: Sequence[Claim]) -> None:
        if AnalysisQueue.objects.get(pk=claims[0].queue_id).priority == Priority.LOW:
            waits.append(simulation.seconds)

    simulation.on_claim = note
    submit(person("patient"), Priority.LOW, pictures=LOW_ONES)
    hasty = person("hasty")
    for n in range(int(STREAM_SECONDS / 0.9)):
        simulation.at(n * 0.9, lambda: submit(hasty, Priority.HIGH))
    simulation.run(STREAM_SECONDS)
    return waits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    seed = parser.parse_args().seed
    print("one picture beside another's 500: others claimed before it, after 0, 50, 100, 250 and 400 were served")
    for batch in (1, 16):
        print(f"  batches of {batch:2}: {one_beside_many(batch)}")
    referee = mixed(seed)
    print(f"{PICTURES} of mixed priorities, one worker, half arriving meanwhile: {dict(referee.calls)}")
    print("  longest wait, s:", {name: round(seconds, 1) for name, seconds in referee.longest_wait.items()})
    print(f"100 of mixed priorities: {told_and_served(seed)} served in another place than their page said")
    waits = low_under_a_stream()
    gaps = [after - before for before, after in zip([0.0, *waits], waits, strict=False)]
    print(f"{LOW_ONES} low ones under high ones at 111 % of the capacity: {len(waits)} served;")
    print(f"  the first after {waits[0]:.0f} s, the last after {waits[-1]:.0f} s, longest gap {max(gaps):.0f} s")


if __name__ == "__main__":
    main()
