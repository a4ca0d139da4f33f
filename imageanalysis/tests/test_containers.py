"""The compose file's services, each started as it says, from the proxy to the labels of a picture."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from imageanalysis.tests import compose
from imageanalysis.tests.application import Person
from imageanalysis.tests.containers import Container, Database, Machine
from imageanalysis.tests.processes import until
from imageanalysis.tests.proxy import NGINX
from imageanalysis.tests.servers import PostgreSQL
from mlmodels.tests.photographs import photograph, written

PROGRAMS = [NGINX, shutil.which("redis-server"), shutil.which("curl"), PostgreSQL.binaries()]
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not all(PROGRAMS),
    reason="needs root on Linux with nginx, redis-server, curl and PostgreSQL",
)
FIRST_PICTURE_SECONDS = 240  # the model is made ready for this machine first
URL = "http://127.0.0.1:8080"
GIVEN = {"POSTGRES_PASSWORD": "a" * 40, "REDIS_PASSWORD": "b" * 40, "PUBLIC_URL": URL}
PICTURE = written(photograph("coffee"), "JPEG").getvalue()


class Stack:
    """All services of a `docker compose up`, and whoever asks in their network."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.services = {name: Database if name == "postgresql" else Container for name in machine.services}
        self.containers = {name: kind(machine, name) for name, kind in self.services.items()}

    def __getitem__(self, name: str) -> Container:
        return self.containers[name]

    def finish(self, name: str) -> None:
        """Run a service that ends by itself."""
        done = self[name].run(self[name].command)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Started in an order that no dependency would allow: what comes too early has to become healthy by itself."""
    machine = Machine(tmp_path_factory.mktemp("host"), compose.read("docker-compose.yml", **GIVEN)["services"])
    stack = Stack(machine)
    with ExitStack() as ends, machine.network.entered():
        ends.callback(machine.network.close)
        stack.finish("build")
        for name in ("worker", "web", "proxy", "redis", "postgresql"):
            ends.enter_context(stack[name])
        stack["postgresql"].wait_until_healthy()
        stack.finish("migrate")
        for name in ("redis", "proxy", "worker", "web"):
            stack[name].wait_until_healthy()
        yield stack


@pytest.fixture(scope="module")
def anna(stack: Stack) -> Iterator[Person]:
    person = Person(URL, "anna")
    yield person
    person.client.close()


def test_a_picture_goes_in_by_the_proxy_and_comes_back_with_its_labels(stack: Stack, anna: Person) -> None:
    pk = anna.upload("coffee.jpg", PICTURE)["id"]
    until(lambda: anna.story(pk)["status"] == "success", stack["worker"].output, seconds=FIRST_PICTURE_SECONDS)

    assert anna.story(pk)["results"][0]["label"] == "espresso"
    assert_told_apart(pk, stack)
    assert anna.client.get(f"/images/{pk}/file/").content == PICTURE


def assert_told_apart(pk: int, stack: Stack) -> None:
    """The worker's line about the run names the request that brought the picture."""
    taken = next(line for line in lines(stack["web"]) if line["message"] == f"took in picture {pk}")
    run = next(
        line for line in lines(stack["worker"]) if any(name.startswith(f"{pk}-") for name in line.get("runs", ()))
    )
    assert run["request_id"] == taken["request_id"]


def lines(container: Container) -> list[dict[str, Any]]:
    return [json.loads(line) for line in container.log.read_text("utf-8").splitlines() if line.startswith("{")]


def test_static_files_are_compressed_and_kept_for_ever(stack: Stack, anna: Person) -> None:
    style = anna.client.get("/").text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = anna.client.get(style, headers={"Accept-Encoding": "gzip"})

    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("name", ["proxy", "web", "worker", "postgresql", "redis"])
def test_inside_nobody_is_root_or_can_become_it_or_write_to_the_disk(name: str, stack: Stack) -> None:
    container = stack[name]
    status = Path(f"/proc/{container.process.pid}/status").read_text(encoding="ascii")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)

    assert set(fields["Uid"].split()) == {container.user.split(":")[0]} != {"0"}
    assert {int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd")} == {0}
    assert fields["NoNewPrivs"] == "1"
    told = container.execute(["sh", "-c", "cd /tmp; echo > x && rm x && cd /var/tmp && echo > x"]).stderr
    assert "create x: Read-only file system" in told


def test_redis_asks_for_the_password_and_forgets_nothing(stack: Stack) -> None:
    redis = stack["redis"]
    stranger = redis.execute(["env", "--unset=REDISCLI_AUTH", "redis-cli", "keys", "*"])
    kept = redis.execute(["redis-cli", "config", "get", "maxmemory-policy"]).stdout.split()
    logged = redis.execute(["redis-cli", "config", "get", "appendonly"]).stdout.split()

    assert "NOAUTH" in stranger.stdout
    assert (kept[-1], logged[-1]) == ("noeviction", "yes")


def test_a_new_version_comes_in_under_load_and_nothing_is_lost(stack: Stack, anna: Person) -> None:
    accepted = [anna.upload(f"coffee-{number}.jpg", PICTURE)["id"] for number in range(12)]
    for name in ("worker", "web"):
        stack[name].stop()
        assert stack[name].process.returncode == 0, stack[name].output()
    assert anna.client.get("/healthz").status_code == 502
    for name in ("web", "worker"):
        stack[name].start()
    for name in ("web", "worker"):
        stack[name].wait_until_healthy()

    until(lambda: {anna.story(pk)["status"] for pk in accepted} == {"success"}, stack["worker"].output)
    assert {anna.story(pk)["queue"]["retry_count"] for pk in accepted} == {0}
