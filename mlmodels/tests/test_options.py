import pytest

from mlmodels.inference import options
from mlmodels.inference.options import Options


@pytest.mark.parametrize(
    "wrong", [{"runtime": "onnx"}, {"precision": "int8"}, {"device": "tpu"}, {"device": ""}, {"precision": "FP32"}]
)
def test_an_unknown_word_is_refused_with_the_known_ones(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="not one of auto, "):
        Options(**wrong)


@pytest.mark.parametrize(
    ("precision", "is_native", "used"),
    [
        ("auto", True, "fp32"),
        ("fp32", True, "fp32"),
        ("bf16", True, "bf16"),
        ("bf16", False, "fp32"),
        ("fp16", True, "fp32"),
    ],
)
def test_a_cpu_runs_in_bf16_only_when_asked_to_and_able_to(
    precision: str, is_native: bool, used: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options, "has_native_bf16", lambda: is_native)
    assert Options(precision=precision).cpu_precision() == used
