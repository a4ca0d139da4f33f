"""Services of docker-compose.yml run without Docker as it would run them: their own command, environment, user,
read-only disk and volumes, in one network without a way out, where they know each other by their names.

Needs root on Linux, and the servers' programs on this machine instead of their images.
"""

import ctypes
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imageanalysis.tests.compose import build_context, image_command, image_environment
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import ROOT, PostgreSQL, Server

CLONE_NEWNET = 0x40000000
NAME_SERVER = "127.0.0.11"
OF_THE_APPLICATION = ("web", "worker", "migrate", "build")
SCRATCH = "/tmp"  # noqa: S108  a container's own
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Answers every question for an address with 127.0.0.1, as Docker's own name server does with a container's.
DNS = f"""
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("{NAME_SERVER}", 53))
while True:
    asked, sender = server.recvfrom(512)
    question = asked[12 : asked.index(0, 12) + 5]
    answer = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\1\\0\\4\\x7f\\0\\0\\1"
    server.sendto(asked[:2] + b"\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0" + question + answer, sender)
"""


class Network:
    """A network of its own, with nothing in it but loopback and a name server."""

    def __init__(self) -> None:
        script = f"ip link set lo up && exec {sys.executable} -c {shlex.quote(DNS)}"
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", script])
        self.path = Path(f"/proc/{self.holder.pid}/ns/net")
        until(lambda: self.path.stat().st_ino != Path("/proc/self/ns/net").stat().st_ino, "no network was made")

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Sockets that this thread opens meanwhile belong to the network."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as before, self.path.open() as ours:  # noqa: PTH123
            assert libc.setns(ours.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            try:
                yield
            finally:
                assert libc.setns(before.fileno(), CLONE_NEWNET) == 0

    def close(self) -> None:
        self.holder.kill()
        self.holder.wait()


class Machine:
    """The host: what the image holds of ours, named volumes as folders, a network."""

    def __init__(self, folder: Path, services: Mapping[str, Any]) -> None:
        self.folder = folder
        # The part of the image's build that writes, with the means of a service.
        build = {"tmpfs": [SCRATCH], "command": ["sh", "-c", image_command("collectstatic")]}
        self.services = {**services, "build": build}
        self.network = Network()
        self.app = folder / "app"
        (folder / "volumes").mkdir()
        (folder / "hosts").write_text(f"127.0.0.1 localhost {' '.join(services)}\n", encoding="ascii")
        folder.chmod(0o755)
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for name in build_context(listed.splitlines()):
            (self.app / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, self.app / name)

    def volume(self, name: str, user: str) -> Path:
        """A named volume; new ones belong to whom the image's folder belongs to."""
        folder = self.folder / "volumes" / name
        if not folder.exists():
            folder.mkdir(mode=0o750)
            uid, gid = map(int, user.split(":"))
            os.chown(folder, uid, gid)
        return folder


class Container(Server):
    """A service of the compose file, or a command beside it in the same surroundings."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine, self.name, self.said = machine, name, machine.services[name]
        self.user: str = self.said.get("user", "10001:10001")
        self.command: list[str] = [*self.said.get("entrypoint", []), *self.said.get("command", [])]
        own = image_environment() if name in OF_THE_APPLICATION else {}
        path = f"/opt/venv/bin:{PATH}" if own else PATH
        self.environment = {"HOME": SCRATCH, **own, **self.said.get("environment", {}), "PATH": path}
        self.said_by_check = ""
        self.log = machine.folder / f"{name}.log"

    def start(self) -> None:
        with self.log.open("ab") as log:
            os.fchown(log.fileno(), *map(int, self.user.split(":")))  # as Docker gives a container its own output
            self.process = subprocess.Popen(self._argv(self.command), env=self.environment, stdout=log, stderr=log)

    def wait_until_healthy(self, seconds: float = 90) -> None:
        until(self.is_healthy, self.output, seconds=seconds)

    def is_healthy(self) -> bool:
        """Run the health check exactly as written."""
        kind, *command = self.said["healthcheck"]["test"]
        argv = ["/bin/sh", "-c", *command] if kind == "CMD-SHELL" else command
        assert self.process.poll() is None, self.output()
        done = self.execute(argv)
        self.said_by_check = done.stdout + done.stderr
        return done.returncode == 0

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """`docker compose run`: a command in a container of the service's kind that ends with it."""
        return subprocess.run(self._argv(command), env=self.environment, capture_output=True, text=True, check=False)

    def execute(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """`docker compose exec`: a command in the running container."""
        enter = ["nsenter", "--target", str(self.process.pid), "--mount", "--net", "--root", "--wdns=/app"]
        argv = [*enter, *self._as_user(command)]
        return subprocess.run(argv, env=self.environment, capture_output=True, text=True, check=False)

    def output(self) -> str:
        log = self.log.read_text(encoding="utf-8", errors="replace")
        return f"{self.name}: {log[-6000:]}\nhealth check: {self.said_by_check}"

    def stop(self) -> None:
        """As `docker compose stop`: the service's signal, its grace, then SIGKILL."""
        self.process.send_signal(getattr(signal, self.said.get("stop_signal", "SIGTERM")))
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _argv(self, command: list[str]) -> list[str]:
        script = "\n".join([*self._mounts(), 'exec chroot $root sh -c \'cd /app; exec "$@"\' sh "$@"'])
        apart = ["nsenter", f"--net={self.machine.network.path}", "unshare", "--mount", "--propagation", "private"]
        return [*apart, "sh", "-ec", script, "sh", *self._as_user(command)]

    def _as_user(self, command: list[str]) -> list[str]:
        uid, gid = self.user.split(":")
        bare = ["--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]
        return ["setpriv", "--reuid", uid, "--regid", gid, *bare, *command]

    def _mounts(self) -> Iterator[str]:
        """A shell script that lays the container's disk below $root."""
        yield f"layers={self.machine.folder}/layers; mkdir -p $layers; mount -t tmpfs tmpfs $layers"
        yield "root=$layers/root; mkdir $root $layers/upper $layers/work"
        yield "mount -t overlay overlay -o lowerdir=/,upperdir=$layers/upper,workdir=$layers/work $root"
        uid, gid = self.user.split(":")
        yield f"echo contained:x:{uid}:{gid}::/:/bin/sh >> $root/etc/passwd; echo contained:x:{gid}: >> $root/etc/group"
        for folder in Path(sys.executable).resolve().parents:  # this machine's Python may lie in somebody's home
            yield f"chmod o+x $root{folder}"
        for source, target, is_read_only in self._volumes():
            yield f"mkdir -p $(dirname $root{target})"
            yield f"{'mkdir -p' if source.is_dir() else 'touch'} $root{target}; mount --bind {source} $root{target}"
            if is_read_only:
                yield f"mount -o remount,bind,ro $root{target}"
        for target in ("/proc", "/sys", "/dev"):
            yield f"mount --rbind {target} $root{target}"
        for target in self.said.get("tmpfs", []):
            yield f"chroot $root sh -ec 'mkdir -p {target}; mount -t tmpfs -o mode=1777 tmpfs {target}'"
        if self.said.get("read_only"):
            yield "mount -o remount,ro $root"

    def _volumes(self) -> Iterator[tuple[Path, str, bool]]:
        yield self.machine.folder / "hosts", "/etc/hosts", True
        yield self.machine.app, "/app", True
        yield Path(sys.prefix), "/opt/venv", True
        yield self.machine.volume("static", "10001:10001"), image_environment()["STATIC_ROOT"], self.name != "build"
        for volume in self.said.get("volumes", []):
            source, target, *mode = volume.split(":")
            is_path = source.startswith(".")
            yield ROOT / source if is_path else self.machine.volume(source, self.user), target, mode == ["ro"]


class Database(Container):
    """The image's entry point makes the database on an empty volume, and runs the command on it; ours does the same."""

    def start(self) -> None:
        programs = PostgreSQL.binaries()
        assert programs is not None
        made, [_program, *arguments] = self.environment, self.said["command"]
        script = f"""
        cd; data=/var/lib/postgresql/data; printf %s "$POSTGRES_PASSWORD" > password
        {programs}/initdb -D $data -U {made["POSTGRES_USER"]} --pwfile password -A scram-sha-256 --no-sync
        echo "CREATE DATABASE {made["POSTGRES_DB"]}" | {programs}/postgres --single -D $data postgres
        exec {programs}/postgres -D $data {shlex.join(arguments)} -c listen_addresses='*' -c fsync=off
        """
        self.command = ["sh", "-ec", script]
        super().start()
