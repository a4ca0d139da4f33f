"""Heat maps from the wish to the numbers: what is made, what goes first, and what happens when something breaks."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
import torch
from django.core.files.storage import default_storage
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from analysis import heat_map_runs, heat_maps, pausing
from analysis import services as analysis
from analysis.heat_maps import LostError, Making, NothingToExplainError
from analysis.models import HeatMaps
from analysis.tests.labelled import LABELS, label_waiting, labelled_image
from images import services
from images.models import Image
from images.tests.factories import drawn_picture, queued_image
from mlmodels import registry
from mlmodels.inference.heat.explaining import Explainer
from mlmodels.inference.heat.occlusion import PATCHES_PER_BATCH, PLACES
from mlmodels.inference.networks import Network
from mlmodels.inference.preprocessing import Preprocessing
from mlmodels.models import MLModel

State = HeatMaps.State
OTHER_WORKER = uuid.uuid4()


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    return labelled_image(user=owner, model=model)


@pytest.fixture
def asked(image: Image, model: MLModel) -> HeatMaps:
    heat_maps.request(image_id=image.pk, model_key=model.key)
    return HeatMaps.objects.get()


def claim(task_id: str = "task") -> Making:
    making = heat_maps.claim_next(task_id=task_id)
    assert making is not None
    return making


def make() -> HeatMaps:
    assert heat_map_runs.make_next(task_id="task")
    return HeatMaps.objects.get()


class Looking(torch.nn.Module):
    """A network whose answers are how light each colour is; `at_each` is called as it looks at pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs = 0
        self.at_each: Callable[[], object] = lambda: None

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.inputs += len(pixels)
        self.at_each()
        return pixels.sum(dim=(2, 3))


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Looking:
    """In the place of every model's network one that is explained by occlusion, as CLIP is."""
    module = Looking()
    network = Network(module, Preprocessing(56, 56, "bilinear", (0, 0, 0), (255, 255, 255)), LABELS[:3])
    monkeypatch.setattr(registry.engine(), "explainer", lambda _key: Explainer(network))
    return module


@pytest.fixture
def colours(owner: User, model: MLModel, looking: Looking) -> HeatMaps:
    """Maps of a picture that this network is asked about."""
    image = labelled_image(user=owner, model=model, labels=LABELS[:3])
    heat_maps.request(image_id=image.pk, model_key=model.key)
    return HeatMaps.objects.get()


def test_each_label_of_the_results_gets_a_map_of_where_it_is_seen(asked: HeatMaps, image: Image) -> None:
    made = make()

    assert made.state == State.READY
    assert made.explanation["method"] == "grad_cam"
    assert made.explanation["size_px"] == [600, 400]
    assert [one["label"] for one in made.explanation["maps"]] == list(LABELS)
    heat = np.array(made.explanation["maps"][0]["heat"])
    assert heat.max() == 255
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    left, upper, right, lower = made.explanation["seen"]
    at = (left + (column + 0.5) / 7 * (right - left), upper + (row + 0.5) / 7 * (lower - upper))
    assert 170 / 600 < at[0] < 420 / 600, "in the cup"
    assert 20 / 400 < at[1] < 240 / 400


def test_who_asks_again_meets_what_is_there_or_under_way(asked: HeatMaps, image: Image, model: MLModel) -> None:
    heat_maps.request(image_id=image.pk, model_key=model.key)
    assert HeatMaps.objects.get().requested_at == asked.requested_at
    made = make()

    heat_maps.request(image_id=image.pk, model_key=model.key)

    assert HeatMaps.objects.get().ended_at == made.ended_at
    assert not heat_map_runs.make_next(task_id="task")


def test_maps_of_results_that_were_replaced_are_not_shown_any_more_and_made_anew(
    asked: HeatMaps, image: Image, model: MLModel
) -> None:
    make()
    analysis.analyze_again(image_id=image.pk, model=model, priority=image.queue.priority)
    label_waiting(("cup", "espresso"))

    assert heat_maps.of(image.pk, model.key) is None
    heat_maps.request(image_id=image.pk, model_key=model.key)
    assert [one["label"] for one in make().explanation["maps"]] == ["cup", "espresso"]
    assert heat_maps.of(image.pk, model.key) == HeatMaps.objects.get()


def test_without_results_there_is_nothing_to_explain(owner: User, model: MLModel) -> None:
    waiting = queued_image(user=owner, model=model)

    with pytest.raises(NothingToExplainError):
        heat_maps.request(image_id=waiting.pk, model_key=model.key)


def test_in_a_pause_no_map_is_made(asked: HeatMaps, staff: User) -> None:
    pausing.pause(by=staff)

    assert not heat_map_runs.make_next(task_id="task")


def test_a_worker_makes_one_at_a_time_so_that_its_other_children_are_there_for_pictures(
    asked: HeatMaps, owner: User, model: MLModel
) -> None:
    other = labelled_image(user=owner, model=model)
    heat_maps.request(image_id=other.pk, model_key=model.key)
    first = claim()

    assert heat_maps.claim_next(task_id="another child's") is None
    first.finish({})
    assert claim().row.image_id == other.pk


def test_a_map_steps_aside_for_a_picture_and_is_taken_up_where_it_stood(
    colours: HeatMaps, looking: Looking, owner: User, model: MLModel
) -> None:
    def upload_at_the_fifth_batch() -> None:
        if looking.inputs == 5 * PATCHES_PER_BATCH:
            queued_image(user=owner, model=model)

    looking.at_each = upload_at_the_fifth_batch
    aside = make()
    assert (aside.state, aside.done, aside.total, aside.losses) == (State.WAITING, 20, PLACES + 1, 0)

    label_waiting()
    made = make()

    assert made.state == State.READY
    assert made.known == []
    assert looking.inputs == PLACES + 1  # nothing was done twice


def test_what_was_known_about_replaced_results_is_forgotten(
    colours: HeatMaps, looking: Looking, image: Image, model: MLModel
) -> None:
    making = claim()
    making.advance([[1.0, 2.0, 3.0]], PLACES + 1)
    making.step_aside()
    analysis.analyze_again(image_id=colours.image_id, model=model, priority=image.queue.priority)
    label_waiting(LABELS[:2])

    assert [one["label"] for one in make().explanation["maps"]] == list(LABELS[:2])
    assert looking.inputs == PLACES + 1


def test_a_picture_that_is_deleted_meanwhile_ends_its_maps(colours: HeatMaps, looking: Looking) -> None:
    looking.at_each = lambda: services.delete(image=Image.objects.get()) if Image.objects.exists() else None

    assert heat_map_runs.make_next(task_id="task")

    assert looking.inputs == PATCHES_PER_BATCH
    assert not HeatMaps.objects.exists()


def test_maps_go_with_the_account(asked: HeatMaps, owner: User) -> None:
    make()

    owner.delete()

    assert not HeatMaps.objects.exists()


def test_a_dead_task_costs_one_attempt_and_the_second_death_the_map(
    asked: HeatMaps, image: Image, model: MLModel
) -> None:
    claim("first")
    assert heat_maps.lose("first", heat_maps.WORKER_LOST) == 1
    assert HeatMaps.objects.get().state == State.WAITING
    claim("second")
    assert heat_maps.lose("first", heat_maps.WORKER_LOST) == 0
    assert heat_maps.lose("second", heat_maps.WORKER_LOST) == 1

    failed = HeatMaps.objects.get()
    assert (failed.state, failed.code) == (State.FAILED, "worker_lost")
    heat_maps.request(image_id=image.pk, model_key=model.key)
    assert make().state == State.READY


def test_a_fault_in_our_code_fails_the_map_at_once(asked: HeatMaps) -> None:
    claim("task")

    heat_maps.lose("task", heat_maps.INTERNAL_ERROR)

    assert (HeatMaps.objects.get().state, HeatMaps.objects.get().code) == (State.FAILED, "internal_error")


@pytest.mark.parametrize(
    ("worker", "silent_seconds", "is_lost"),
    [
        ("dead", 0, True),
        ("this, its task runs", 60, False),
        ("this, its task has ended", 60, True),
        ("this, its task has perhaps just begun", 0, False),
        ("another", 60, False),
        ("another", 3600, True),
    ],
)
def test_whoever_cannot_be_at_it_any_more_is_given_up(
    asked: HeatMaps, worker: str, silent_seconds: int, is_lost: bool
) -> None:
    claim("task")
    heard_at = timezone.now() - timedelta(seconds=silent_seconds)
    HeatMaps.objects.update(heard_at=heard_at, worker=F("worker") if worker.startswith("this") else OTHER_WORKER)
    dead = [OTHER_WORKER] if worker == "dead" else []

    assert heat_maps.give_up_lost(dead, {"task"} if worker == "this, its task runs" else set()) == is_lost
    assert HeatMaps.objects.get().state == (State.WAITING if is_lost else State.RUNNING)


def test_who_was_given_up_writes_nothing_any_more(asked: HeatMaps) -> None:
    first = claim()
    assert heat_maps.hand_back() == 1
    second = claim()

    for write in (lambda: first.advance([], 1), first.step_aside, lambda: first.finish({"method": "late"})):
        with pytest.raises(LostError):
            write()
    first.fail("late")
    second.finish({"method": "in time"})
    made = HeatMaps.objects.get()
    assert (made.state, made.explanation, made.losses) == (State.READY, {"method": "in time"}, 0)


def test_a_picture_whose_file_is_gone_fails_with_its_reason(asked: HeatMaps, image: Image) -> None:
    default_storage.delete(image.file_path)

    assert (make().state, HeatMaps.objects.get().code) == (State.FAILED, "file_missing")


def test_a_label_that_the_model_has_no_longer_fails_with_its_reason(owner: User, model: MLModel) -> None:
    image = labelled_image(user=owner, model=model, labels=("a label of its former self",))
    heat_maps.request(image_id=image.pk, model_key=model.key)

    assert (make().state, HeatMaps.objects.get().code) == (State.FAILED, "label_unknown")


def test_a_model_without_weights_fails_with_its_reason(owner: User) -> None:
    image = labelled_image(user=owner, model=MLModel.objects.get(name="resnet50"))
    heat_maps.request(image_id=image.pk, model_key="resnet50:1.0.0")

    assert (make().state, HeatMaps.objects.get().code) == (State.FAILED, "weights_missing")


def test_a_picture_that_is_read_reduced_has_its_whole_size(owner: User, model: MLModel) -> None:
    large = drawn_picture("JPEG", size=(4800, 3200))
    image = labelled_image(user=owner, model=model, content=large, name="large.jpg")
    heat_maps.request(image_id=image.pk, model_key=model.key)

    assert make().explanation["size_px"] == [4800, 3200]
