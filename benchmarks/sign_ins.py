"""Many people sign in at the same moment while others' pages poll: how much longer do polls take?

    python -m benchmarks.sign_ins [--people 12] [--pollers 8] [--seconds 10] [--rounds 5]

Everybody has an account and a browser that is known; the storm signs in, again and again, as many at once as there are
people. Pages poll a finished picture's timeline every tenth of a second. Windows with and without the storm alternate,
so that a noisy machine disturbs both. The load is made on the same cores.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.photographs import photographs
from benchmarks.whole_product import wait_for_success
from imageanalysis.tests.application import Application, Person
from imageanalysis.tests.browser import PASSWORD

POLL_SECONDS = 0.1


class Tally:
    def __init__(self) -> None:
        self.polls: list[float] = []
        self.sign_ins: list[float] = []
        self.refused = 0


def poll(person: Person, image_id: int, until: float, tally: Tally) -> None:
    while time.monotonic() < until:
        began = time.monotonic()
        person.story(image_id)
        tally.polls.append(time.monotonic() - began)
        time.sleep(POLL_SECONDS)


def session_cookies(person: Person) -> list[str]:
    return [name for name in person.client.cookies if "sessionid" in name]


def sign_in(person: Person, name: str, tally: Tally) -> None:
    began = time.monotonic()
    for cookie in session_cookies(person):
        person.client.cookies.delete(cookie)
    answer = person.post("/accounts/login/", {"username": name, "password": PASSWORD})
    if answer.status_code == 503:
        tally.refused += 1
    else:
        answer.raise_for_status()
        assert session_cookies(person), answer.text
        tally.sign_ins.append(time.monotonic() - began)


@contextmanager
def storm(people: dict[str, Person], tally: Tally) -> Iterator[None]:
    stop = threading.Event()

    def go_on(name: str) -> None:
        while not stop.is_set():
            sign_in(people[name], name, tally)

    with ThreadPoolExecutor(len(people)) as pool:
        signing_in = [pool.submit(go_on, name) for name in people]
        try:
            yield
        finally:
            stop.set()
    for each in signing_in:
        each.result()


def window(ask: Callable[[float, Tally], None], seconds: float, pollers: int) -> Tally:
    tally = Tally()
    with ThreadPoolExecutor(pollers) as pool:
        for polling in [pool.submit(ask, time.monotonic() + seconds, tally) for _ in range(pollers)]:
            polling.result()
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--pollers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Application(Path(folder)) as application:
        owner = Person(application.url, "owner")
        image_id = owner.upload("picture.jpg", photographs(1)[0])["id"]
        wait_for_success(owner, image_id)
        people = {name: Person(application.url, name) for name in (f"person_{n}" for n in range(options.people))}
        measure(lambda until, tally: poll(owner, image_id, until, tally), people, options)


def measure(ask: Callable[[float, Tally], None], people: dict[str, Person], options: argparse.Namespace) -> None:
    ratios: dict[int, list[float]] = {50: [], 95: []}
    for _round in range(options.rounds):
        calm = window(ask, options.seconds, options.pollers)
        signed_in = Tally()
        with storm(people, signed_in):
            stormy = window(ask, options.seconds, options.pollers)
        for percent, found in ratios.items():
            without, with_storm = (
                1000 * statistics.quantiles(each.polls, n=100)[percent - 1] for each in (calm, stormy)
            )
            found.append(with_storm / without)
            print(f"  polls p{percent}: {without:.0f} ms, in the storm {with_storm:.0f} ms", end="")
        rate = len(signed_in.sign_ins) / options.seconds
        print(f"; {rate:.1f} sign-ins/s, p50 {1000 * statistics.median(signed_in.sign_ins):.0f} ms, ", end="")
        print(f"{signed_in.refused} asked to come again")
    said = ", ".join(f"p{percent} {statistics.median(found):.2f}" for percent, found in ratios.items())
    print(f"polls in the storm / without: {said}")


if __name__ == "__main__":
    main()
