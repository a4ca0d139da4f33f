"""Whatever happens to the queue in whatever order, a small model and the database agree after each step.

A longer walk: QUEUE_MACHINE_WALKS=320 python -m pytest analysis/tests/test_queue_machine.py -s
"""

import os
from collections.abc import Iterator

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from analysis.tests.queue_machine import QueueMachine
from imageanalysis.tests import audit

WALKS = int(os.environ.get("QUEUE_MACHINE_WALKS", "5"))
STEPS_A_WALK = 40


@pytest.fixture
def audited(transactional_db: None) -> Iterator[None]:
    audit.install()
    yield
    audit.remove()


def test_model_and_database_agree_after_every_step(audited: None) -> None:
    QueueMachine.steps = 0
    run_state_machine_as_test(
        QueueMachine,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS_A_WALK,
            deadline=None,
            database=None,
            derandomize=WALKS <= 5,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"{QueueMachine.steps} steps on {connection.vendor}")
    assert QueueMachine.steps > WALKS
