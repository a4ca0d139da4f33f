"""Several processes take back the runs of one dead worker at the same moment: each run costs one retry, exactly."""

import subprocess
import sys
import uuid
from functools import partial

from analysis import in_hand, lifecycle
from analysis.models import AnalysisQueue, RunInHand
from benchmarks.faults.harness import Figures, Ground
from imageanalysis.tests.servers import ROOT, Worker

REAPERS = 4
REAPER = """
import sys
from uuid import UUID
from analysis import leases
print("ready", flush=True)
sys.stdin.readline()
while (taken := leases.take_back_from([UUID(hex="{worker}")])):
    print(taken, flush=True)
"""


def run(ground: Ground) -> Figures:
    number = 12 if ground.options.short else 500
    ground.dismiss()
    dead = uuid.uuid4()
    ground.submit(number)
    claims = lifecycle.claim_batch(limit=number, before_commit=partial(in_hand.note, "dead"))
    claimed = [claim.queue_id for claim in claims]
    RunInHand.objects.filter(entry_id__in=claimed).update(worker=dead)
    before = dict(AnalysisQueue.objects.filter(pk__in=claimed).values_list("pk", "retry_count"))
    taken = reap(ground, dead)
    rows = AnalysisQueue.objects.filter(pk__in=claimed)
    wrong = [pk for pk, retries in rows.values_list("pk", "retry_count") if retries != before[pk] + 1]
    ground.workers()
    ground.wait_until_ended()
    return {
        "runs": len(claimed),
        "reapers": REAPERS,
        "taken back": taken,
        "broken": [f"entry {pk} was not counted exactly once" for pk in wrong]
        + ([f"{taken} were taken back of {len(claimed)}"] if taken != len(claimed) else []),
    }


def reap(ground: Ground, dead: uuid.UUID) -> int:
    """Let several processes begin at the same moment; how many runs they say they took back."""
    environment = Worker(media_root=ground.media_root, **ground.environment()).environment
    words = ["manage.py", "shell", "--verbosity=0", "--command", REAPER.format(worker=dead.hex)]
    reapers = [
        subprocess.Popen(
            [sys.executable, *words],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(REAPERS)
    ]
    for reaper in reapers:
        assert reaper.stdout is not None
        assert reaper.stdout.readline() == "ready\n"
    for reaper in reapers:
        assert reaper.stdin is not None
        reaper.stdin.write("go\n")
        reaper.stdin.flush()
    return sum(int(line) for reaper in reapers for line in reaper.communicate(timeout=60)[0].split())
