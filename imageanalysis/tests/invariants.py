"""What has to hold once the queue is at rest, whatever was done to it: asked of the database and the media folder."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import pairwise
from pathlib import Path

from django.db.models import Count, F, Q

from analysis.lifecycle import MAX_RETRIES
from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog
from analysis.states import TERMINAL_QUEUE_STATUSES, ImageStatus, QueueStatus, StepStatus
from imageanalysis.tests import audit
from images.models import DataExport, Image

LABELS = 5
TOLERANCE_PERCENT = 0.02  # one picture's confidences in batches of different sizes
Labels = list[tuple[str, float]]
IMAGE_STATUSES = {
    QueueStatus.WAITING: {ImageStatus.UPLOADED},
    QueueStatus.PROCESSING: {ImageStatus.PREPARING, ImageStatus.ANALYZING},
    QueueStatus.COMPLETED: {ImageStatus.SUCCESS},
    QueueStatus.FAILED: {ImageStatus.FAILED},
    QueueStatus.CANCELLED: {ImageStatus.UPLOADED, ImageStatus.SUCCESS},
}
STEPS = {
    QueueStatus.WAITING: StepStatus.PENDING,
    QueueStatus.PROCESSING: StepStatus.ACTIVE,
    QueueStatus.COMPLETED: StepStatus.DONE,
    QueueStatus.FAILED: StepStatus.FAILED,
    QueueStatus.CANCELLED: StepStatus.CANCELLED,
}


def violations(
    stored: Path | Set[str], *, accepted: Iterable[int] | None = None, reference: Mapping[str, Labels] | None = None
) -> list[str]:
    """Every broken promise as one line; an empty list is what a fault has to leave behind.

    `stored` is the folder of pictures, or the names of all that the bucket holds of them.
    `accepted` are the pictures whose upload was acknowledged and that nobody deleted; `reference` holds the labels
    that an undisturbed run gave to the file of each name. A database without the triggers of `audit` cannot tell
    of writes to ended runs.
    """
    return [
        *_pictures_without_one_entry(accepted),
        *_unfinished(),
        *_wrong_results(),
        *_times_out_of_order(),
        *_untold_failures(),
        *(audit.forbidden_writes() if audit.is_installed() else ()),
        *_files_without_rows_and_rows_without_files(stored),
        *_other_labels(reference or {}),
        *_stories_that_differ(),
        *_progress_that_goes_back(),
    ]


def assert_hold(
    stored: Path | Set[str], *, accepted: Iterable[int] | None = None, reference: Mapping[str, Labels] | None = None
) -> None:
    found = violations(stored, accepted=accepted, reference=reference)
    assert not found, "\n".join(found)


def labels_by_filename() -> dict[str, Labels]:
    """The labels of every completed picture, to compare later runs of the same files with."""
    rows = AnalysisResult.objects.order_by("image_id", "rank").values_list("image__filename", "label", "confidence")
    found: dict[str, Labels] = {}
    for filename, label, confidence in rows:
        labels = found.setdefault(filename, [])
        if len(labels) < LABELS:
            labels.append((label, float(confidence)))
    return found


def _pictures_without_one_entry(accepted: Iterable[int] | None) -> Iterator[str]:
    entries = Image.objects.annotate(entries=Count("queue"), timelines=Count("timeline"))
    for image in entries.exclude(entries=1, timelines=1):
        yield f"picture {image.pk} has {image.entries} queue entries and {image.timelines} timelines"
    lost = set(accepted or ()) - set(Image.objects.values_list("pk", flat=True))
    yield from (f"picture {pk} was accepted and is gone" for pk in sorted(lost))


def _unfinished() -> Iterator[str]:
    for entry in AnalysisQueue.objects.exclude(status__in=TERMINAL_QUEUE_STATUSES):
        yield f"picture {entry.image_id} is still {entry.status}, started {entry.started_at}"


def _wrong_results() -> Iterator[str]:
    found: dict[int, list[AnalysisResult]] = defaultdict(list)
    for result in AnalysisResult.objects.all():
        found[result.image_id].append(result)
    for entry in AnalysisQueue.objects.all():
        results = found[entry.image_id]
        own = [r for r in results if f"{r.model_name}:{r.model_version}" == entry.model_name]
        ranks = sorted(result.rank for result in own)
        if entry.status == QueueStatus.COMPLETED and ranks != list(range(1, LABELS + 1)):
            yield f"picture {entry.image_id} is completed and has the ranks {ranks}"
        late = [r for r in results if r.created_at > entry.queued_at]
        if entry.status in (QueueStatus.FAILED, QueueStatus.CANCELLED) and late:
            yield f"picture {entry.image_id} is {entry.status} and has {len(late)} labels of that run"


def _times_out_of_order() -> Iterator[str]:
    out_of_order = Q(completed_at__lt=F("started_at")) | Q(started_at__lt=F("queued_at"))
    for entry in AnalysisQueue.objects.filter(out_of_order | Q(completed_at__lt=F("queued_at"))):
        yield (
            f"picture {entry.image_id} ({entry.status}) was queued {entry.queued_at}, started {entry.started_at}, "
            f"completed {entry.completed_at}"
        )


def _untold_failures() -> Iterator[str]:
    for entry in AnalysisQueue.objects.filter(retry_count__gt=MAX_RETRIES):
        yield f"picture {entry.image_id} was tried again {entry.retry_count} times"
    silent = Q(error_message__isnull=True) | Q(error_message="")
    for entry in AnalysisQueue.objects.filter(silent, status=QueueStatus.FAILED):
        yield f"picture {entry.image_id} failed without a sentence"


def _files_without_rows_and_rows_without_files(stored: Path | Set[str]) -> Iterator[str]:
    if isinstance(stored, Path):
        stored = {str(path.relative_to(stored)) for path in stored.rglob("*") if path.is_file()}
    rows = Image.objects.values_list("file_path", "thumbnail_path")
    named = {name for names in rows for name in names if name}
    named |= set(DataExport.objects.exclude(file="").values_list("file", flat=True))
    yield from (f"{name} belongs to no row" for name in sorted(stored - named))
    yield from (f"{name} is named by a row and does not exist" for name in sorted(named - stored))


def _other_labels(reference: Mapping[str, Labels]) -> Iterator[str]:
    if not reference:
        return
    for filename, labels in labels_by_filename().items():
        expected = reference.get(filename)
        if expected and not _alike(labels, expected):
            yield f"{filename} got {labels}, not {expected}"


def _alike(labels: Labels, expected: Labels) -> bool:
    return [name for name, _ in labels] == [name for name, _ in expected] and all(
        abs(one - other) <= TOLERANCE_PERCENT for (_, one), (_, other) in zip(labels, expected, strict=True)
    )


def _stories_that_differ() -> Iterator[str]:
    for entry in AnalysisQueue.objects.select_related("image__timeline"):
        status, timeline = QueueStatus(entry.status), entry.image.timeline
        told = (timeline.analysis_step_status, timeline.analysis_progress_percentage == 100)
        if entry.image.status not in IMAGE_STATUSES[status] or told != (STEPS[status], status == QueueStatus.COMPLETED):
            yield f"picture {entry.image_id} is {status} in the queue, {entry.image.status} and {told} on the screen"


def _progress_that_goes_back() -> Iterator[str]:
    """Inside one run percentages never fall; every run begins at 0."""
    rows = ProgressLog.objects.order_by("image_id", "id").values_list("image_id", "progress_percentage", "timestamp")
    for (image_id, before, _), (next_id, after, _) in pairwise(rows):
        if image_id == next_id and 0 < after < before:
            yield f"picture {image_id} went from {before} to {after} %"
