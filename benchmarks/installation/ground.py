"""An installation of several machines on this one: PostgreSQL, Redis, a bucket, nginx, and machines that share no disk.

Each machine has a host name, processes and folders of its own and is started by `manage.py start`, as docs/scaling.md
says; it can be lost as a whole, and its clock can be set. Needs root on Linux.
"""

import os
import secrets
import shlex
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import boto3
import httpx
from moto.server import ThreadedMotoServer

from accounts.tests.mail_server import MailServer
from imageanalysis.tests.application import EMBEDDED
from imageanalysis.tests.processes import until
from imageanalysis.tests.proxy import Nginx
from imageanalysis.tests.servers import ROOT, PostgreSQL, Server, free_port

FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
START_SECONDS = 240
BUCKET = "pictures"
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "word", "AWS_DEFAULT_REGION": "us-east-1"}
METRICS_TOKEN = secrets.token_hex(24)
PROXIED = "upstream machines {{ {servers} }} proxy_connect_timeout 1s;"


class Redis(Server):
    """With a password, kept in memory only, and rather refusing than forgetting, as docker-compose.yml has it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.password = folder, free_port(), secrets.token_hex(24)

    def start(self) -> None:
        options = {
            "port": self.port,
            "bind": "127.0.0.1",
            "requirepass": self.password,
            "maxmemory": "256mb",
            "maxmemory-policy": "noeviction",
            "save": "",
            "dir": self.folder,
        }
        argv = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.process = subprocess.Popen(["redis-server", *argv], stdout=subprocess.DEVNULL)

    def url(self, scheme: str, number: int) -> str:
        return f"{scheme}://:{self.password}@127.0.0.1:{self.port}/{number}"


class ObjectStore(Server):
    """A server that speaks S3, with one private bucket; what it holds outlasts its absence."""

    def __init__(self) -> None:
        self.port = free_port()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.launch()
        self.client = boto3.client("s3", endpoint_url=self.address)
        self.client.create_bucket(Bucket=BUCKET)

    def launch(self) -> None:
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self.server.start()

    def stop(self) -> None:
        self.server.stop()


class Machine:
    """A computer: a host name, a process table and a disk of its own. `start` and `lose` it as often as you like."""

    def __init__(self, folder: Path, name: str, environment: dict[str, str]) -> None:
        self.folder, self.name = folder / name, name
        self.folder.mkdir()
        self.bind = f"127.0.0.1:{free_port()}"
        self.log_file = self.folder / "log"
        inherited = {name: value for name, value in os.environ.items() if name not in EMBEDDED}
        folders = {"DATA_DIR": "data", "MEDIA_ROOT": "media", "WEIGHTS_DIR": "weights", "CONVERTED_DIR": "converted"}
        self.environment = {
            **inherited,
            **{variable: str(self.folder / folder) for variable, folder in folders.items()},
            "BIND": self.bind,
            **environment,
        }

    def start(self, clock: str = "") -> None:
        """With its clock as far off as `clock` says (`+1h`)."""
        faked = {"LD_PRELOAD": str(FAKETIME[0]), "FAKETIME": clock} if clock else {}
        self._begins_at = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("ab") as log:
            argv = self._inside(f"{shlex.quote(sys.executable)} manage.py start; exit $?")
            self.process = subprocess.Popen(argv, cwd=ROOT, env=self.environment | faked, stdout=log, stderr=log)

    def wait_until_welcome(self) -> None:
        until(
            lambda: "Ctrl-C stops" in self.said() or self.process.poll() is not None,
            lambda: f"{self.name}:\n{self.said()}",
            seconds=START_SECONDS,
        )
        assert self.process.poll() is None, self.said()

    def lose(self) -> None:
        """SIGKILL to all processes at once: without its first one the kernel ends the machine."""
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """Since its last start."""
        return self.log_file.read_bytes()[self._begins_at :].decode(errors="replace")

    def manage(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        argv = self._inside(shlex.join([sys.executable, "manage.py", *command]))
        environment = self.environment | more
        return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """From this machine itself, without the proxy."""
        return httpx.get(f"http://{self.bind}{path}", headers=headers, timeout=30)

    def _inside(self, script: str) -> list[str]:
        apart = ["unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
        return [*apart, "sh", "-c", f"hostname {self.name}; {script}"]


class Installation:
    """What the machines share, and the door before them; up while `with` lasts. The machines are started by hand."""

    def __init__(self, folder: Path, machines: dict[str, dict[str, str]]) -> None:
        self.folder = folder
        self.postgresql = PostgreSQL(Path("/tmp"))  # noqa: S108  its server is a user of its own
        self.redis = Redis(folder)
        self.bucket = ObjectStore()
        self.mail = MailServer()
        self.wanted = machines
        self.machines: dict[str, Machine] = {}

    def __enter__(self) -> Self:
        os.environ.update(KEYS)
        with ExitStack() as undo:
            for server in (self.postgresql, self.redis, self.bucket, self.mail):
                undo.enter_context(server)
            self.shared = {
                "DATABASE_URL": self.postgresql.new_database(),
                "CELERY_BROKER_URL": self.redis.url("redis", 0),
                "CACHE_URL": self.redis.url("rediscache", 1),
                "STORAGE_URL": f"s3://{BUCKET}?endpoint={self.bucket.address}&region=us-east-1",
                "SECRET_KEY": secrets.token_hex(32),
                "EMAIL_URL": self.mail.url,
                "TRUSTED_PROXY_COUNT": "1",
                "MEDIA_ACCEL_PREFIX": "/internal-media/",
                "METRICS_TOKEN": METRICS_TOKEN,
                "LOG_FORMAT": "json",
                "WORKER_CONCURRENCY": "1",
                "INFERENCE_THREADS": "1",
            }
            self.machines = {name: Machine(self.folder, name, self.shared | own) for name, own in self.wanted.items()}
            servers = " ".join(f"server {machine.bind} max_fails=0;" for machine in self.machines.values())
            around = PROXIED.format(servers=servers)
            self.nginx = Nginx(self.folder / "nginx", "machines", media=self.folder / "nowhere", around=around)
            for machine in self.machines.values():
                machine.environment["PUBLIC_URL"] = self.nginx.url
            undo.callback(self._lose_all)
            self.undo = undo.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self.undo.close()

    def open_the_door(self) -> None:
        self.undo.enter_context(self.nginx)

    def _lose_all(self) -> None:
        for machine in self.machines.values():
            if hasattr(machine, "process"):
                machine.lose()
