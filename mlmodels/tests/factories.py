"""Made-up rows of models; the default one is what the catalogue really has."""

import factory
from django.core.files.base import ContentFile
from django.utils import timezone

from mlmodels import model_files
from mlmodels.models import AddedModel, MLModel, ModelExam

# What a custom model is an example of. No network is made here: torch takes seconds to import.
ARCHITECTURE = "torchvision/mobilenet_v3_small"
LABELS = ("a cat", "a cup of coffee", "an astronaut")


class MLModelFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = MLModel
        django_get_or_create = ("name", "version")

    name = "efficientnet"
    version = "1.0.0"
    description = "EfficientNet-Lite0"


def added_model(version: str = "1.0.0", *, passed: bool = True, content: bytes = b"weights") -> MLModel:
    """A custom model with a file on the storage, offered to users if its exam was passed."""
    sha256 = model_files.sha256_of(ContentFile(content))
    model = MLModel.objects.create(name="custom", version=version, description="Mine.", is_active=passed)
    AddedModel.objects.create(
        model=model,
        architecture=ARCHITECTURE,
        labels=list(LABELS),
        file=model_files.save_upload(ContentFile(content), version=version, sha256=sha256, is_safetensors=True),
        uploaded_name="mine.safetensors",
        sha256=sha256,
        size_bytes=len(content),
    )
    state, passed_at = ("passed", timezone.now()) if passed else ("failed", None)
    ModelExam.objects.create(model=model, state=state, passed_at=passed_at, code="" if passed else "unsteady")
    return MLModel.objects.get(pk=model.pk)
