"""Guessing passwords as fast as it goes: how many guesses are looked at, and whether the owner still comes in.

    python -m benchmarks.security.guessing [--guesses 10000]

A whole application with the real password hasher. Strangers come from 1 and from 50 loopback addresses, at the sign-in
and at the admin's; meanwhile the owner signs in from an address of their own, each time with a browser that has never
been here. Then one address tries three passwords at each of a thousand accounts.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from benchmarks.security.visitors import Visitor, address, make_accounts, signs_in
from imageanalysis.tests.application import Application

AT_ONCE = 8
OWNERS_TRIES = 20
DOORS = ("/accounts/login/", "/admin/login/")
# Beside the burst: newcomers' and the typed name's refill.
REFILL_PER_HOUR = 20


class Attack:
    """So many guesses from some addresses; `names` are tried in turn."""

    def __init__(self, url: str, door: str, network: int, addresses: int, names: Iterator[str]) -> None:
        self.door, self.names = door, names
        self.visitors = [Visitor(url, address(network, number)) for number in range(addresses)]
        for visitor in self.visitors:
            visitor.open(door)
        self.lock = threading.Lock()
        self.evaluated, self.blocked_after = 0, 0.0

    def run(self, guesses: int) -> float:
        """The seconds that it took."""
        self.began = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.guess, range(guesses)))
        for visitor in self.visitors:
            visitor.close()
        return time.perf_counter() - self.began

    def guess(self, number: int) -> None:
        with self.lock:
            name = next(self.names)
        form = {"username": name, "password": f"guess number {number}"}
        answer = self.visitors[number % len(self.visitors)].post(self.door, form)
        assert answer.status in (200, 429), answer
        if answer.status == 200:
            with self.lock:
                self.evaluated += 1
                self.blocked_after = time.perf_counter() - self.began


def owner_meanwhile(url: str, name: str, network: int, over: threading.Event) -> list[bool]:
    outcomes: list[bool] = []
    while len(outcomes) < OWNERS_TRIES or not over.is_set():
        outcomes.append(signs_in(url, address(network, 0), name))
        over.wait(0.5)
    return outcomes


def one_account(url: str, door: str, number: int, addresses: int, guesses: int) -> None:
    name = f"guessed_known_{number}"
    attack = Attack(url, door, 10 + number, addresses, iter(lambda: name, None))
    over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        owner = pool.submit(owner_meanwhile, url, name, 100 + number, over)
        took = attack.run(guesses)
        over.set()
        outcomes = owner.result()
    afterwards = sum(signs_in(url, address(100 + number, 0), name) for _ in range(OWNERS_TRIES))
    print(
        f"| {door} | {addresses} | {guesses} in {took:.0f} s | {attack.evaluated} | "
        f"{attack.evaluated + REFILL_PER_HOUR} | {attack.blocked_after:.1f} s | {sum(outcomes)}/{len(outcomes)} | "
        f"{afterwards}/{OWNERS_TRIES} |",
        flush=True,
    )


def stuffing(url: str) -> None:
    names = (f"guessed_known_{number // 3}" for number in count(30))
    attack = Attack(url, DOORS[0], 50, 1, names)
    took = attack.run(2900)
    print(f"Stuffing, 1,000 accounts by 3 from one address: {attack.evaluated} looked at of 2900 in {took:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guesses", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Application(Path(folder)) as application:
        make_accounts(Path(folder), "guessed", 1000)
        print(
            "| door | addresses | guesses | looked at | in an hour, at most | last one after | owner in | afterwards |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for number, (door, addresses) in enumerate([(door, n) for door in DOORS for n in (1, 50)]):
            one_account(application.url, door, number, addresses, options.guesses)
        stuffing(application.url)


if __name__ == "__main__":
    main()
