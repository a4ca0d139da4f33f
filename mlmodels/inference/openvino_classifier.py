"""Runs a converted model on the CPU; imports OpenVINO and no torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mlmodels.inference.classifier import Execution, ImageClassifier
from mlmodels.inference.preprocessing import Preprocessing
from mlmodels.inference.quiet_openvino import openvino

_PRECISION_HINTS: Mapping[str, str] = {"fp32": "f32", "bf16": "bf16"}


class OpenVinoClassifier(ImageClassifier):
    """A `Classifier` for a model that maps (n, 3, h, w) to logits (n, classes), n as it comes.

    Batches of every size run through one compiled model: sizes compiled one by one were no faster.
    """

    def __init__(
        self,
        model: Path,
        preprocessing: Preprocessing,
        labels: Sequence[str],
        *,
        precision: str = "fp32",
        threads: int | None = None,
    ) -> None:
        super().__init__(preprocessing, labels)
        self._precision = precision
        # Without the pinning two processes would share one core.
        settings: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": _PRECISION_HINTS[precision],
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        self._request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()

    @property
    def execution(self) -> Execution:
        return Execution(runtime="openvino", precision=self._precision, device="CPU")

    def logits(self, batch: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        output: NDArray[np.float32] = self._request.infer([np.stack(batch)], share_inputs=True)[0]
        return output
