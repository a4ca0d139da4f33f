"""`manage.py start`: the whole application on one machine, from an empty data folder to the page; or one part of it."""

import fcntl
import http.client
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from imageanalysis import broker, static_copies
from imageanalysis.console import Console
from imageanalysis.supervisor import Service, Supervisor

WEB_PROCESSES = 2  # a picture that crashes a decoder takes one of them down, not the page of everybody else
WEB_THREADS = 8
WEB_GRACE_SECONDS = 20
WORKER_MARGIN_SECONDS = 10


class Command(BaseCommand):
    help = "Start the application: database, broker, web server and worker. Ctrl-C stops it."
    requires_system_checks: tuple[str, ...] = ()  # they are run below, and what they say is told in plain sentences

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "part",
            nargs="?",
            choices=PARTS,
            help="Become the web server or a worker, and nothing else: database and broker are there already.",
        )

    def handle(self, *args: Any, part: str | None = None, **options: Any) -> None:
        refuse_faulty_settings()
        for folder in (settings.DATA_DIR, settings.MEDIA_ROOT, settings.WEIGHTS_DIR):
            make_folder(folder)
        if part:
            argv = PARTS[part]().argv
            os.execv(argv[0], argv)  # noqa: S606  signals reach the server itself
        with only_one_per_data_folder(settings.DATA_DIR / "start.lock"):
            refuse_a_taken_port(settings.BIND)
            services = (*broker_services(), web_service(), worker_service())
            names = [service.name for service in services]
            console = Console(sys.stdout.fileno(), names, as_json=settings.LOG_FORMAT == "json")
            console.say("Bringing the database up to date ...")
            migrate()
            copy_static_files()
            console.say(f"Starting {', '.join(service.name for service in services)} ...")
            Supervisor(services, console, directory=settings.BASE_DIR, on_ready=lambda: console.say(welcome())).run()
            console.say("Stopped.")


def refuse_faulty_settings() -> None:
    faults = [message for message in run_checks() if message.is_serious() and not message.is_silenced()]
    if faults:
        raise CommandError("\n".join(f"{message.msg} {message.hint or ''}".strip() for message in faults))


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # pictures and people's data are nobody else's
    except OSError as error:
        raise CommandError(f"Cannot make the folder {folder}: {error.strerror}.") from error


@contextmanager
def only_one_per_data_folder(lock: Path) -> Iterator[None]:
    """Hold the lock while open; the kernel lets go of it whatever happens to this process."""
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"The application already runs on the data folder {lock.parent}. Stop it first, "
                "or start a second one beside it with its own DATA_DIR, MEDIA_ROOT and BIND."
            ) from None
        yield


def host_and_port(bind: str) -> tuple[str, int]:
    host, colon, port = bind.rpartition(":")
    if not (colon and port.isdecimal()):
        raise CommandError(f"BIND must look like 127.0.0.1:8000, not {bind!r}.")
    return host.strip("[]"), int(port)


def refuse_a_taken_port(bind: str) -> None:
    host, port = host_and_port(bind)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {bind}: {error.strerror}. Choose another address, for example BIND=127.0.0.1:8001."
            ) from error


def migrate() -> None:
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except DatabaseError as error:
        raise CommandError(f"The database could not be brought up to date: {error}") from error
    except KeyboardInterrupt:
        raise CommandError("Stopped before anything was started.", returncode=130) from None
    finally:
        connections.close_all()


def copy_static_files() -> None:
    """The services find them by their environment."""
    if settings.STATIC_ROOT:  # they were collected by whoever set it
        return
    try:
        os.environ.update(static_copies.make(settings.STATIC_COPIES_DIR))
    except static_copies.CopiesError as error:
        raise CommandError(str(error)) from error


def broker_services() -> tuple[Service, ...]:
    if not settings.EMBEDDED_BROKER:
        return ()
    try:
        argv = broker.command(settings.BROKER_SOCKET, settings.DATA_DIR)
    except broker.BrokerError as error:
        raise CommandError(str(error)) from error
    return (
        Service(
            "broker",
            argv,
            is_ready=lambda: broker.is_ready(settings.BROKER_SOCKET),
            muted="Memory overcommit must be enabled",  # only matters to a server that saves to disk
        ),
    )


def web_service() -> Service:
    shared_memory = Path("/dev/shm")  # noqa: S108  gunicorn's heartbeat file must not wait for a busy disk
    argv = (
        *(sys.executable, "-m", "gunicorn", "imageanalysis.wsgi:application", "--bind", settings.BIND),
        *("--worker-class", "gthread", "--workers", str(WEB_PROCESSES), "--threads", str(WEB_THREADS)),
        *("--worker-tmp-dir", str(shared_memory if os.access(shared_memory, os.W_OK) else settings.DATA_DIR)),
        *("--graceful-timeout", str(WEB_GRACE_SECONDS), "--no-control-socket"),
        *("--logger-class", "imageanalysis.web_logs.WebLogger", "--log-level", settings.LOG_LEVEL),
    )
    return Service(
        "web",
        argv,
        after=("broker",) if settings.EMBEDDED_BROKER else (),
        stop_grace_seconds=WEB_GRACE_SECONDS + 5,
        is_ready=web_answers,
    )


def web_answers() -> bool:
    """Whether GET /healthz answers 200."""
    host, port = host_and_port(settings.BIND)
    reachable = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    allowed = next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"), "localhost")
    connection = http.client.HTTPConnection(reachable, port, timeout=1)
    try:
        connection.request("GET", "/healthz", headers={"Host": allowed})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def worker_service() -> Service:
    name = f"worker@{socket.gethostname()}"
    argv = (
        *(sys.executable, "-m", "celery", "--app", "imageanalysis", "--quiet"),
        *("worker", "--hostname", name, "--loglevel", settings.LOG_LEVEL),
        *("--pool", "prefork", "--concurrency", str(settings.WORKER_CONCURRENCY)),
        # One worker has no neighbours to gossip with, and the table says who is alive.
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )
    return Service(
        "worker",
        argv,
        after=("broker",) if settings.EMBEDDED_BROKER else (),
        stop_grace_seconds=settings.STOP_GRACE_SECONDS + WORKER_MARGIN_SECONDS,
        ready_line=f"{name} ready.",
    )


PARTS = {"web": web_service, "worker": worker_service}


def welcome() -> str:
    return (
        f"\n  Open {settings.PUBLIC_URL} in a browser.\n\n"
        f"  Pictures: {settings.MEDIA_ROOT}\n"
        f"  Data:     {settings.DATA_DIR}\n"
        f"  Ctrl-C stops everything.\n"
    )
