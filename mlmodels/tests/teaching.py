"""The tiny CLIP's checkpoint: taught in a process of its own, half a minute the first time, then out of a cache."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = (HERE / "tiny_clip.py", HERE / "drawings.py", HERE / "data" / "tiny-clip.json")


class Lesson:
    """The teaching, if the checkpoint is not in the cache yet."""

    def __init__(self, cache: Path) -> None:
        self.folder = cache / taught_by()[:16]
        self.draft = self.folder.with_suffix(".draft")
        self.log = self.folder.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None
        if not self.folder.exists():
            self.draft.mkdir(exist_ok=True)
            argv = [sys.executable, "-m", "mlmodels.tests.tiny_clip", "--into", str(self.draft)]
            with self.log.open("wb") as log:
                self.process = subprocess.Popen(argv, cwd=HERE.parent.parent, stdout=log, stderr=log)

    def weights_dir(self) -> Path:
        """The folder with the checkpoint; waits for the end of the teaching."""
        if self.process:
            assert self.process.wait() == 0, self.log.read_text(errors="replace")
            self.draft.rename(self.folder)
            self.process = None
        return self.folder


@contextmanager
def begun(cache: Path) -> Iterator[Lesson]:
    lesson = Lesson(cache)
    try:
        yield lesson
    finally:
        if lesson.process:
            lesson.process.kill()
            lesson.process.wait()


def taught_by() -> str:
    """A hash over all that the checkpoint follows from."""
    words = [version("torch"), version("open_clip_torch"), *(path.read_text(encoding="utf-8") for path in SOURCES)]
    return hashlib.sha256(repr(words).encode()).hexdigest()
