"""Many pictures at once as rows only, for pages that list them: no files, no upload."""

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.models import PasswordResetToken
from accounts.tests.factories import UserFactory
from analysis.models import AnalysisQueue, AnalysisResult, ProgressLog, TimelineLog
from images.models import Image
from mlmodels.models import MLModel


def picture_rows(count: int, model: MLModel, **fields: object) -> list[Image]:
    """Pictures with a row in every table of the analysis and two models' results, each of a person of its own unless
    `user` is given; the last one is the newest."""
    images = [
        Image(
            filename=f"{n}.png",
            file_path=f"{n}/original.png",
            thumbnail_path=f"{n}/thumbnail.jpg",
            status="uploaded",
            model_used=model,
            **(fields if "user" in fields else {"user": UserFactory.create()} | fields),
        )
        for n in range(count)
    ]
    Image.objects.bulk_create(images)
    AnalysisQueue.objects.bulk_create(
        AnalysisQueue(image=image, user=image.user, position=n, model_name=model.key) for n, image in enumerate(images)
    )
    TimelineLog.objects.bulk_create(TimelineLog(image=image) for image in images)
    ProgressLog.objects.bulk_create(
        ProgressLog(image=image, progress_percentage=5, current_stage="preprocessing") for image in images
    )
    AnalysisResult.objects.bulk_create(
        AnalysisResult(image=image, label="espresso", confidence=97, model_name=name, model_version="1.0.0", rank=1)
        for image in images
        for name in ("clip", "resnet50")
    )
    return images


def with_files(images: list[Image]) -> list[Image]:
    """The same pictures, each with an empty file for an original."""
    for image in images:
        default_storage.save(image.file_path, ContentFile(b""))
    return images


def token_rows(images: list[Image]) -> None:
    """A reset token for each picture's owner."""
    PasswordResetToken.objects.bulk_create(
        PasswordResetToken(user=image.user, token=f"{image.pk:064}") for image in images
    )
