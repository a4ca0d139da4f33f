"""Whether the time of an answer tells which accounts exist: sign-in and password reset, while mail fails.

    python -m benchmarks.security.enumeration [--tries 200]

Interleaved tries at accounts that are known, switched off, without a usable password, and at names that nobody has;
each from an address of its own, with the real hasher. The area under the curve (AUC) is the chance that an answer
about an existing account took longer than one about none: 0.5 tells nothing. Resets are asked for while the mail
server refuses connections, and while it takes them and never says a word.
"""

import argparse
import random
import socket
import statistics
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

from benchmarks.security.visitors import Answer, Visitor, address, make_accounts
from imageanalysis.tests.application import Application
from imageanalysis.tests.servers import free_port

KINDS = ("known", "disabled", "unusable", "unknown")
ACCOUNTS = 10  # of each kind, so that no allowance is used up


def auc(longer: list[float], shorter: list[float]) -> float:
    """Mann-Whitney's U over the number of pairs."""
    ranked = sorted((value, is_longer) for values, is_longer in ((longer, 1), (shorter, 0)) for value in values)
    ranks = sum(rank for rank, (_value, is_longer) in enumerate(ranked, 1) if is_longer)
    return (ranks - len(longer) * (len(longer) + 1) / 2) / (len(longer) * len(shorter))


def interleaved(tries: int, attempt: Callable[[str, int], Answer]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    statuses = set()
    for number in range(tries):
        for kind in random.sample(KINDS, len(KINDS)):
            answer = attempt(kind, number)
            seconds[kind].append(answer.seconds)
            statuses.add(answer.status)
    assert len(statuses) == 1, statuses
    return seconds


def report(what: str, seconds: dict[str, list[float]]) -> None:
    for kind in KINDS:
        values = seconds[kind]
        told = "" if kind == "unknown" else f"{auc(values, seconds['unknown']):.3f}"
        print(
            f"| {what} | {kind} | {1000 * statistics.median(values):.1f} | {1000 * max(values):.0f} | {told} |",
            flush=True,
        )


def measure(url: str, what: str, page: str, tries: int, network: int, form: Callable[[str], dict[str, str]]) -> None:
    numbers = count()

    def attempt(kind: str, number: int) -> Answer:
        visitor = Visitor(url, address(network, next(numbers)))
        visitor.open(page)
        answer = visitor.post(page, form(f"timed_{kind}_{number % ACCOUNTS}"))
        visitor.close()
        return answer

    report(what, interleaved(tries, attempt))


def sign_ins(folder: Path, tries: int) -> None:
    folder.mkdir()
    with Application(folder) as application:
        make_accounts(folder, "timed", ACCOUNTS)
        for network, page in ((20, "/accounts/login/"), (21, "/admin/login/")):
            measure(
                application.url, page, page, tries, network, lambda name: {"username": name, "password": "wrong one"}
            )


def resets(folder: Path, tries: int, what: str, port: int) -> None:
    folder.mkdir()
    with Application(folder, EMAIL_URL=f"smtp://127.0.0.1:{port}") as application:
        make_accounts(folder, "timed", ACCOUNTS)
        page = "/accounts/password-reset/"
        measure(application.url, what, page, tries, 22, lambda name: {"email": f"{name}@example.org"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=200)
    tries = parser.parse_args().tries
    print("| what | account | median, ms | longest, ms | AUC against unknown |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as parent, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        resets(Path(parent, "refused"), tries, "reset, mail refused", free_port())
        resets(Path(parent, "silent"), tries, "reset, mail server silent", silent.getsockname()[1])
        sign_ins(Path(parent, "sign-in"), tries)


if __name__ == "__main__":
    main()
