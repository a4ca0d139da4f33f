"""The child of an exam may have been taken over by a file: only what it may say is heard."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import StoredWeights
from mlmodels.inference.confinement.sandbox import Limits
from mlmodels.inference.exams.exam_messages import Heard, Request, Telling
from mlmodels.inference.options import Options
from mlmodels.tests import custom_models


def heard(*messages: Any) -> tuple[Heard, list[tuple[str, int]]]:
    steps: list[tuple[str, int]] = []
    hearing = Heard(on_step=lambda *step: steps.append(step))
    for message in messages:
        hearing.line(json.dumps(message).encode())
    return hearing, steps


def test_what_the_child_tells_is_what_the_parent_hears() -> None:
    steps: list[tuple[str, int]] = []
    hearing = Heard(on_step=lambda *step: steps.append(step))
    telling = Telling(lambda line: hearing.line(line.encode()))
    telling.facts(controls=["no network"], latency_ms=1.5)
    telling.step("convert")
    telling.step("measure", 0.5)
    telling.failed("not_finite", {"where": "weights"})
    assert steps == [("convert", 5), ("measure", 92)]
    assert hearing.facts == {"controls": ["no network"], "latency_ms": 1.5}
    assert (hearing.passed, hearing.code, hearing.values) == (False, "not_finite", {"where": "weights"})


@pytest.mark.parametrize(
    "facts",
    [
        {"latency_ms": "<script>"},
        {"latency_ms": True},
        {"runtime": 3},
        {"device": "x" * 501},
        {"device": ["CPU"]},
        {"weights_sha256": "0" * 64},
        {"anything": 1},
        [1, 2],
        None,
    ],
)
def test_facts_of_another_form_are_not_heard(facts: Any) -> None:
    assert heard({"facts": facts})[0].facts == {}


def test_controls_that_nobody_knows_are_not_heard() -> None:
    assert heard({"facts": {"controls": ["no sleep", "not root", {}]}})[0].facts == {"controls": ["not root"]}


@pytest.mark.parametrize("message", [{"code": "all_well"}, {"code": ["died"]}, {"passed": 1}, {"passed": "true"}, {}])
def test_other_outcomes_are_not_heard(message: Any) -> None:
    hearing, _steps = heard(message)
    assert (hearing.passed, hearing.code) == (False, "")


def test_values_of_another_form_are_not_heard() -> None:
    values = {"missing": 3, "example": "y" * 501, "unknown": [1], "classes": None}
    assert heard({"code": "other_parameters", "values": values})[0].values == {"missing": 3}
    assert heard({"code": "other_parameters", "values": "all"})[0].values == {}


def test_steps_stay_within_a_hundred_percent() -> None:
    steps = heard(
        {"step": "load", "percentage": 1000},
        {"step": "load", "percentage": -5},
        {"step": "load", "percentage": "50"},
        {"step": "dance", "percentage": 50},
    )[1]
    assert steps == [("load", 100), ("load", 0)]


@pytest.mark.parametrize("line", [b"", b"Traceback", b"[1]", b'"passed"', b"\xff", b"[" * 100_000])
def test_lines_that_are_no_messages_are_an_error(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        Heard(on_step=lambda *step: None).line(line)


@pytest.mark.parametrize(
    "spec", [custom_models.spec("timm/test_resnet"), catalogue.find("efficientnet:1.0.0"), catalogue.find("clip:1.0.0")]
)
def test_a_request_arrives_as_it_was_sent(spec: catalogue.ModelSpec) -> None:
    request = Request(
        spec=spec,
        checkpoint=Path("/weights/x.pth"),
        is_torchs=True,
        folder=Path("/cache/exam-1"),
        cache_dir=Path("/cache"),
        closed=(Path("/elsewhere"), Path("/cache")),
        options=Options(threads=1),
        limits=Limits(memory_bytes=2**32, address_bytes=None, file_bytes=2**30, cpu_seconds=60),
    )
    sent = io.StringIO()
    request.write(sent)
    sent.seek(0)
    # Where the weights come from is the parent's concern.
    assert Request.read(sent) == replace(request, spec=replace(spec, weights=StoredWeights("x.pth")))
