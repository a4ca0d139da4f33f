"""One link for a new password, used by many at the same moment: how many succeed.

    python -m benchmarks.security.single_use [--repetitions 100] [--at-once 50]

On SQLite and on PostgreSQL, threads with connections of their own, the real service under a quick hasher.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import django

from imageanalysis.tests.servers import ROOT, PostgreSQL


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder, PostgreSQL(Path(tempfile.gettempdir())) as server:
        yield {"sqlite": f"sqlite:///{folder}/db.sqlite3", "postgresql": server.new_database()}


def race(repetitions: int, at_once: int) -> None:
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from accounts import resets
    from accounts.models import User
    from accounts.resets import LinkVoidError

    call_command("migrate", verbosity=0)
    user = User.objects.create_user("raced", "raced@example.org", "correct horse battery")

    def use(digest: str, number: int, barrier: Barrier) -> bool:
        try:
            connection.ensure_connection()
            barrier.wait(60)
            resets.finish(digest, f"horse battery number {number}")
        except LinkVoidError:
            return False
        finally:
            connection.close()
        return True

    successes = []
    with ThreadPoolExecutor(at_once) as pool:
        for _repetition in range(repetitions):
            digest = resets.digest_of(resets.link_for(user).split("/")[-2])
            barrier = Barrier(at_once)
            tries = [pool.submit(use, digest, number, barrier) for number in range(at_once)]
            successes.append(sum(attempt.result() for attempt in tries))
    counted = {number: successes.count(number) for number in sorted(set(successes))}
    print(f"{connection.vendor}: {repetitions} links, {at_once} at once; successes of a link: {counted}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=50)
    options = parser.parse_args()
    if "RACE" in os.environ:
        race(options.repetitions, options.at_once)
        return
    with databases() as urls:
        for url in urls.values():
            environment = {"RACE": "1", "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "imageanalysis.settings_test"}
            argv = [sys.executable, "-m", "benchmarks.security.single_use", *sys.argv[1:]]
            subprocess.run(argv, cwd=ROOT, env=os.environ | environment, check=True)


if __name__ == "__main__":
    main()
