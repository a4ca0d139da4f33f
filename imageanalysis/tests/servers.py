"""Real servers for tests: PostgreSQL, the embedded broker, a Celery worker; each started privately and stopped."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import connection

from imageanalysis import broker
from imageanalysis.tests.log_review import REVIEW
from imageanalysis.tests.processes import until

ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A child process that is up after `with` begins and gone after it ends."""

    process: subprocess.Popen[bytes]

    def start(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self.stop)
            self.start()
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Broker(Server):
    """The embedded broker."""

    def __init__(self, socket_path: Path, data_dir: Path) -> None:
        self.socket_path = socket_path
        self.argv = broker.command(socket_path, data_dir)

    def start(self) -> None:
        self.process = subprocess.Popen(self.argv, stdout=subprocess.DEVNULL)
        until(lambda: broker.is_ready(self.socket_path), "no broker answers")


class PostgreSQL(Server):
    """A PostgreSQL server in a folder of its own, listening on a free loopback port, made for speed, not safety.

    With `network` it listens everywhere and trusts that network (an address range), too.
    """

    def __init__(self, parent: Path, *, network: str | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="postgresql-", dir=parent))
        self.network = network
        self.port = free_port()

    @staticmethod
    def binaries() -> Path | None:
        """The newest installed server's programs."""
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
        on_path = shutil.which("initdb")
        return found[-1].parent if found else Path(on_path).parent if on_path else None

    def start(self) -> None:
        programs = self.binaries()
        assert programs is not None
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        data = str(self.folder / "data")
        self._run([str(programs / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"])
        if self.network:
            with Path(data, "pg_hba.conf").open("a", encoding="ascii") as rules:
                rules.write(f"host all all {self.network} trust\n")
        self.launch()

    def launch(self) -> None:
        """Run the server on its folder, also once more after `end`."""
        programs = self.binaries()
        assert programs is not None
        data = str(self.folder / "data")
        listen_addresses = "*" if self.network else "127.0.0.1"
        settings_ = {"listen_addresses": listen_addresses, "port": self.port, "fsync": "off", "max_connections": 100}
        options = [f"-c{name}={value}" for name, value in settings_.items()]
        sockets = f"-cunix_socket_directories={self.folder}"
        self.process = subprocess.Popen(
            [*self._as_postgres(), str(programs / "postgres"), "-D", data, sockets, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: self._accepts(programs), "PostgreSQL did not come up")

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        name = f"test_{secrets.token_hex(6)}"
        programs = self.binaries()
        self._run([f"{programs}/createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name])
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def end(self, number: signal.Signals) -> None:
        """SIGINT is PostgreSQL's "fast" stop, SIGQUIT its "immediate" one."""
        # Under `runuser` the signal has to reach the server itself.
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, number)
        self.process.wait(30)

    def stop(self) -> None:
        self.end(signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _accepts(self, programs: Path) -> bool:
        probe = [f"{programs}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(probe, check=False).returncode == 0

    def _as_postgres(self) -> list[str]:
        # The server refuses to run as root.
        return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def _run(self, argv: list[str]) -> None:
        subprocess.run([*self._as_postgres(), *argv], check=True, capture_output=True)


class Worker(Server):
    """A Celery worker with one child, on the database of the running test."""

    def __init__(self, *, media_root: Path, **environment: str) -> None:
        self.media_root = media_root
        self.log = media_root.parent / f"worker-{secrets.token_hex(4)}.log"
        self.times_started = 0
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "imageanalysis.settings",
            "DATA_DIR": str(settings.DATA_DIR),
            "MEDIA_ROOT": str(media_root),
            "DATABASE_URL": database_url(),
            "WORKER_CONCURRENCY": "1",
            "SWEEP_SECONDS": "1",
            **environment,
        }

    def start(self) -> None:
        self.spawn()
        self.wait_for_line(" ready.", seconds=60)

    def stop(self) -> None:
        super().stop()
        REVIEW.read(self.output())

    def spawn(self) -> None:
        """Start the process, also anew, and do not wait for it."""
        self.times_started += 1
        apart = ["--hostname", f"{self.log.stem}@%h", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "imageanalysis", "worker", "--loglevel", "INFO", *apart],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def wait_for_line(self, text: str, *, seconds: float = 30) -> None:
        until(
            lambda: text in self.output(), lambda: f"no {text!r} in the worker's log:\n{self.output()}", seconds=seconds
        )

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def children(self) -> list[int]:
        """The pool's processes."""
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listing.split()]

    def pause(self) -> None:
        """Hold the children, so that nothing is claimed until `resume`."""
        for pid in self.children():
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in self.children():
            os.kill(pid, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL the worker with its children, as a power cut would."""
        for pid in [self.process.pid, *self.children()]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()


def database_url() -> str:
    """The address of the database that the running test uses."""
    described = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{described['NAME']}"
    return "postgresql://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**described)
