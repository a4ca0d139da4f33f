"""What was seen and measured of an installation, and every promise that was broken, line by line."""

import json
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.installation.ground import METRICS_TOKEN, Installation, Machine
from imageanalysis.tests.application import Person

QUIET_SECONDS = 300
# The files that an upload left behind are looked for once they are minutes old: here that time has passed.
JUDGE = """
import json
from datetime import timedelta
from django.core.files.storage import default_storage
from django.db.models.functions import Now
from images import litter
from images.models import FileInDoubt
from imageanalysis.tests.invariants import violations
from images.orphans import MODELS_FOLDER
FileInDoubt.objects.update(noted_at=Now() - timedelta(minutes=10))
litter.sweep()
litter.sweep_unfinished_uploads()
stored = {name for name, _at in default_storage.everything() if not name.startswith(MODELS_FOLDER)}
print(json.dumps(violations(stored, accepted=ACCEPTED)))
"""


class Report:
    """Prints as it goes."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.began = time.monotonic()
        self.broken: list[str] = []
        self.accepted: dict[int, Person] = {}

    def told(self, what: str, figures: str, *, broken: Sequence[str] = ()) -> None:
        print(f"[{time.monotonic() - self.began:6.1f} s] {'BROKEN ' if broken else ''}{what}: {figures}", flush=True)
        for line in broken:
            print(f"    {line[:300]}", flush=True)
        self.broken += [f"{what}: {line}" for line in broken]

    def until(self, what: str, holds: Callable[[], Any], *, seconds: float = 60) -> None:
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > seconds:
                self.told(what, f"not within {seconds:.0f} s", broken=["hangs"])
                return
            time.sleep(0.2)
        self.told(what, f"after {time.monotonic() - began:.1f} s")

    def at_rest(self) -> None:
        """Wait until nothing waits or runs, and all that people need is in order on every machine."""
        machines = self.installation.machines.values()
        self.until("  at rest", lambda: not self.active(), seconds=QUIET_SECONDS)
        self.until("  ready", lambda: all("wrong" not in machine.get("/readyz").text for machine in machines))

    def active(self) -> float:
        """Pictures that wait or run."""
        found = r"^imageanalysis_queue_(?:waiting|processing){.*} (\S+)$"
        machine = next(iter(self.installation.machines.values()))
        return sum(float(number) for number in re.findall(found, self._metrics(machine), re.MULTILINE))

    def failed(self) -> float:
        """Runs that failed within a quarter of an hour."""
        found = r"^imageanalysis_recent_failures{.*} (\S+)$"
        machine = next(iter(self.installation.machines.values()))
        return sum(float(number) for number in re.findall(found, self._metrics(machine), re.MULTILINE))

    def workers(self, machine: Machine) -> int:
        """How many live."""
        found = r"^imageanalysis_worker_silent_seconds{.*} (\S+)$"
        return sum(float(seconds) < 10 for seconds in re.findall(found, self._metrics(machine), re.MULTILINE))

    def invariants(self) -> None:
        machine = next(iter(self.installation.machines.values()))
        code = JUDGE.replace("ACCEPTED", repr(sorted(self.accepted)))
        done = machine.manage("shell", "--no-imports", "-c", code)
        found = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else [done.stderr[-2000:]]
        failed = self.failed()
        found += [f"{failed:.0f} runs failed: people would have to ask once more"] if failed else []
        self.told("  promises", f"{len(self.accepted)} pictures", broken=found)

    def _metrics(self, machine: Machine) -> str:
        return machine.get("/metrics", Authorization=f"Bearer {METRICS_TOKEN}").raise_for_status().text
