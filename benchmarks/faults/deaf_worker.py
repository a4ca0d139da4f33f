"""A worker goes on living, answers every ping, and hears no doorbell: it must notice by itself and be started anew."""

import time

from celery import current_app

from analysis.watchdog import EXIT_CODE
from benchmarks.faults.harness import Crew, Figures, Ground
from imageanalysis.tests.processes import until

PATIENCE_SECONDS = 4
QUEUE = "analysis"


def run(ground: Ground) -> Figures:
    crew = ground.workers(WATCHDOG_SECONDS=str(PATIENCE_SECONDS))
    crew.exit_codes.clear()
    seconds = []
    for _ in range(1 if ground.options.short else 3):
        make_deaf(ground, crew)
        stay_while_nothing_can_be_claimed(ground, crew)
        began = time.monotonic()
        ground.submit(2)
        ground.wait_until_ended()
        seconds.append(time.monotonic() - began)
        until(crew.are_ready, crew.output)
    return {
        "patience": f"{PATIENCE_SECONDS} s",
        "queued to analyzed": f"at most {max(seconds):.1f} s",
        "exit codes": sorted(set(crew.exit_codes)),
        "broken": [] if set(crew.exit_codes) == {EXIT_CODE} else [f"exit codes {crew.exit_codes}"],
    }


def make_deaf(ground: Ground, crew: Crew) -> None:
    """Take every worker's ear off; the rest of it goes on as before."""
    until(crew.are_ready, crew.output)
    current_app.control.cancel_consumer(QUEUE)
    until(lambda: not any(QUEUE in str(heard) for heard in heard_queues(crew)), "the workers still listen")


def heard_queues(crew: Crew) -> list[object]:
    answers = current_app.control.inspect(timeout=2).active_queues() or {}
    return list(answers.values()) if len(answers) == len(crew.workers) else [QUEUE]


def stay_while_nothing_can_be_claimed(ground: Ground, crew: Crew) -> None:
    """A pause is no deafness: nobody ends, however long it lasts."""
    processes = [worker.process.pid for worker in crew.workers]
    with ground.paused():
        ground.submit(1)
        time.sleep(1.3 * PATIENCE_SECONDS)
        assert processes == [worker.process.pid for worker in crew.workers], "a worker ended in a pause"
