"""Failpoints are empty functions unless the settings for tests of faults arm them, whatever the environment says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis import failpoints
from imageanalysis.tests.servers import ROOT

ASK = "import django; django.setup(); from analysis import failpoints; print(failpoints.hit.__class__.__name__)"


def kind_of_hit(settings_module: str, folder: Path) -> str:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": settings_module, "FAILPOINTS": str(folder)}
    argv = [sys.executable, "-c", ASK]
    return subprocess.run(argv, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def test_an_installation_cannot_be_made_to_fail_by_its_environment(tmp_path: Path) -> None:
    assert kind_of_hit("imageanalysis.settings", tmp_path) == "function"
    assert kind_of_hit("imageanalysis.settings_faults", tmp_path) == "Armed"


def test_in_normal_running_a_failpoint_does_nothing() -> None:
    code = failpoints.hit.__code__

    failpoints.hit("before_claim")
    assert not code.co_names  # it calls nothing and looks nothing up


def test_an_armed_point_is_struck_once(tmp_path: Path) -> None:
    hit = failpoints.Armed(tmp_path)
    (tmp_path / "before_claim:raise:1").touch()
    hit("after_claim")

    with pytest.raises(failpoints.FailpointError):
        hit("before_claim")
    hit("before_claim")
    assert [path.name for path in (tmp_path / "fired").iterdir()] == [f"before_claim:raise:1@{os.getpid()}"]


def test_a_point_can_be_armed_for_good_for_one_subject(tmp_path: Path) -> None:
    hit = failpoints.Armed(tmp_path)
    (tmp_path / "always" / "before_read:raise:one").touch()

    hit("before_read", "another/original.jpg")
    for _ in range(2):
        with pytest.raises(failpoints.FailpointError):
            hit("before_read", "one/original.jpg")


def test_a_point_with_a_wrong_name_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        failpoints.Armed(tmp_path)("no such point")
