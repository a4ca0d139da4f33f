"""Weights that are not the network's, and answers that are none, fail the exam with the reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mlmodels.inference.confinement.sandbox import Limits
from mlmodels.inference.errors import ExamFailedError, MisfitError
from mlmodels.inference.exams import examination
from mlmodels.inference.exams.exam_messages import Heard, Request, Telling
from mlmodels.inference.options import Options
from mlmodels.tests import custom_models

ARCHITECTURE = "timm/test_resnet"
CLASSIFIER = "fc.weight"
A_WEIGHT = "conv1.0.weight"

State = dict[str, Any]


@pytest.fixture(scope="module")
def right() -> State:
    return custom_models.newborn(ARCHITECTURE).state_dict()


def examined(checkpoint: Path, *, is_torchs: bool) -> Heard:
    """What is heard of an exam that is taken in this process; none of those here comes as far as converting."""
    request = Request(
        spec=custom_models.spec(ARCHITECTURE),
        checkpoint=checkpoint,
        is_torchs=is_torchs,
        folder=checkpoint.parent,
        cache_dir=checkpoint.parent,
        closed=(),
        options=Options(runtime="torch"),
        limits=Limits(memory_bytes=2**34, address_bytes=None, file_bytes=2**30, cpu_seconds=600),
    )
    heard = Heard(on_step=lambda step, percentage: None)
    examination.take(request, Telling(lambda line: heard.line(line.encode())))
    return heard


def without(state: State, *names: str) -> State:
    return {name: tensor for name, tensor in state.items() if name not in names}


def changed(state: State, name: str, change: Callable[[torch.Tensor], Any]) -> State:
    return {**state, name: change(state[name])}


def with_value(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda tensor: torch.full_like(tensor, value)


def other_network(state: State) -> State:
    return custom_models.newborn("timm/test_efficientnet").state_dict()


def five_classes(state: State) -> State:
    return custom_models.newborn(ARCHITECTURE, classes=5).state_dict()


WRONG: dict[str, tuple[Callable[[State], State], str, State]] = {
    "another network": (other_network, "other_parameters", {}),
    "other classes": (five_classes, "other_classes", {"classes": 5, "labels": 4}),
    "no classifier": (lambda s: without(s, "fc.weight", "fc.bias"), "other_parameters", {"missing": 2, "unknown": 0}),
    "one missing": (lambda s: without(s, A_WEIGHT), "other_parameters", {"missing": 1, "example": A_WEIGHT}),
    "one too many": (lambda s: {**s, "extra": torch.ones(1)}, "other_parameters", {"unknown": 1, "example": "extra"}),
    "another name": (lambda s: {**without(s, A_WEIGHT), "stem": s[A_WEIGHT]}, "other_parameters", {"missing": 1}),
    "another shape": (
        lambda s: changed(s, A_WEIGHT, lambda w: w[:, :2].contiguous()),
        "other_parameters",
        {"misshapen": 1, "example": A_WEIGHT},
    ),
    "the classifier transposed": (
        lambda s: changed(s, CLASSIFIER, lambda w: w.T.contiguous()),
        "other_parameters",
        {"misshapen": 1},
    ),
    "whole numbers": (lambda s: changed(s, A_WEIGHT, lambda w: w.long()), "other_parameters", {"misshapen": 1}),
    "not a number": (lambda s: changed(s, A_WEIGHT, with_value(np.nan)), "not_finite", {"where": "weights"}),
    "infinite": (lambda s: changed(s, CLASSIFIER, with_value(-np.inf)), "not_finite", {"example": CLASSIFIER}),
    "too large for a float": (
        lambda s: changed(s, A_WEIGHT, lambda w: torch.full_like(w, 1e300, dtype=torch.float64)),
        "not_finite",
        {"where": "weights"},
    ),
    "exploding": (lambda s: changed(s, CLASSIFIER, with_value(3e38)), "not_finite", {"where": "answers"}),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_safetensors_fail_and_say_why(tmp_path: Path, right: State, kind: str) -> None:
    spoil, code, values = WRONG[kind]
    save_file(spoil(right), tmp_path / "x.safetensors")
    heard = examined(tmp_path / "x.safetensors", is_torchs=False)
    assert (heard.passed, heard.code) == (False, code)
    assert values.items() <= heard.values.items()


OF_TORCH: dict[str, tuple[Callable[[State], Any], str]] = {
    "another network": (other_network, "other_parameters"),
    "other classes": (five_classes, "other_classes"),
    "a tensor of two terabytes in four bytes": (
        lambda s: changed(s, A_WEIGHT, lambda w: torch.zeros(1).expand(2**39)),
        "other_parameters",
    ),
    "a list": (lambda s: list(s.values()), "not_a_checkpoint"),
    "a tensor": (lambda s: s[A_WEIGHT], "not_a_checkpoint"),
    "lists for tensors": (lambda s: changed(s, "fc.bias", torch.Tensor.tolist), "not_a_checkpoint"),
    "numbers for names": (lambda s: dict(enumerate(s.values())), "not_a_checkpoint"),
    "nothing": (lambda s: {"state_dict": {}}, "empty"),
    "an epoch among the tensors": (lambda s: {**s, "epoch": 3}, "not_a_checkpoint"),
    "wrapped in what is not known": (lambda s: {"weights": s}, "not_a_checkpoint"),
}


@pytest.mark.parametrize("kind", OF_TORCH)
def test_wrong_checkpoints_of_torch_fail_and_are_not_converted(tmp_path: Path, right: State, kind: str) -> None:
    spoil, code = OF_TORCH[kind]
    torch.save(spoil(right), tmp_path / "x.pth")
    heard = examined(tmp_path / "x.pth", is_torchs=True)
    assert (heard.passed, heard.code) == (False, code)
    assert list(tmp_path.glob("*.safetensors")) == []


def test_a_prefix_of_some_names_only_is_no_prefix(tmp_path: Path, right: State) -> None:
    torch.save({f"module.{A_WEIGHT}" if name == A_WEIGHT else name: right[name] for name in right}, tmp_path / "x.pth")
    assert examined(tmp_path / "x.pth", is_torchs=True).code == "other_parameters"


def test_a_storage_that_is_cut_off_is_damage(tmp_path: Path, right: State) -> None:
    """Such a file passes the look into it: its members are what they claim, but less than its tensors take."""
    torch.save(changed(right, A_WEIGHT, lambda w: w.clone()), tmp_path / "whole.pth")
    content = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "x.pth").write_bytes(content.replace(b"FloatStorage", b"DoublStorage"))
    assert examined(tmp_path / "x.pth", is_torchs=True).code == "damaged"


def test_answers_must_be_finite_and_for_all_classes() -> None:
    sound = np.zeros((3, 4), np.float32)
    examination.check_answers(sound, classes=4)
    with pytest.raises(MisfitError):
        examination.check_answers(sound, classes=5)
    for value in (np.nan, np.inf):
        spoilt = sound.copy()
        spoilt[1, 2] = value
        with pytest.raises(ExamFailedError) as failed:
            examination.check_answers(spoilt, classes=4)
        assert failed.value.values == {"where": "answers"}


def test_the_same_pictures_must_be_answered_alike() -> None:
    first = np.array([[0.0, 1.0, 2.0]], np.float32)
    examination.check_steady(first, first + 1e-6)
    with pytest.raises(ExamFailedError) as failed:
        examination.check_steady(first, first[:, ::-1])
    assert failed.value.code == "unsteady"
