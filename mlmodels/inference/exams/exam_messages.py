"""What an exam's parent and its sandboxed child say to each other; neither believes more than it must."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self, TextIO

from mlmodels.inference.catalogue import ModelSpec, read_spec
from mlmodels.inference.confinement.sandbox import CONTROLS, Limits
from mlmodels.inference.options import Options

# In this order, each with the percentage at which it begins; "convert" only for a checkpoint of torch.
STEPS = {"convert": 5, "fit": 15, "load": 20, "answer": 35, "repeat": 40, "agree": 45, "measure": 85}
CODES = {
    *("not_a_checkpoint", "damaged", "empty", "weights_damaged", "too_large"),
    *("other_parameters", "other_classes", "not_finite", "unsteady"),
}
_TYPES_OF_FACTS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("parameters", "classes", "batch_size", "peak_memory_bytes", "golden_pictures"), (int,)),
    **dict.fromkeys(("load_seconds", "latency_ms", "pictures_per_second", "same_best"), (int, float)),
    **dict.fromkeys(("runtime", "precision", "device"), (str,)),
    "controls": (list,),
}
_LONGEST_TEXT = 500

Scalar = str | int | float


@dataclass(frozen=True, slots=True)
class Request:
    """`folder` is the child's own, with the converted models in `cache` below it; there it writes the checkpoint as
    `converted` when it is torch's."""

    spec: ModelSpec
    checkpoint: Path
    is_torchs: bool
    folder: Path
    cache_dir: Path
    closed: tuple[Path, ...]
    options: Options
    limits: Limits

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def converted(self) -> Path:
        return self.folder / "converted.safetensors"

    def write(self, file: TextIO) -> None:
        json.dump(asdict(self), file, default=str)

    @classmethod
    def read(cls, file: TextIO) -> Self:
        values = json.load(file)
        values["spec"] = read_spec(values["spec"], Path(values["checkpoint"]))
        values["options"] = Options(**values["options"])
        values["limits"] = Limits(**values["limits"])
        values["closed"] = tuple(map(Path, values["closed"]))
        return cls(**{**values, **{name: Path(values[name]) for name in ("checkpoint", "folder", "cache_dir")}})


@dataclass(frozen=True, slots=True)
class Telling:
    """The child's side: one line of JSON a message."""

    write: Callable[[str], object]

    def step(self, step: str, share: float = 0.0) -> None:
        """`share` of this step is done."""
        percentages = [*STEPS.values(), 100]
        begin, end = percentages[list(STEPS).index(step) :][:2]
        self._say(step=step, percentage=round(begin + share * (end - begin)))

    def facts(self, **facts: Any) -> None:
        self._say(facts=facts)

    def passed(self) -> None:
        self._say(passed=True)

    def failed(self, code: str, values: Mapping[str, Scalar]) -> None:
        self._say(code=code, values=dict(values))

    def _say(self, **message: Any) -> None:
        self.write(f"{json.dumps(message)}\n")


@dataclass(slots=True)
class Heard:
    """The parent's side. What a child says that an uploaded file may have taken over is kept only in its own form."""

    on_step: Callable[[str, int], None]
    facts: dict[str, Any] = field(default_factory=dict)
    passed: bool = False
    code: str = ""
    values: dict[str, Scalar] = field(default_factory=dict)

    def line(self, line: bytes) -> None:
        """Raises ValueError for a line that is no message."""
        message = _message(line)
        code, step, percentage = (message.get(name) for name in ("code", "step", "percentage"))
        self.passed = self.passed or message.get("passed") is True
        if isinstance(code, str) and code in CODES:
            self.code, self.values = code, _scalars(message.get("values"))
        if isinstance(step, str) and step in STEPS and type(percentage) is int:
            self.on_step(step, min(max(percentage, 0), 100))
        self._note(message.get("facts"))

    def _note(self, facts: Any) -> None:
        for name, value in facts.items() if isinstance(facts, dict) else ():
            if name == "controls" and isinstance(value, list):
                self.facts[name] = [control for control in CONTROLS if control in value]
            elif type(value) in _TYPES_OF_FACTS.get(name, ()) and len(str(value)) <= _LONGEST_TEXT:
                self.facts[name] = value


def _message(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except RecursionError as error:
        raise ValueError("brackets without end") from error
    if not isinstance(message, dict):
        raise ValueError("not an object")
    return message


def _scalars(values: Any) -> dict[str, Scalar]:
    if not isinstance(values, dict):
        return {}
    return {
        name: value
        for name, value in values.items()
        if type(value) in (str, int, float) and len(str(value)) <= _LONGEST_TEXT
    }
