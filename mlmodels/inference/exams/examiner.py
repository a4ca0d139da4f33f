"""The child of an exam: `python -m` this module takes a request on its input and reports on its output.

It enters the sandbox before it loads a library that could be led astray by what is in a file.
"""

import os
import sys

from mlmodels.inference.confinement import sandbox
from mlmodels.inference.confinement.sandbox import Bounds
from mlmodels.inference.exams.exam_messages import Request, Telling
from mlmodels.inference.runtime import prepare_worker_process


def main() -> None:
    request = Request.read(sys.stdin)
    telling = _telling()
    telling.facts(controls=sandbox.enter(_bounds(request)))
    telling.step("convert" if request.is_torchs else "fit")  # importing takes seconds
    prepare_worker_process(threads=request.options.threads or os.cpu_count() or 1)
    from mlmodels.inference.exams import examination

    examination.take(request, telling)


def _telling() -> Telling:
    """Reports go where the output went; what libraries print goes to the log."""
    reports = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1, encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Telling(reports.write)


def _bounds(request: Request) -> Bounds:
    return Bounds(
        folder=request.folder,
        readable=[request.checkpoint, request.cache_dir],
        closed=request.closed,
        limits=request.limits,
    )


if __name__ == "__main__":
    main()
