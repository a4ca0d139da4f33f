"""The models that may be used: which are offered, and whether their weights are on this machine."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from mlmodels.inference import catalogue
from mlmodels.inference.errors import UnknownModelError


class MLModelQuerySet(models.QuerySet["MLModel"]):
    """Reads of the table `ml_models`."""

    def offered(self) -> list["MLModel"]:
        """Active models whose weights are here, the default one first."""
        ready = [model for model in self.filter(is_active=True).order_by("name", "version") if model.is_ready]
        return sorted(ready, key=lambda model: model.key != settings.DEFAULT_MODEL)

    def by_key(self, key: str) -> "MLModel | None":
        """The model called `name:version`, active or not."""
        name, _colon, version = key.partition(":")
        return self.filter(name=name, version=version).first()


class MLModel(models.Model):
    """One version of one model."""

    class Name(models.TextChoices):
        RESNET50 = "resnet50", "ResNet-50"
        EFFICIENTNET = "efficientnet", "EfficientNet"
        MOBILENET = "mobilenet", "MobileNet"
        VGG16 = "vgg16", "VGG-16"
        CLIP = "clip", "CLIP"
        CUSTOM = "custom", _("Custom")

    name = models.CharField(_("name"), max_length=50, choices=Name.choices)
    version = models.CharField(_("version"), max_length=20, default="1.0.0")
    is_active = models.BooleanField(_("offered to users"), default=True)
    description = models.TextField(_("description"))
    created_at = models.DateTimeField(_("added"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects: ClassVar[models.Manager["MLModel"]] = MLModelQuerySet.as_manager()

    class Meta:
        db_table = "ml_models"
        verbose_name = _("model")
        verbose_name_plural = _("models")
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="ml_models_name_version_unique")]

    def __str__(self) -> str:
        return f"{self.get_name_display()} {self.version}"

    @property
    def key(self) -> str:
        """`name:version`, as queue entries and the catalogue call it."""
        return f"{self.name}:{self.version}"

    @property
    def is_ready(self) -> bool:
        """Whether the catalogue knows this model and its weights are on this machine."""
        try:
            return catalogue.weights_path(catalogue.find(self.key), settings.WEIGHTS_DIR) is not None
        except UnknownModelError:
            return False
