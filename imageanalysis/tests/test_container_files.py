"""Rules that every service and every image keeps, read from the files."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from packaging.requirements import Requirement

from imageanalysis.tests import compose
from imageanalysis.tests.proxy import documented
from imageanalysis.tests.servers import ROOT

GIVEN = {"POSTGRES_PASSWORD": "a", "REDIS_PASSWORD": "b", "PUBLIC_URL": "https://pictures.example.org"}
COMPOSED = compose.read("docker-compose.yml", **GIVEN)
SERVICES: dict[str, dict[str, Any]] = COMPOSED["services"]
LASTING = [name for name in SERVICES if name != "migrate"]
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
LOCKS = ("requirements.lock", "requirements-torch.lock")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_contained(name: str) -> None:
    said = SERVICES[name]

    assert said["read_only"] is True
    assert said["init"] is True
    assert said["cap_drop"] == ["ALL"]
    assert said["security_opt"] == ["no-new-privileges:true"]
    assert said["mem_limit"]
    assert said["pids_limit"]
    assert "build" in said or (not said["user"].startswith("0") and DIGEST.search(said["image"]))


@pytest.mark.parametrize("name", LASTING)
def test_every_service_that_lasts_is_restarted_and_looked_after(name: str) -> None:
    said = SERVICES[name]

    assert said["restart"] == "unless-stopped"
    assert said["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, said in SERVICES.items() if "ports" in said] == ["proxy"]
    inner = {name for name, network in COMPOSED["networks"].items() if network and network.get("internal")}
    for store in ("postgresql", "redis"):
        assert set(SERVICES[store]["networks"]) <= inner
    assert not set(SERVICES["proxy"]["networks"]) & set(SERVICES["postgresql"]["networks"])


@pytest.mark.parametrize("name", ["worker", "worker-gpu", "worker-urgent"])
def test_a_worker_is_given_longer_than_a_batch_may_take(name: str) -> None:
    grace = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))

    assert grace > settings.RUN_HARD_LIMIT_SECONDS + 10


def test_nothing_is_started_without_the_passwords() -> None:
    for missing in GIVEN:
        with pytest.raises(KeyError, match=missing):
            compose.read("docker-compose.yml", **{name: value for name, value in GIVEN.items() if name != missing})


def test_an_image_holds_what_runs_and_no_test_no_history_no_secret() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    held = compose.build_context([*listed.splitlines(), ".env", ".git/config", "var/secret_key", "media/x.jpg"])

    assert {"manage.py", "imageanalysis/settings.py", "templates/base.html", "locale/ja/LC_MESSAGES/django.mo"} <= set(
        held
    )
    wrong = [name for name in held if "/tests/" in name or name.startswith((".", "var", "media", "docs", "benchmarks"))]
    assert not wrong


def test_images_are_based_on_a_digest() -> None:
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(.+)$", text("Dockerfile"), re.MULTILINE)

    assert DIGEST.search(base)
    assert set(re.findall(r"^FROM (\S+)", text("Dockerfile"), re.MULTILINE)) == {"${PYTHON_IMAGE}"}


def test_every_package_of_an_image_is_locked_with_its_hashes() -> None:
    locked: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=\w)", "".join(map(text, LOCKS))):
        if found := re.match(r"([\w.-]+)==(\S+)", block):
            locked.setdefault(found[1].lower().replace("_", "-"), []).append(found[2])
            assert "--hash=sha256:" in block, found[1]
    wanted = [Requirement(line.partition("#")[0]) for line in text("requirements.txt").splitlines() if line[0] != "#"]

    for requirement in wanted:
        versions = locked[requirement.name.lower().replace("_", "-")]
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_the_bill_of_materials_and_the_licences_name_every_locked_package(tmp_path: Path) -> None:
    names = re.findall(r"^([\w.-]+)==", "".join(map(text, LOCKS)), re.MULTILINE)
    output = ["--output-file", str(tmp_path / "sbom.json"), "-"]
    command = [Path(sys.executable).with_name("cyclonedx-py"), "requirements", *output]
    subprocess.run(command, input="".join(map(text, LOCKS)), check=True, text=True, capture_output=True)
    bill = json.loads((tmp_path / "sbom.json").read_text(encoding="utf-8"))

    assert {component["name"] for component in bill["components"]} == set(names)
    assert all(component["externalReferences"][0]["hashes"] for component in bill["components"])
    assert set(re.findall(r"^\| ([\w.-]+) \| [\d]", text("docs/licences.md"), re.MULTILINE)) == set(names)


def test_the_documented_proxy_is_the_one_of_the_containers() -> None:
    assert documented() == text("deploy/nginx/locations.conf")
