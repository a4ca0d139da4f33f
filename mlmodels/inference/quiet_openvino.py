"""OpenVINO without its telemetry, which would report every import and conversion to its maker."""

import sys

# OpenVINO does without this package of its when it is missing, so here it is.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

import openvino  # type: ignore[import-untyped]  # noqa: E402 - only now

__all__ = ["openvino"]
