"""Which error is whose: the one table from exception to code, sentence and whether trying again can help."""

from dataclasses import dataclass, replace

from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext_noop as _

from mlmodels.inference.errors import (
    DeviceLostError,
    EngineError,
    LabelUnknownError,
    UnknownModelError,
    WeightsDamagedError,
    WeightsMissingError,
)
from mlmodels.inference.pictures import PictureError


class StorageAwayError(OSError):
    """The storage does nothing for this machine, whatever it is asked: no picture's fault, and it passes."""


class NoBucketError(StorageAwayError):
    """The bucket does not exist: it was deleted or is misnamed, so that it has none of the files that are named."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run ended without labels.

    `message` is an English sentence for people that doubles as message id; `is_transient` says that the fault is ours
    and may pass, so that the run is tried again. One that says nothing about the picture costs none of its retries, and
    has it wait `pause_seconds` only.
    """

    code: str
    message: str
    is_transient: bool = False
    costs_a_retry: bool = True
    pause_seconds: float = 0


WORKER_LOST = Failure(
    "worker_lost",
    _("The worker stopped unexpectedly, so the picture went back to the queue."),
    is_transient=True,
)
WORKER_STOPPED = Failure(
    "worker_stopped",
    _("The worker was stopped, so the picture went back to the queue."),
    is_transient=True,
    costs_a_retry=False,
)
INTERNAL = Failure(
    "internal_error",
    _("Something went wrong on our side, so the picture went back to the queue."),
    is_transient=True,
)
DATABASE_AWAY = Failure(
    "database_away",
    _("The database did not answer, so the picture went back to the queue."),
    is_transient=True,
)
STORAGE_AWAY = Failure(
    "storage_away",
    _("The picture could not be read from the storage, so it went back to the queue."),
    is_transient=True,
)
STORAGE_AWAY_FOR_ALL = replace(STORAGE_AWAY, costs_a_retry=False, pause_seconds=15)
OUT_OF_MEMORY = Failure(
    "out_of_memory",
    _("The worker's memory was too small, so the picture went back to the queue."),
    is_transient=True,
)
TRANSIENT = {
    failure.code: failure.message
    for failure in (WORKER_LOST, WORKER_STOPPED, INTERNAL, DATABASE_AWAY, STORAGE_AWAY, OUT_OF_MEMORY)
}
OUT_OF_ATTEMPTS = dict.fromkeys(
    TRANSIENT, _("Something went wrong on our side at every attempt. Please try again later.")
) | {"worker_lost": _("The worker stopped at every attempt to analyze this picture. Please try again later.")}
BY_CODE = {
    failure.code: failure
    for failure in (
        Failure("empty", _("The file is empty. Please upload it again.")),
        Failure("not_a_picture", _("The file is not a picture that we can read. Please upload another one.")),
        Failure("format_not_accepted", _("Pictures of this format are not accepted. Please upload a JPEG or PNG.")),
        Failure(
            "damaged", _("The picture is damaged, or stored in a way that we cannot read. Please upload it again.")
        ),
        Failure("too_many_pixels", _("The picture has too many pixels. Please upload a smaller one.")),
        Failure("too_small", _("The picture is too small to be analyzed. Please upload a larger one.")),
        Failure("file_missing", _("The picture's file is missing on the server. Please upload it again.")),
        Failure("unknown_model", _("This model no longer exists here. Please choose another one.")),
        Failure("weights_missing", _("The model's weights are missing here. Please choose another model.")),
        Failure("label_unknown", _("The model no longer knows this label. Please analyze the picture again.")),
        Failure("weights_damaged", _("The model's weights are damaged. Please choose another model.")),
    )
}

# The first that fits.
OURS: dict[type[Exception] | tuple[type[Exception], ...], Failure] = {
    DeviceLostError: WORKER_LOST,  # the worker's process ends with it
    (DatabaseError, InterfaceError): DATABASE_AWAY,
    StorageAwayError: STORAGE_AWAY_FOR_ALL,
    OSError: STORAGE_AWAY,
    MemoryError: OUT_OF_MEMORY,
}


def classify(error: Exception) -> Failure:
    """The failure that an exception stands for; what nobody foresaw is ours and transient."""
    match error:
        case PictureError() | UnknownModelError() | LabelUnknownError() | WeightsMissingError() | WeightsDamagedError():
            return BY_CODE[error.code]
        case EngineError():  # a checkpoint that is no longer what its exam saw
            return BY_CODE["weights_damaged"]
        case FileNotFoundError():
            return BY_CODE["file_missing"]
        case _:
            return next((failure for kinds, failure in OURS.items() if isinstance(error, kinds)), INTERNAL)
