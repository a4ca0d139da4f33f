"""The ground on which faults happen: servers of one's own, workers that are started anew, pictures, and the verdict."""

import argparse
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import close_old_connections, connection
from django.db.models.functions import Now

from accounts.models import User
from analysis import pausing
from analysis.models import AnalysisQueue, RunInHand, WorkerProcess
from analysis.states import ACTIVE_QUEUE_STATUSES, Priority
from benchmarks.photographs import photographs
from imageanalysis.tests import audit
from imageanalysis.tests.invariants import Labels, labels_by_filename, violations
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import ROOT, Broker, PostgreSQL, Server, Worker, free_port
from images import litter, services
from images.models import FileInDoubt, Image
from mlmodels.models import MLModel

Figures = dict[str, Any]
DIFFERENT_PICTURES = 16
RESTART_SECONDS = 0.05
CREW_SIZE = 2


class Crew:
    """Workers with one child each, started anew whenever one ends, as a supervisor does."""

    def __init__(self, make_worker: Callable[[], Worker], size: int) -> None:
        self.workers = [make_worker() for _ in range(size)]
        self.exit_codes: list[int] = []
        self.is_keeping = True
        self.keeper = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        for worker in self.workers:
            worker.spawn()
        for worker in self.workers:
            worker.wait_for_line(" ready.", seconds=90)
        self.keeper.start()

    def stop(self) -> None:
        self.is_keeping = False
        if self.keeper.is_alive():
            self.keeper.join()
        for worker in self.workers:
            worker.kill()

    def _keep(self) -> None:
        while self.is_keeping:
            time.sleep(RESTART_SECONDS)
            for worker in self.workers:
                code = worker.process.poll()
                if code is not None:
                    self.exit_codes.append(code)
                    worker.spawn()

    def output(self) -> str:
        return "\n".join(worker.output() for worker in self.workers)

    def are_ready(self) -> bool:
        """Whether every worker that was started has said that it is ready, and has its child."""
        return all(
            worker.output().count(" ready.") >= worker.times_started and worker.children() for worker in self.workers
        )


class Web(Server):
    """The web server alone, one process."""

    def __init__(self, **environment: str) -> None:
        self.bind = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.bind}"
        self.environment = environment

    def start(self) -> None:
        argv = ["-m", "gunicorn", "imageanalysis.wsgi:application", "--bind", self.bind, "--no-control-socket"]
        threads = ["--worker-class", "gthread", "--workers", "1", "--threads", "4"]
        self.process = subprocess.Popen(
            [sys.executable, *argv, *threads],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=(Path(self.environment["DATA_DIR"]) / "web.log").open("ab"),
        )

    def children(self) -> list[int]:
        """The processes that answer; the server starts new ones when they die."""
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listing.split()]


class Ground:
    """A database, a broker and folders of their own, and everything that scenarios do with them."""

    def __init__(self, folder: Path, server: PostgreSQL | None, options: argparse.Namespace) -> None:
        self.folder, self.server, self.options = folder, server, options
        self.chance = random.Random(options.seed)  # noqa: S311
        self.media_root = Path(settings.MEDIA_ROOT)
        self.failpoints = folder / "failpoints"
        self.broker = Broker(settings.BROKER_SOCKET, settings.DATA_DIR)
        self.crew: Crew | None = None
        self.crew_environment: dict[str, str] = {}
        self.accepted: set[int] = set()
        self.reference: dict[str, Labels] = {}
        self.files = photographs(DIFFERENT_PICTURES)
        self.numbers = count()
        self.tickets = count()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.enter_context(self.broker)
            audit.install()
            for name in ("fired", "always"):
                (self.failpoints / name).mkdir(parents=True)
            self.user = User.objects.create_user("fault", "fault@example.org")
            self.model = MLModel.objects.offered()[0]
            self.undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dismiss()
        self.undo.close()

    # Processes

    def environment(self, **own: str) -> dict[str, str]:
        """What the processes under test run with, beside the environment of this one."""
        return {
            "DJANGO_SETTINGS_MODULE": "imageanalysis.settings_faults",
            "FAILPOINTS": str(self.failpoints),
            "BATCH_SIZE": "8",
            "SWEEP_SECONDS": "1",
            "LOG_LEVEL": "INFO",
            **own,
        }

    def workers(self, **own: str) -> Crew:
        """A crew with these settings; the one that runs already, if it has them."""
        wanted = self.environment(**own)
        if self.crew is None or self.crew_environment != wanted:
            self.dismiss()
            crew = Crew(lambda: Worker(media_root=self.media_root, **wanted), CREW_SIZE)
            self.crew, self.crew_environment = crew, wanted
            crew.start()
        return self.crew

    def dismiss(self) -> None:
        if self.crew is not None:
            self.crew.stop()
            self.crew = None

    @contextmanager
    def web(self, **own: str) -> Iterator[Web]:
        worker = Worker(media_root=self.media_root, **self.environment(**own))
        with Web(**worker.environment) as running:
            yield running

    def arm(self, point: str, action: str) -> None:
        """Let the next process that comes to the point do this."""
        (self.failpoints / f"{point}:{action}:{next(self.tickets)}").touch()

    def poison(self, image_id: int, action: str) -> None:
        """Let everybody who reads this picture's file do this."""
        folder = Image.objects.get(pk=image_id).file_path.partition("/")[0]
        (self.failpoints / "always" / f"before_read:{action}:{folder}").touch()

    def armed(self) -> set[str]:
        return {path.name for path in self.failpoints.glob("*:*")}

    def fired(self, point: str) -> list[int]:
        """The pids that came to the point while it was armed."""
        return [int(path.name.rpartition("@")[2]) for path in (self.failpoints / "fired").glob(f"{point}:*")]

    def forget_fired(self) -> None:
        for path in (self.failpoints / "fired").glob("*"):
            path.unlink()

    # Pictures

    def submit(self, number: int, *, priority: Priority = Priority.NORMAL) -> list[int]:
        """Take in so many photographs by the real door."""
        return [self._submit_one(priority) for _ in range(number)]

    def _submit_one(self, priority: Priority) -> int:
        n = next(self.numbers) % len(self.files)
        file = SimpleUploadedFile(f"photograph-{n:02}.jpg", self.files[n])
        image = services.take_in(user=self.user, file=file, model=self.model, priority=priority)
        self.accepted.add(image.pk)
        return image.pk

    def wait_until_ended(self, *, seconds: float = 120) -> None:
        """Return once nothing waits or runs; fail with the queue and the workers' logs."""
        until(all_ended, self.situation, seconds=seconds)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is claimed meanwhile."""
        pausing.pause(by=self.user)
        try:
            yield
        finally:
            pausing.resume(by=self.user)

    def let_litter_age(self) -> None:
        """Do at once what workers do with files that were left behind some minutes ago."""
        FileInDoubt.objects.update(noted_at=Now() - timedelta(minutes=10))
        litter.sweep()
        litter.sweep_unfinished_uploads()

    def situation(self) -> str:
        rows = list(AnalysisQueue.objects.filter(status__in=ACTIVE_QUEUE_STATUSES).values()[:5])
        return f"{rows}\n{(self.crew.output() if self.crew else '')[-6000:]}"

    def learn_reference(self) -> None:
        """Have every different picture analyzed undisturbed, to compare all later results with."""
        self.workers()
        self.submit(len(self.files))
        self.wait_until_ended(seconds=300)  # the first worker of all converts the model
        self.reference = labels_by_filename()
        self.clear()

    def clear(self) -> None:
        """Forget all pictures and what the triggers wrote down."""
        Image.objects.all().delete()
        RunInHand.objects.all().delete()
        self.accepted.clear()
        self.forget_fired()
        for path in [*self.failpoints.glob("*:*"), *(self.failpoints / "always").glob("*")]:
            path.unlink()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM audit")


def ids_of(worker: Worker) -> set[UUID]:
    """Under which names the process of this worker is known to the others."""
    named = WorkerProcess.objects.filter(process__contains=f" {worker.process.pid} ")
    return set(named.values_list("pk", flat=True))


def all_ended() -> bool:
    return not AnalysisQueue.objects.filter(status__in=ACTIVE_QUEUE_STATUSES).exists()


def judged(scenario: ModuleType, ground: Ground) -> bool:
    """Run one scenario and print how it went; whether every promise was kept."""
    name = scenario.__name__.rpartition(".")[2]
    database = ground.options.database
    if not ground.reference:
        ground.learn_reference()
    ground.clear()
    began = time.monotonic()
    figures: Figures = scenario.run(ground)
    ground.let_litter_age()
    broken = [
        *figures.pop("broken", ()),
        *violations(ground.media_root, accepted=ground.accepted, reference=ground.reference),
    ]
    close_old_connections()
    seconds = time.monotonic() - began
    shown = ", ".join(f"{key} {value}" for key, value in figures.items())
    verdict = f"{len(broken)} promises broken" if broken else "all promises kept"
    print(f"{'BROKEN' if broken else 'ok'} {name} on {database} in {seconds:.0f} s: {shown}; {verdict}")
    print("".join(f"  {line}\n" for line in broken[:20]), end="")
    if ground.options.keep:
        print(f"logs in {ground.folder}")
    print(f"| {name} | {database} | {shown} | {verdict} |", flush=True)
    return not broken


def spread(values: Sequence[float]) -> str:
    """Median, 95th percentile and maximum, for people."""
    if not values:
        return "none"
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"p50 {statistics.median(ordered):.2f} s, p95 {p95:.2f} s, max {ordered[-1]:.2f} s"
