"""A census of odd and broken files through the real upload: what becomes of each, and of the processes.

    python -m benchmarks.security.census [--mutations 50] [--seed 5]

The application is started as `make run` starts it, on folders of its own, with its worker; the files go over HTTP, two
at a time. Prints a table, and every answer that is neither a picture taken nor a refusal with a code.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.security import hostile_files, seed_files
from benchmarks.security.mutations import mutated, truncated
from imageanalysis.tests.application import Application, Person

UPLOADS_AT_ONCE = 2
HANG_SECONDS = 10
SECONDS_FOR_ALL_RUNS = 900
KINDS = {"gunicorn": "web", "decoding.decoder": "decoders", "celery": "worker"}


@dataclass
class Census:
    """What became of the files, by name."""

    outcomes: dict[str, str] = field(default_factory=dict)
    milliseconds: dict[str, float] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


class Watch:
    """Peak memory of each kind of process together, and whether the web's processes stay the same."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.peak_mib: Counter[str] = Counter()
        self.web: set[int] = set()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.look_often)

    def look_often(self) -> None:
        while not self.done.wait(0.2):
            together: Counter[str] = Counter()
            for pid in (*self.application.processes, *decoders_of(self.web)):
                kind, mib = described(pid)
                together[kind] += mib
                if kind == "web":
                    self.web.add(pid)
            self.peak_mib |= together

    def __enter__(self) -> "Watch":
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.done.set()
        self.thread.join()


def decoders_of(web: set[int]) -> list[int]:
    """They know nothing of the application, not even where it lies, but descend from it."""
    lists = [path for pid in web for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(pid) for path in lists for pid in _words_of(path)]


def _words_of(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:  # gone
        return []


def described(pid: int) -> tuple[str, int]:
    """The kind of a process, and its resident memory in MiB."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    except (OSError, IndexError):  # gone
        return "", 0
    return next((kind for word, kind in KINDS.items() if word in command), "other"), resident // 2**20


def files(mutations: int, seed: int) -> Iterator[tuple[str, bytes]]:
    for name, make in hostile_files.all_made().items():
        yield name, make()
    for format_name in seed_files.FORMATS:
        yield from truncated(format_name)
        for number in range(mutations):
            yield f"{format_name} mutation {number}", mutated(format_name, number, seed)


def send(person: Person, census: Census, name: str, content: bytes) -> None:
    began = time.perf_counter()
    answer = person.client.post(
        "/images/upload/",
        data={"csrfmiddlewaretoken": person.token},
        files={"files": ("file.jpg", content)},
        headers={"Accept": "application/json"},
        timeout=120,
    )
    census.milliseconds[name] = (time.perf_counter() - began) * 1000
    if answer.status_code == 201:
        census.outcomes[name] = "taken"
        census.taken[name] = answer.json()["images"][0]["id"]
    elif answer.status_code == 400:
        census.outcomes[name] = answer.json()["errors"][0]["code"]
    else:
        census.outcomes[name] = f"HTTP {answer.status_code}"


def wait_for_runs(person: Person, census: Census) -> None:
    deadline = time.monotonic() + SECONDS_FOR_ALL_RUNS
    for name, image_id in census.taken.items():
        while (story := person.story(image_id))["next_poll_ms"] is not None and time.monotonic() < deadline:
            time.sleep(0.2)
        if story["status"] != "success":
            census.failed[name] = f"{story['status']}: {story['error']}"


def report(census: Census, watch: Watch, log: str) -> None:
    counts = Counter(census.outcomes.values())
    times = sorted(census.milliseconds.values())
    print(f"files {len(times)}, taken {counts.pop('taken')}, refused {sum(counts.values())}: {dict(counts)}")
    print(f"failed after being taken: {len(census.failed)} {census.failed}")
    print(f"answers of 5xx: {sum(n for code, n in counts.items() if code.startswith('HTTP 5'))}")
    print(f"web processes seen: {len(watch.web)} (a master and its workers); deaths of workers: {deaths(log)}")
    print(f"decoders that died or were ended: {log.count('a decoder ')}")
    print(f"hangs (over {HANG_SECONDS} s): {sum(ms > HANG_SECONDS * 1000 for ms in times)}")
    p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
    print(f"ms: p50 {p50:.0f}, p99 {p99:.0f}, max {times[-1]:.0f}; peak MiB together: {dict(watch.peak_mib)}")
    for name in sorted(census.milliseconds, key=census.milliseconds.__getitem__)[-5:]:
        print(f"  {census.milliseconds[name]:6.0f} ms  {name}: {census.outcomes[name]}")
    for name, outcome in census.outcomes.items():
        if outcome.startswith("HTTP"):
            print(f"  {outcome}  {name}")


def deaths(log: str) -> int:
    return sum(log.count(words) for words in ("was sent SIG", "WORKER TIMEOUT", "Worker exited", "WorkerLostError"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=50, help="of each format")
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    census = Census()
    with tempfile.TemporaryDirectory() as folder, Application(Path(folder)) as application:
        person = Person(application.url)
        with Watch(application) as watch, ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
            for done in [
                pool.submit(send, person, census, name, content)
                for name, content in files(options.mutations, options.seed)
            ]:
                done.result()
            wait_for_runs(person, census)
        report(census, watch, application.log)


if __name__ == "__main__":
    main()
