"""The broker forgets all, drops connections, hangs, asks for a password, goes away and comes back, under load."""

import os
import signal
import time
from collections.abc import Callable

from django.conf import settings
from redis import Redis

from accounts import clock
from analysis.models import AnalysisQueue
from benchmarks.faults.harness import Figures, Ground, spread
from imageanalysis.tests.processes import until

PASSWORD = "changed"  # noqa: S105
UPLOAD_LIMIT_SECONDS = 4  # two attempts to reach a server that hangs, with 1 s each for connecting and reading
RESUME_LIMIT_SECONDS = 30


def run(ground: Ground) -> Figures:
    crew = ground.workers()
    crew.exit_codes.clear()
    away_seconds = 1 if ground.options.short else 20
    uploads: list[float] = []
    resumed: dict[str, list[float]] = {name: [] for name in OUTAGES}
    for _ in range(1 if ground.options.short else min(ground.options.times, 10)):
        for name, break_it in OUTAGES.items():
            upload(ground, uploads)
            mend = break_it(ground)
            ends_at = time.monotonic() + (away_seconds if mend else 0)
            while time.monotonic() < ends_at:
                upload(ground, uploads)
                time.sleep(0.3)
            if mend:
                mend()
            mended_at = clock.now()
            upload(ground, uploads)
            until(lambda at=mended_at: claimed_since(at), ground.situation, seconds=120)  # type: ignore[misc]
            resumed[name].append((clock.now() - mended_at).total_seconds())
            ground.wait_until_ended()
    late = [name for name, seconds in resumed.items() if max(seconds) > RESUME_LIMIT_SECONDS]
    return {
        **{name: f"first claim after {max(seconds):.1f} s" for name, seconds in resumed.items()},
        "uploads meanwhile": spread(uploads),
        "workers ended": len(crew.exit_codes),
        "broken": [f"after {name} nothing was claimed for more than {RESUME_LIMIT_SECONDS} s" for name in late]
        + ([f"an upload took {max(uploads):.1f} s"] if max(uploads) > UPLOAD_LIMIT_SECONDS else []),
    }


def upload(ground: Ground, seconds: list[float]) -> None:
    began = time.monotonic()
    ground.submit(1)
    seconds.append(time.monotonic() - began)


def claimed_since(at: object) -> bool:
    return AnalysisQueue.objects.filter(started_at__gte=at).exists()


def server(password: str | None = None) -> Redis:
    return Redis(unix_socket_path=str(settings.BROKER_SOCKET), password=password)


def forget_everything(_ground: Ground) -> None:
    server().flushall()


def drop_connections(_ground: Ground) -> None:
    server().execute_command("CLIENT", "KILL", "TYPE", "normal")
    server().execute_command("CLIENT", "KILL", "TYPE", "pubsub")


def hang(ground: Ground) -> Callable[[], None]:
    """Connections stay open and nobody answers: half-open, as behind a dead router."""
    os.kill(ground.broker.process.pid, signal.SIGSTOP)
    return lambda: os.kill(ground.broker.process.pid, signal.SIGCONT)


def ask_for_a_password(_ground: Ground) -> Callable[[], None]:
    server().config_set("requirepass", PASSWORD)
    drop = server(PASSWORD)
    drop.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def mend() -> None:
        server(PASSWORD).config_set("requirepass", "")

    return mend


def restart(ground: Ground) -> None:
    ground.broker.process.kill()
    ground.broker.process.wait()
    ground.broker.start()


def stop(ground: Ground) -> Callable[[], None]:
    ground.broker.process.kill()
    ground.broker.process.wait()
    return ground.broker.start


OUTAGES: dict[str, Callable[[Ground], Callable[[], None] | None]] = {
    "FLUSHALL": forget_everything,
    "CLIENT KILL": drop_connections,
    "hanging": hang,
    "wrong password": ask_for_a_password,
    "restart": restart,
    "stop": stop,
}
