"""One exam of a test: its folders, what was heard of it, and an engine for what came out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.engine import Engine
from mlmodels.inference.exams import exam
from mlmodels.inference.exams.exam import Report
from mlmodels.inference.options import Options

GIBIBYTE = 2**30


@dataclass
class Exam:
    """The folders of one exam, and what was heard of it."""

    folder: Path
    steps: list[tuple[str, int]] = field(default_factory=list)
    on_progress: Callable[[str, int], None] | None = None

    @property
    def cache_dir(self) -> Path:
        return self.folder / "converted"

    @property
    def safetensors(self) -> Path:
        return self.folder / "custom-1.safetensors"

    def take(self, spec: ModelSpec, checkpoint: Path, **others: Any) -> Report:
        return exam.examine(
            spec,
            checkpoint,
            **{
                "safetensors": self.safetensors,
                "cache_dir": self.cache_dir,
                "options": Options(device="cpu"),
                "memory_limit_bytes": 4 * GIBIBYTE,
                "time_limit_seconds": 300,
                "on_progress": self.on_progress or (lambda *progress: self.steps.append(progress)),
                **others,
            },
        )

    def engine(self, spec: ModelSpec, options: Options) -> Engine:
        """With the weights where the exam wrote them."""
        (self.folder / "custom-1.safetensors.sha256").write_text(sha256(self.safetensors.read_bytes()).hexdigest())
        return Engine(self.folder, find=lambda key: spec, cache_dir=self.cache_dir, options=options)
