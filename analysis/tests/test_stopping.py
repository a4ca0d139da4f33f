"""A worker that is asked to stop while a model is made ready for its machine for the first time."""

import signal
from pathlib import Path

import pytest
from pytest_django import Settings

from analysis.models import AnalysisQueue
from analysis.states import QueueStatus
from imageanalysis.tests.processes import until
from imageanalysis.tests.servers import Broker, Worker
from images.tests.factories import queued_image
from mlmodels.tests.factories import MLModelFactory


def converters_of(worker: Worker) -> list[int]:
    """The processes that its children wait for."""
    listings = [Path(f"/proc/{child}/task/{child}/children").read_text() for child in worker.children()]
    return [int(pid) for listing in listings for pid in listing.split()]


def is_at_work(pid: int) -> bool:
    return "libtorch" in Path(f"/proc/{pid}/maps").read_text()


@pytest.mark.parametrize("has_claimed", [False, True], ids=["at its start", "for a picture"])
def test_a_worker_that_is_to_stop_waits_for_no_conversion_and_leaves_nothing_of_it(
    has_claimed: bool, transactional_db: None, broker: Broker, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "converted"
    own = {"CONVERTED_DIR": str(folder), "INFERENCE_DEVICE": "cpu", "WORKER_CONCURRENCY": "2"}
    if has_claimed:
        own["DEFAULT_MODEL"] = "none:0"  # there is nothing to make ready before a picture comes
    with Worker(media_root=settings.MEDIA_ROOT, **own) as worker:
        image = queued_image(model=MLModelFactory.create()) if has_claimed else None
        until(lambda: any(map(is_at_work, converters_of(worker))), worker.output)
        converting = converters_of(worker)
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(60) == 0

    assert [path.name for path in folder.iterdir()] == ["converting.lock"], "not even a draft, to say nothing of all"
    assert not any(Path(f"/proc/{pid}").exists() for pid in converting)
    if image:
        entry = AnalysisQueue.objects.get(image=image)
        assert (entry.status, entry.retry_count) == (QueueStatus.WAITING, 0)
