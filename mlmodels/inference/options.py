"""What an installation may choose about running models; "auto" is the fastest that agrees with the reference."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Runtime = Literal["auto", "torch", "openvino"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Device = Literal["auto", "cpu", "cuda"]

_BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}  # the last one is ARM's


@dataclass(frozen=True, slots=True)
class Options:
    """Wishes, not promises: what this machine or this model cannot do falls back, and the classifier's
    `execution` says what it came to. ValueError for a word that is not listed above.

    `precision` "auto" is the quickest that agrees with the reference; "fp32" agrees to the second decimal.
    `threads` None leaves the number to the runtime.
    """

    runtime: Runtime = "auto"
    precision: Precision = "auto"
    device: Device = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        for name, known in (("runtime", Runtime), ("precision", Precision), ("device", Device)):
            if getattr(self, name) not in get_args(known):
                raise ValueError(f"{name} is {getattr(self, name)!r}, not one of {', '.join(get_args(known))}")

    def cpu_precision(self) -> Literal["fp32", "bf16"]:
        """The precision to run with on this CPU: bf16 only where it was asked for and is not emulated."""
        return "bf16" if self.precision == "bf16" and has_native_bf16() else "fp32"


def cpu_precisions() -> tuple[str, ...]:
    """What this CPU does without emulation, the exact one first."""
    return ("fp32", "bf16") if has_native_bf16() else ("fp32",)


def has_native_bf16() -> bool:
    """Whether the CPU multiplies bf16 by itself, as far as Linux tells."""
    try:
        words = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return False
    return not _BF16_FLAGS.isdisjoint(words)
