"""What `/metrics` tells, to whom, and at which cost; the example dashboard asks for nothing else."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from accounts import clock
from accounts.models import User
from analysis import failures, lifecycle
from analysis.heartbeats import note_claim
from analysis.models import AnalysisQueue, ProgressLog, WorkerProcess
from analysis.states import Priority, QueueStatus, Stage
from imageanalysis.tests.servers import ROOT
from images.tests.factories import queued_image
from mlmodels.models import MLModel

TOKEN = "t" * 40
Numbers = dict[tuple[str, ...], float]


@pytest.fixture(autouse=True)
def _open(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


def told() -> dict[str, Numbers]:
    """Every number by its metric and the values of its labels, in the order of their names."""
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {
        family.name: {tuple(s.labels[name] for name in sorted(s.labels)): s.value for s in family.samples}
        for family in families
    }


def finished(user: User, model: MLModel, *, stages: tuple[float, float, float] = (1, 2, 3)) -> None:
    """A run that waited 10 seconds and whose stages took so long."""
    image = queued_image(user=user, model=model)
    moment = clock.now() - timedelta(seconds=60)
    AnalysisQueue.objects.filter(image=image).update(queued_at=moment - timedelta(seconds=10), started_at=moment)
    for stage, seconds in zip(Stage, (*stages, 0), strict=True):
        ProgressLog.objects.create(image=image, progress_percentage=0, current_stage=stage, timestamp=moment)
        moment += timedelta(seconds=seconds)
    AnalysisQueue.objects.filter(image=image).update(status=QueueStatus.COMPLETED, completed_at=moment)


def failed(user: User, model: MLModel, error: Exception) -> None:
    queued_image(user=user, model=model)
    claims = lifecycle.claim_batch(limit=1)
    lifecycle.fail(claims, failures.classify(error), detail="in words of its own: with a colon")


@pytest.fixture
def busy(owner: User, model: MLModel) -> None:
    """Something of everything."""
    failed(owner, model, FileNotFoundError())
    failed(owner, model, MemoryError())
    finished(owner, model)
    note_claim()
    for _ in range(3):
        queued_image(user=owner, model=model)


@pytest.mark.usefixtures("busy")
def test_the_queue_by_priority() -> None:
    AnalysisQueue.objects.filter(status=QueueStatus.WAITING).update(queued_at=clock.now() - timedelta(seconds=90))
    numbers = told()

    assert numbers["imageanalysis_queue_waiting"] == {("low",): 0, ("normal",): 3, ("high",): 0, ("urgent",): 0}
    assert numbers["imageanalysis_queue_processing"][Priority.NORMAL,] == 0
    assert numbers["imageanalysis_queue_oldest_seconds"][Priority.NORMAL,] == pytest.approx(90, abs=5)
    assert numbers["imageanalysis_queue_paused"] == {(): 0}


@pytest.mark.usefixtures("busy")
def test_what_waits_for_no_worker_that_lives() -> None:
    assert told()["imageanalysis_queue_untaken"][Priority.NORMAL,] == 0

    WorkerProcess.objects.update(lane="|urgent,high")
    numbers = told()
    assert numbers["imageanalysis_queue_untaken"] == {("low",): 0, ("normal",): 3, ("high",): 0, ("urgent",): 0}
    assert [lane for _code, _host, lane in numbers["imageanalysis_worker_silent_seconds"]] == ["|urgent,high"]


@pytest.mark.usefixtures("busy")
def test_runs_by_outcome_cause_and_stage(model: MLModel) -> None:
    numbers = told()

    assert numbers["imageanalysis_recent_runs"] == {(model.key, "failed"): 2, (model.key, "completed"): 1}
    assert numbers["imageanalysis_recent_failures"] == {("file_missing",): 1, ("out_of_memory",): 1}
    median = {
        stage: s
        for (_model, quantile, stage), s in numbers["imageanalysis_recent_seconds"].items()
        if quantile == "0.5"
    }
    assert median == pytest.approx(
        {"waiting": 10, "preprocessing": 1, "model_execution": 2, "postprocessing": 3, "total": 16}
    )


@pytest.mark.usefixtures("busy")
def test_workers_by_their_silence() -> None:
    (silent,) = told()["imageanalysis_worker_silent_seconds"].values()

    assert 0 <= silent < 30


def test_the_cost_does_not_grow(owner: User, model: MLModel, django_assert_num_queries: Callable[..., Any]) -> None:
    finished(owner, model)
    with CaptureQueriesContext(connection) as few:
        told()
    for _ in range(20):
        finished(owner, model)
    with CaptureQueriesContext(connection) as many:
        told()

    assert len(many) == len(few) <= 8


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("headers", "network", "status"),
    [
        ({}, "", 404),
        ({"Authorization": "Bearer wrong"}, "", 404),
        ({"Authorization": TOKEN}, "", 404),
        ({"Authorization": "Bearer "}, "", 404),
        ({}, "10.0.0.0/8", 404),
        ({}, "127.0.0.0/8", 200),
        ({"Authorization": f"Bearer {TOKEN}"}, "", 200),
    ],
)
def test_only_the_token_or_the_network_sees_it(
    headers: dict[str, str], network: str, status: int, settings: Settings
) -> None:
    settings.METRICS_NETWORKS = [network] if network else []

    assert Client().get("/metrics", headers=headers).status_code == status


def test_an_empty_token_opens_nothing(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""

    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.usefixtures("busy")
def test_the_dashboard_asks_for_what_there_is() -> None:
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    labels = {
        family.name: {name for sample in family.samples for name in sample.labels}
        for family in text_string_to_metric_families(answer)
    }
    dashboard = json.loads((ROOT / "docs/grafana.json").read_text(encoding="utf-8"))
    targets = [target for panel in dashboard["panels"] for target in panel["targets"]]
    asked = set()
    for target in targets:
        names = re.findall(r"imageanalysis_\w+", target["expr"])
        used = " ".join(re.findall(r"by \((.*?)\)", target["expr"])).replace(",", " ").split()
        used += re.findall(r"\{\{(\w+)", target["legendFormat"]) + re.findall(r'(\w+)!?=~?"', target["expr"])
        asked |= set(names)
        assert names, target
        assert set(used) <= set().union(*(labels[name] for name in names)), target

    assert asked == set(labels) - {"imageanalysis_web_code"}
