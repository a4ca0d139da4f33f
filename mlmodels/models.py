"""The models that may be used: which are offered, what staff added, and how each one's exam went."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from mlmodels import model_files
from mlmodels.inference import catalogue
from mlmodels.inference.errors import UnknownModelError

# What comes before and after an exam's own time limit: the checkpoint's way from the storage and back.
EXAM_GRACE_SECONDS = 300
# Stands in the details of an exam until it ends.
FIRST_LOAD = "first_load"


def default_key_of(models: Iterable["MLModel"]) -> str:
    """Which of these runs when nobody names one; no query for what `with_condition` read."""
    return next((model.key for model in models if hasattr(model, "chosen_as_default")), settings.DEFAULT_MODEL)


class MLModelQuerySet(models.QuerySet["MLModel"]):
    """Reads of the table `ml_models`."""

    def with_condition(self) -> "MLModelQuerySet":
        """With all that `is_ready` asks for, in the one query."""
        return self.select_related("added", "exam", "chosen_as_default").defer("added__labels")

    def offered(self) -> list["MLModel"]:
        """Active models that are ready, the default one first. One query."""
        active = self.with_condition().filter(is_active=True).order_by("name", "version")
        default = default_key_of(active)
        return sorted((model for model in active if model.is_ready), key=lambda model: model.key != default)

    def offered_as(self, key: str) -> "MLModel | None":
        """The model called `name:version` if it is active and ready. One query."""
        model = self.with_condition().filter(is_active=True).by_key(key)
        return model if model and model.is_ready else None

    def by_key(self, key: str) -> "MLModel | None":
        """The model called `name:version`, active or not."""
        if "\0" in key:  # people send what they like, and PostgreSQL refuses to look for that
            return None
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
    def is_added(self) -> bool:
        """Whether staff added it, so that it has to pass its exam first."""
        return hasattr(self, "added")

    @property
    def has_passed(self) -> bool:
        """Whether its latest finished exam was passed; a new one that still waits or runs changes nothing yet."""
        return hasattr(self, "exam") and self.exam.passed_at is not None

    @property
    def weights_key(self) -> str:
        """The model of the catalogue whose weights this one runs on: itself, unless it is another's label list."""
        return self.added.base if self.is_added else self.key

    @property
    def may_be_offered(self) -> bool:
        """Models of the catalogue always; what staff added once it has passed its exam."""
        return not self.is_added or self.has_passed

    @property
    def has_weights(self) -> bool:
        """Whether its weights lie on this machine, or on the storage that every machine gets them from."""
        return not self.weights_key or _weights_are_here(self.weights_key)

    @property
    def is_being_prepared(self) -> bool:
        """Whether a worker loads its new weights for the first time: as a run, that would take too long."""
        return hasattr(self, "exam") and self.exam.is_first_load and self.exam.is_under_way

    @property
    def is_ready(self) -> bool:
        return self.may_be_offered and self.has_weights and not self.is_being_prepared


def _weights_are_here(key: str) -> bool:
    try:
        return catalogue.weights_path(catalogue.find(key), settings.WEIGHTS_DIR) is not None
    except UnknownModelError:
        return False


class DefaultModel(models.Model):
    """The one model that staff chose as the default; without a row the setting `DEFAULT_MODEL` counts."""

    ONLY = 1

    id = models.SmallIntegerField(primary_key=True, default=ONLY)
    model = models.OneToOneField(MLModel, on_delete=models.CASCADE, related_name="chosen_as_default")
    chosen_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    chosen_at = models.DateTimeField()

    class Meta:
        db_table = "default_models"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="default_models_only_one")]

    def __str__(self) -> str:
        return str(self.model)


class AddedModelQuerySet(models.QuerySet["AddedModel"]):
    """Reads of the table `added_models`."""

    def by_key(self, key: str) -> "AddedModel | None":
        """What staff added under the name `name:version`. One query."""
        name, _colon, version = key.partition(":")
        return self.select_related("model").filter(model__name=name, model__version=version).first()


class AddedModel(models.Model):
    """What staff gave with a model: a checkpoint with its architecture and labels, or labels for the weights of `base`.

    `file` is the checkpoint's name on the storage; `sha256` and `size_bytes` are those of that file. `preprocessing`
    holds the fields of `Preprocessing`; null leaves it to the architecture.
    """

    model = models.OneToOneField(MLModel, on_delete=models.CASCADE, related_name="added")
    base = models.CharField(_("weights of"), max_length=71, blank=True)
    architecture = models.CharField(_("architecture"), max_length=100, blank=True)
    labels = models.JSONField(_("labels"))
    preprocessing = models.JSONField(_("preprocessing"), null=True, blank=True)
    file = models.CharField(_("stored as"), max_length=200, blank=True)
    uploaded_name = models.CharField(_("file name"), max_length=255, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    size_bytes = models.BigIntegerField(_("size"), default=0)
    added_by = models.ForeignKey(
        User, verbose_name=_("added by"), on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    objects: ClassVar[models.Manager["AddedModel"]] = AddedModelQuerySet.as_manager()

    class Meta:
        db_table = "added_models"
        verbose_name = _("added model")
        verbose_name_plural = _("added models")

    def __str__(self) -> str:
        return self.architecture or self.base

    @property
    def is_converted(self) -> bool:
        """Whether its file is one that the engine loads, not yet to be made into one by the exam."""
        return self.file.endswith(".safetensors")

    @property
    def local_name(self) -> str:
        """Its file's name among the weights of a machine; other bytes have another name."""
        return model_files.local_name(self.model.version, self.sha256)


@receiver(post_delete, sender=AddedModel)
def delete_files_when_committed(instance: AddedModel, using: str, **_kwargs: object) -> None:
    """However a model is deleted: its files go from the storage and from this machine once the rows are gone."""
    delete = partial(model_files.delete, instance.file, local=instance.local_name, key=instance.model.key)
    transaction.on_commit(delete, using=using)


class ModelExam(models.Model):
    """A model's latest exam: how far it is or how it ended, with what was measured.

    `code` says why it was not passed and `details` fills that sentence in; `facts` is what was measured.
    `(model, started_at)` is the token of the worker that takes it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        PASSED = "passed", _("Passed")
        FAILED = "failed", _("Failed")

    model = models.OneToOneField(MLModel, on_delete=models.CASCADE, related_name="exam")
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    step = models.CharField(_("step"), max_length=20, blank=True)
    percentage = models.IntegerField(default=0)
    code = models.CharField(max_length=50, blank=True)
    details = models.JSONField(default=dict)
    facts = models.JSONField(default=dict)
    passed_at = models.DateTimeField(_("passed"), null=True, blank=True)
    requested_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    machine = models.CharField(_("machine"), max_length=255, blank=True)
    task_id = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "model_exams"
        verbose_name = _("exam")
        verbose_name_plural = _("exams")

    def __str__(self) -> str:
        return str(self.get_state_display())

    @property
    def is_first_load(self) -> bool:
        """Whether it was asked for because weights had come, so that the model waits for it."""
        return bool(self.details.get(FIRST_LOAD))

    @property
    def is_under_way(self) -> bool:
        """Whether it waits, or a worker that may be alive takes it."""
        return self.state == self.State.WAITING or (self.state == self.State.RUNNING and not self.is_lost)

    @property
    def is_lost(self) -> bool:
        """Whether its worker has been silent for longer than an exam can take."""
        return self.state == self.State.RUNNING and (self.started_at or self.requested_at) < lost_before()


def lost_before() -> datetime:
    """Exams that began before this moment and still run were lost with their worker."""
    return timezone.now() - timedelta(seconds=settings.MODEL_EXAM_SECONDS + EXAM_GRACE_SECONDS)
