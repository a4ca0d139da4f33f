"""Is this process alive, and is the installation ready for people?"""

import time
from threading import Lock

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.findings import Level
from imageanalysis import doctor

LASTS_SECONDS = 3.0
NEEDED = ("database", "broker", "workers", "weights", "storage")


@require_safe
@never_cache
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers while the process can answer at all; it asks neither database nor broker."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
@login_not_required
def readyz(request: HttpRequest) -> HttpResponse:
    """One line for each thing that people need, 503 when one of them is wrong; `manage.py doctor` says what and why."""
    levels = verdict.levels()
    text = "".join(f"{name} {level}\n" for name, level in levels.items())
    response = HttpResponse(text, content_type="text/plain", status=503 if Level.WRONG in levels.values() else 200)
    setattr(response, "_has_been_logged", True)  # noqa: B010  Django would call each "no" to a monitor an error of ours
    return response


class Verdict:
    """What the doctor found lately. However many strangers ask, one examination at a time goes on in a process."""

    def __init__(self) -> None:
        self.found: dict[str, Level] = {}
        self.ends_at = 0.0
        self.examining = Lock()

    def levels(self) -> dict[str, Level]:
        if time.monotonic() >= self.ends_at and self.examining.acquire(blocking=not self.found):
            try:
                self._examine()
            finally:
                self.examining.release()
        return self.found

    def _examine(self) -> None:
        if time.monotonic() < self.ends_at:  # somebody else did while this one waited
            return
        matters = tuple(matter for matter in doctor.MATTERS if matter.name in NEEDED)
        self.found = {report.name: report.level for report in doctor.examine(matters)}
        self.ends_at = time.monotonic() + LASTS_SECONDS


verdict = Verdict()
