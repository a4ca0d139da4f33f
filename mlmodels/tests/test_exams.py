"""Exams: who takes them, what becomes of lost ones, what they decide. The engine's part is tested beside it."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import current_app
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.tests.factories import UserFactory
from imageanalysis.tests.servers import Broker
from mlmodels import exam_wording, exams, model_files, tasks, worker
from mlmodels.inference.confinement import sandbox
from mlmodels.inference.exams import exam as engine_exam
from mlmodels.inference.exams.exam import Report
from mlmodels.inference.exams.exam_messages import CODES
from mlmodels.models import AddedModel, MLModel, ModelExam
from mlmodels.tests.factories import MLModelFactory, added_model

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("weights_of_its_own")]


def exam_of(model: MLModel) -> ModelExam:
    return ModelExam.objects.get(model=model)


def running(model: MLModel, *, task_id: str = "a task", minutes_ago: float = 0) -> None:
    """As if a worker had claimed the model's exam."""
    exams.request(model)
    started_at = timezone.now() - timedelta(minutes=minutes_ago)
    ModelExam.objects.filter(model=model).update(
        state="running", step="load", percentage=20, started_at=started_at, task_id=task_id
    )


def messages() -> list[bytes]:
    with redis.Redis(unix_socket_path=str(django_settings.BROKER_SOCKET)) as server:
        found = server.lrange("chores", 0, -1)
        server.delete("chores")
    return [message for message in found if b"mlmodels.take_exam" in message]


def test_the_task_has_more_time_than_an_exam_may_take() -> None:
    assert current_app.tasks[exams.TAKE_EXAM].time_limit > django_settings.MODEL_EXAM_SECONDS


def test_asking_for_an_exam_tells_the_workers_once_it_is_committed(
    broker: Broker, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    messages()
    with django_capture_on_commit_callbacks() as callbacks:
        assert exams.request(MLModelFactory.create())
    assert messages() == []

    for callback in callbacks:
        callback()

    assert len(messages()) == 1


def test_without_a_broker_the_exam_waits(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert exams.request(MLModelFactory.create())

    assert ModelExam.objects.get().state == "waiting"


@pytest.mark.django_db(transaction=True)
def test_a_worker_announces_exams_whose_message_was_lost(broker: Broker) -> None:
    exams.request(MLModelFactory.create())
    messages()

    worker.look_after_exams()

    assert len(messages()) == 1


def test_an_exam_that_is_being_taken_is_not_begun_again() -> None:
    model = added_model()
    running(model)
    before = exam_of(model)

    assert not exams.request(model)

    assert (exam_of(model).state, exam_of(model).started_at) == ("running", before.started_at)


def test_only_one_worker_takes_an_exam(weights_of_its_own: Path) -> None:
    model = added_model()
    running(model, task_id="the first")

    exams.take(model.pk, task_id="the second")

    assert (exam_of(model).state, exam_of(model).task_id) == ("running", "the first")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WorkerLostError("killed"), "worker_lost"),
        (TimeLimitExceeded(900), "worker_lost"),
        (KeyError("ours"), "internal_error"),
    ],
)
def test_an_exam_whose_task_ended_without_a_result_can_be_taken_again(error: Exception, code: str) -> None:
    model = added_model()
    running(model, task_id="lost")
    other = added_model("other")
    running(other, task_id="another")

    worker.fail_what_the_task_was_taking(task_id="lost", exception=error)

    assert (exam_of(model).state, exam_of(model).code) == ("failed", code)
    assert exam_of(other).state == "running"
    assert exams.request(model)


@pytest.mark.django_db(transaction=True)
def test_an_exam_whose_worker_vanished_is_shown_so_and_can_be_taken_again(staff_client: Client) -> None:
    model = added_model()
    running(model, minutes_ago=60)

    assert "The worker stopped during the exam." in page(staff_client, model)
    worker.look_after_exams()
    assert (exam_of(model).state, exam_of(model).code) == ("failed", "worker_lost")

    running(model, minutes_ago=60)
    assert exams.request(model)
    assert exam_of(model).state == "waiting"


def test_a_model_that_passed_is_offered_while_it_takes_its_exam_again_and_when_nobody_finished_it() -> None:
    model = added_model()
    exams.request(model)
    assert model in MLModel.objects.offered()

    running(model, task_id="lost")
    exams.lose("lost", "worker_lost")
    assert model in MLModel.objects.offered()


def test_a_model_of_staff_that_fails_is_switched_off_one_of_the_catalogue_is_not() -> None:
    ours, catalogues = added_model(), MLModelFactory.create()
    for model in (ours, catalogues):
        running(model)
        started_at = exam_of(model).started_at
        assert started_at is not None
        exams._Taking(model, started_at).end(Report(passed=False, code="unsteady"))

    ours.refresh_from_db()
    catalogues.refresh_from_db()
    assert (ours.is_active, catalogues.is_active) == (False, True)
    assert not MLModel.objects.get(pk=ours.pk).has_passed


def test_who_lost_an_exam_writes_nothing() -> None:
    model = added_model()
    running(model)
    started_at = exam_of(model).started_at
    assert started_at is not None
    taking = exams._Taking(model, started_at - timedelta(hours=1))

    taking.show("measure", 90)
    taking.end(Report(passed=False, code="unsteady"))

    assert (exam_of(model).state, exam_of(model).percentage) == ("running", 20)
    assert MLModel.objects.get(pk=model.pk).is_active


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (lambda model: model_files.delete_stored(model.added.file), "file_missing"),
        (lambda model: AddedModel.objects.update(architecture="timm/gone"), "unknown_architecture"),
        (lambda model: AddedModel.objects.update(base="clip:1.0.0", file=""), "weights_missing"),
    ],
)
def test_what_keeps_an_exam_from_beginning_is_its_result(break_it: Callable[[MLModel], object], code: str) -> None:
    model = added_model()
    break_it(model)
    exams.request(model)

    tasks.take_exam(model.pk)

    assert (exam_of(model).state, exam_of(model).code) == ("failed", code)
    assert exam_of(model).machine


def test_a_model_that_the_catalogue_does_not_have_fails_with_a_sentence(staff_client: Client) -> None:
    model = MLModelFactory.create(name="resnet50", version="9")
    exams.request(model)

    tasks.take_exam(model.pk)

    assert "This model is not in the catalogue" in page(staff_client, model)


def test_every_code_and_every_step_has_its_words() -> None:
    codes = CODES | {"holds_code", "legacy_format", "too_many_tensors", "empty", "unknown_architecture"}
    codes |= {"too_slow", "died", "worker_lost", "internal_error"}

    assert codes <= set(exam_wording.SENTENCES)
    assert set(engine_exam.STEPS) == set(exam_wording.STEPS) == set(exam_wording.WHAT_A_STEP_SHOWS)
    assert set(sandbox.CONTROLS) == set(exam_wording.CONTROLS)


def test_figures_that_nobody_gave_leave_a_sentence_whole() -> None:
    assert "? parameters are missing" in exam_wording.sentence("other_parameters", {})
    assert "ran out of the 1.0" in exam_wording.sentence("too_large", {"limit_bytes": 2**30})


def page(client: Client, model: MLModel) -> str:
    return client.get(reverse("admin:mlmodels_mlmodel_change", args=[model.pk])).content.decode()


def fragment(client: Client, model: MLModel) -> str:
    address = reverse("admin:mlmodels_mlmodel_condition", args=[model.pk])
    return client.get(address, headers={"HX-Request": "true"}).content.decode()


def test_a_page_polls_as_long_as_the_exam_goes_on(staff_client: Client) -> None:
    model = added_model()
    assert "hx-get" not in page(staff_client, model)

    running(model)

    assert "hx-get" in page(staff_client, model)
    assert "hx-get" in fragment(staff_client, model)
    assert '<progress max="100" value="20"' in fragment(staff_client, model)


def test_the_report_stands_on_the_page(staff_client: Client) -> None:
    model = added_model()
    facts = {"parameters": 1520931, "classes": 3, "latency_ms": 4.26, "controls": ["no network", "not root"]}
    ModelExam.objects.update(facts=facts, started_at=timezone.now(), ended_at=timezone.now(), machine="box")

    report = page(staff_client, model)

    for shown in ("1,520,931", "4.3 ms", "no network · not root", "box"):
        assert f"<td>{shown}</td>" in report


def test_without_an_exam_the_page_says_what_one_is_for(staff_client: Client, model: MLModel) -> None:
    added = added_model()
    ModelExam.objects.all().delete()
    to_fetch = MLModelFactory.create(name="resnet50")

    assert "comes with the application and needs no exam" in page(staff_client, model)
    assert "Once its weights are here, a worker makes the model ready" in page(staff_client, to_fetch)
    assert "Once it has passed, it can be offered to users." in page(staff_client, added)


def test_the_list_says_in_a_word_how_the_exams_are(staff_client: Client, model: MLModel) -> None:
    added_model(passed=False)
    running(MLModelFactory.create(name="resnet50"))

    shown = staff_client.get(reverse("admin:mlmodels_mlmodel_changelist")).content.decode()

    assert {"not needed", "Failed", "running: 20 %"} == set(re.findall(r'class="field-exam_state[^"]*">([^<]*)', shown))


def test_a_failed_exam_says_why_and_what_to_do(staff_client: Client) -> None:
    model = added_model(passed=False)
    ModelExam.objects.update(code="other_classes", details={"classes": 5, "labels": 3})

    assert "The checkpoint has 5 classes, but 3 labels were given. Add it again with one label for each class." in page(
        staff_client, model
    )


def test_what_an_exam_heard_is_shown_escaped(staff_client: Client) -> None:
    model = added_model(passed=False)
    ModelExam.objects.update(code="other_parameters", details={"example": "<script>alert(1)</script>"})

    assert "<script>alert" not in page(staff_client, model)
    assert "&lt;script&gt;alert(1)" in page(staff_client, model)


def test_staff_take_the_exam_by_the_button_and_by_the_list(staff_client: Client) -> None:
    models = [added_model("a"), added_model("b")]

    staff_client.post(reverse("admin:mlmodels_mlmodel_exam", args=[models[0].pk]))
    assert [exam_of(model).state for model in models] == ["waiting", "passed"]

    selected = {"action": "take_exams", "_selected_action": [model.pk for model in models]}
    staff_client.post(reverse("admin:mlmodels_mlmodel_changelist"), selected)
    assert [exam_of(model).state for model in models] == ["waiting", "waiting"]


def test_staff_who_may_only_look_take_no_exam(client: Client) -> None:
    model = added_model()
    clerk = UserFactory.create(is_staff=True)
    client.force_login(clerk)

    assert client.post(reverse("admin:mlmodels_mlmodel_exam", args=[model.pk])).status_code == 403
    assert client.get(reverse("admin:mlmodels_mlmodel_condition", args=[model.pk])).status_code == 403
    assert exam_of(model).state == "passed"


def switch_on(client: Client, model: MLModel) -> str:
    filled = {"description": model.description, "is_active": "on"}
    return client.post(reverse("admin:mlmodels_mlmodel_change", args=[model.pk]), filled, follow=True).content.decode()


def offer(client: Client, *models: MLModel) -> str:
    selected = {"action": "offer", "_selected_action": [model.pk for model in models]}
    return client.post(reverse("admin:mlmodels_mlmodel_changelist"), selected, follow=True).content.decode()


@pytest.mark.parametrize("switch", [switch_on, offer])
def test_a_model_that_did_not_pass_cannot_be_offered(
    switch: Callable[[Client, MLModel], str], staff_client: Client
) -> None:
    model = added_model(passed=False)

    assert "This model has not passed its exam." in switch(staff_client, model)

    model.refresh_from_db()
    assert not model.is_active
    assert model not in MLModel.objects.offered()


def test_also_a_row_that_says_otherwise_is_not_offered() -> None:
    model = added_model(passed=False)
    MLModel.objects.update(is_active=True)

    assert model not in MLModel.objects.offered()


def test_the_list_switches_on_what_passed_and_off_again(staff_client: Client) -> None:
    passed, failed = added_model("a"), added_model("b", passed=False)
    MLModel.objects.update(is_active=False)

    offer(staff_client, passed, failed)
    assert MLModel.objects.offered() == [passed]

    selected = {"action": "stop_offering", "_selected_action": [passed.pk]}
    staff_client.post(reverse("admin:mlmodels_mlmodel_changelist"), selected)
    assert MLModel.objects.offered() == []


def test_a_label_list_is_offered_only_where_the_weights_of_clip_are(settings: Settings) -> None:
    model = MLModelFactory.create(name="clip", version="shapes")
    AddedModel.objects.create(model=model, base="clip:1.0.0", labels=["a red circle", "a blue square"])
    ModelExam.objects.create(model=model, state="passed", passed_at=timezone.now())
    assert MLModel.objects.get(pk=model.pk) not in MLModel.objects.offered()

    weights = settings.WEIGHTS_DIR / "clip-1.0.0.safetensors"
    weights.write_bytes(b"weights")
    weights.with_name(f"{weights.name}.sha256").write_text("0" * 64)

    assert MLModel.objects.get(pk=model.pk) in MLModel.objects.offered()
