"""Pictures a second of one, two and four workers on PostgreSQL and Redis, each worker on a host of its own.

    python -m benchmarks.many_workers [--workers 1 2 4] [--pictures 480] [--sleep 0.1] [--rounds 2]

The models only sleep, so that this machine's cores do not limit what many machines could do; claims, files, decoding,
stages and results are real. Each worker runs in a network namespace (as root; otherwise beside the others) and reaches
database and broker over a link of its own. Ends with what must hold of the rows: every run completed once, with one set
of labels.
"""

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path

from PIL import Image

from benchmarks import population
from imageanalysis.tests.servers import ROOT, PostgreSQL, free_port

PEOPLE = 20
MAX_CLAIM = 4


@contextmanager
def host(number: int) -> Iterator[tuple[str, list[str]]]:
    """A host beside this one: this one's address as it is seen from there, and what runs a program there."""
    if os.geteuid() != 0:
        yield "127.0.0.1", []
        return
    name, here, there = f"imageanalysis-{number}", f"10.77.{number}.1", f"10.77.{number}.2"
    steps = [
        f"netns add {name}",
        f"link add ia{number} type veth peer name eth0 netns {name}",
        f"addr add {here}/24 dev ia{number}",
        f"link set ia{number} up",
        f"-n {name} addr add {there}/24 dev eth0",
        f"-n {name} link set eth0 up",
        f"-n {name} link set lo up",
    ]
    try:
        for step in steps:
            subprocess.run(["ip", *step.split()], check=True)
        yield here, ["ip", "netns", "exec", name]
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False)


@contextmanager
def redis() -> Iterator[int]:
    port = free_port()
    open_to_hosts = ["--bind", "*", "--protected-mode", "no"]
    argv = ["redis-server", "--port", str(port), *open_to_hosts, "--save", ""]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as process:
        try:
            yield port
        finally:
            process.terminate()


@contextmanager
def workers(count: int, folder: Path, database: str, redis_port: int, sleep_seconds: float) -> Iterator[None]:
    """`count` workers, each with one child, ready to claim."""
    with ExitStack() as running:
        logs = [folder / f"worker-{count}-{number}.log" for number in range(count)]
        for number, log in enumerate(logs):
            address, prefix = running.enter_context(host(number))
            environment = os.environ | {
                "DATABASE_URL": database.replace("127.0.0.1", address),
                "CELERY_BROKER_URL": f"redis://{address}:{redis_port}/0",
                "CACHE_URL": f"redis://{address}:{redis_port}/1",
                "WORKER_CONCURRENCY": "1",
                "BATCH_SIZE": str(MAX_CLAIM),
                "SLEEP_SECONDS": str(sleep_seconds),
            }
            argv = [*prefix, sys.executable, "-m", "celery", "-A", "benchmarks.sleeping_worker", "worker", "-l", "INFO"]
            with log.open("wb") as output:
                process = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=output, stderr=output)
            running.callback(process.wait)
            running.callback(process.terminate)
        for log in logs:
            while " ready." not in log.read_text(errors="replace"):
                time.sleep(0.1)
        yield


def drain(pictures: int, files: Sequence[bytes]) -> float:
    """Seconds in which the workers finish that many pictures, from the first claim to the last result."""
    queue = import_module("analysis.models").AnalysisQueue.objects
    owners = import_module("accounts.models").User.objects.filter(username__startswith="person_")
    import_module("images.models").Image.objects.all().delete()
    population.waiting_pictures([owners[n % PEOPLE] for n in range(pictures)], files)
    import_module("analysis.doorbell").ring_all([])
    while queue.exclude(status="completed").exists():
        time.sleep(0.2)
    times = queue.values_list("started_at", "completed_at")
    return (max(end for _start, end in times) - min(start for start, _end in times)).total_seconds()


def violations() -> list[str]:
    """What does not hold of the rows after a drain."""
    queue = import_module("analysis.models").AnalysisQueue.objects
    results = import_module("analysis.models").AnalysisResult.objects
    found = []
    if retried := queue.filter(retry_count__gt=0).count():
        found.append(f"{retried} runs were tried again")
    if results.count() != 5 * queue.count():
        found.append(f"{results.count()} labels for {queue.count()} pictures")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--pictures", type=int, default=480)
    parser.add_argument("--sleep", type=float, default=0.1)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    everyone = Path(tempfile.gettempdir())  # the server runs as a person of its own
    with (
        tempfile.TemporaryDirectory() as name,
        PostgreSQL(everyone, network="10.77.0.0/16") as server,
        redis() as port,
    ):
        database = server.new_database()
        os.environ |= {"DATABASE_URL": database, "CELERY_BROKER_URL": f"redis://127.0.0.1:{port}/0"}
        population.settle(Path(name))
        import_module("django.core.management").call_command("migrate", verbosity=0)
        population.people(PEOPLE)
        measure(options, Path(name), database, port)


def measure(options: argparse.Namespace, folder: Path, database: str, redis_port: int) -> None:
    files = [drawn(n) for n in range(20)]
    rates: dict[int, list[float]] = {count: [] for count in options.workers}
    for _round in range(options.rounds):
        for count in options.workers:
            with workers(count, folder, database, redis_port, options.sleep):
                # As many pictures for each worker, so that the last batch weighs the same.
                seconds = drain(options.pictures * count // max(options.workers), files)
            rates[count].append(options.pictures * count // max(options.workers) / seconds)
            print(f"{count} workers: {rates[count][-1]:.1f} pictures/s, violations: {violations() or 'none'}")
    one = statistics.median(rates[options.workers[0]]) / options.workers[0]
    for count in options.workers[1:]:
        print(f"{count} workers / ({count} x one): {statistics.median(rates[count]) / (count * one):.3f}")


def drawn(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (10 * number, 100, 200)).save(file, "JPEG")
    return file.getvalue()


if __name__ == "__main__":
    main()
