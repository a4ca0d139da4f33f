"""Chooses between the ways in which a model was tried on this machine: the quickest that agrees with the reference."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlmodels.inference.agreement import Agreement
from mlmodels.inference.options import Options

# Differences in speed below a tenth are noise; what comes first in the trials is then taken.
_NOISE = 1.1


@dataclass(frozen=True, slots=True)
class Trial:
    """How a model did in "openvino" or "torch" in "fp32" or "bf16": `ms` a picture, in batches, on this machine."""

    runtime: str
    precision: str
    agreement: Agreement
    ms: float

    def __str__(self) -> str:
        found = self.agreement
        same, points = f"{found.same_best:.0%} same best", f"{found.points:.2g} points"
        return f"{self.runtime} {self.precision}: {self.ms:.1f} ms, {same}, {points}"

    def is_sound(self, *, as_asked: bool = False) -> bool:
        """Whether it may stand for the reference; `as_asked`: its precision was asked for by name."""
        if as_asked and self.precision != "fp32":
            return self.agreement.is_close_enough_as_asked()
        return self.agreement.is_close()


def chosen(trials: Sequence[Trial], options: Options) -> Trial:
    """The quickest sound trial of those that `options` ask for; where none is sound, of those in fp32.

    `trials` stand in the order of preference and hold the reference itself.
    """
    in_fp32 = replace(options, precision="fp32")
    wishes = (options, in_fp32, replace(in_fp32, runtime="auto"))
    return _quickest(next(fitting for wish in wishes if (fitting := _fitting(trials, wish))))


def _fitting(trials: Sequence[Trial], wish: Options) -> list[Trial]:
    return [
        trial
        for trial in trials
        if wish.runtime in ("auto", trial.runtime)
        and wish.precision in ("auto", trial.precision)
        and trial.is_sound(as_asked=wish.precision == trial.precision)
    ]


def _quickest(trials: Sequence[Trial]) -> Trial:
    least_ms = min(trial.ms for trial in trials)
    return next(trial for trial in trials if trial.ms <= _NOISE * least_ms)
