"""Which of the ways to run a model is taken."""

import pytest

from mlmodels.inference.agreement import Agreement
from mlmodels.inference.choice import Trial, chosen
from mlmodels.inference.options import Options

EXACT = Agreement(same_best=1.0, points=0.0002)
NEARLY = Agreement(same_best=0.97, points=4.9)
WRONG = Agreement(same_best=0.6, points=50.0)


def trials(
    *,
    openvino: float = 5.0,
    quick: float = 3.0,
    torch: float = 9.0,
    exact: Agreement = EXACT,
    rough: Agreement = NEARLY,
) -> list[Trial]:
    return [
        Trial("openvino", "fp32", exact, openvino),
        Trial("openvino", "bf16", rough, quick),
        Trial("torch", "fp32", Agreement(1.0, 0.0), torch),
    ]


def taken(found: list[Trial], options: Options | None = None) -> str:
    trial = chosen(found, options or Options())
    return f"{trial.runtime} {trial.precision}"


def test_the_quickest_that_agrees_is_taken() -> None:
    assert taken(trials()) == "openvino fp32"
    assert taken(trials(rough=EXACT)) == "openvino bf16"
    assert taken(trials(torch=2.0)) == "torch fp32"


def test_within_noise_the_one_that_starts_without_torch_and_the_exact_one_are_preferred() -> None:
    assert taken(trials(torch=4.6)) == "openvino fp32"
    assert taken(trials(quick=4.6, rough=EXACT)) == "openvino fp32"


def test_what_disagrees_is_never_taken_however_quick() -> None:
    assert taken(trials(exact=WRONG)) == "torch fp32"
    assert taken(trials(exact=WRONG, rough=WRONG), Options(runtime="openvino", precision="bf16")) == "torch fp32"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(runtime="openvino"), "openvino fp32"),
        (Options(precision="fp32"), "torch fp32"),
        (Options(precision="bf16"), "openvino bf16"),
        (Options(runtime="openvino", precision="fp32"), "openvino fp32"),
        (Options(precision="fp16"), "torch fp32"),  # not on a CPU
    ],
)
def test_a_wish_by_name_goes_before_speed(options: Options, expected: str) -> None:
    assert taken(trials(torch=1.0), options) == expected


def test_a_precision_asked_for_by_name_may_differ_a_little_but_not_much() -> None:
    wish = Options(precision="bf16")
    assert taken(trials(rough=NEARLY), wish) == "openvino bf16"
    assert taken(trials(rough=WRONG), wish) == "openvino fp32"
