"""Workers whose clocks are an hour and a day off, and one that is set back under load (needs libfaketime)."""

import time
from pathlib import Path

from analysis.models import AnalysisQueue
from benchmarks.faults.harness import Figures, Ground

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
SKEWS = ("+1h", "-1h", "+1d", "-1d")
SET_BACK = "-10m"


def run(ground: Ground) -> Figures:
    if not LIBRARIES:
        return {"left out": "libfaketime is not installed (Debian: apt-get install faketime)"}
    number = 6 if ground.options.short else 60
    skews = SKEWS[1:2] if ground.options.short else SKEWS
    rc_file = ground.folder / "faketimerc"
    rc_file.write_text("+0")
    base = {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(rc_file),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "LEASE_SECONDS": "30",
    }
    # On SQLite all processes share the machine's clock; only PostgreSQL's clock is not the workers' own.
    shifts = [*skews, SET_BACK] if ground.server else [SET_BACK]
    ground.workers(**base)
    for shift in shifts:
        ground.submit(number)
        rc_file.write_text(shift)
        time.sleep(1.5)  # until the workers' library looks at the file again
        ground.submit(number)
        ground.wait_until_ended()
    ground.dismiss()
    retried = AnalysisQueue.objects.filter(retry_count__gt=0).count()
    return {
        "shifts": shifts,
        "pictures": 2 * number * len(shifts),
        "taken back by mistake": retried,
        "broken": [f"{retried} runs were taken back by mistake"] if retried else [],
    }
