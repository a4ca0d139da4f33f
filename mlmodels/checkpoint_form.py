"""The form with which staff add a checkpoint of their own: looked into before anything is kept of it."""

from collections.abc import Mapping
from typing import Any, BinaryIO, cast

from django import forms
from django.conf import settings
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mlmodels import custom_models, exam_wording
from mlmodels.forms import AddForm
from mlmodels.inference import architectures
from mlmodels.inference.architectures import Architecture
from mlmodels.inference.checkpoints import checkpoint_files
from mlmodels.inference.checkpoints.checkpoint_files import CheckpointError
from mlmodels.inference.errors import UnknownArchitectureError
from mlmodels.inference.preprocessing import Preprocessing
from mlmodels.models import MLModel

SMALLEST_PX, LARGEST_PX = 16, 2048

Channels = tuple[float, float, float]


class NumbersField(forms.CharField):
    """Three numbers, one for each of red, green and blue."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            numbers = tuple(float(part) for part in text.replace(",", " ").split())
        except ValueError:
            numbers = ()
        if len(numbers) != 3 or not all(0 <= number <= 1 for number in numbers):
            raise ValidationError(_("Give three numbers between 0 and 1, for red, green and blue."))
        return numbers


class CheckpointForm(AddForm):
    """A checkpoint for an architecture of torchvision or timm."""

    name = MLModel.Name.CUSTOM

    checkpoint = forms.FileField(label=_("Checkpoint"), widget=forms.FileInput(attrs={"hx-preserve": "true"}))
    architecture = forms.CharField(
        label=_("Architecture"),
        widget=AdminTextInputWidget(
            attrs={"list": "architectures", "autocomplete": "off", "placeholder": "torchvision/resnet50"}
        ),
        help_text=_("Type a part of its name and choose: the classifiers of torchvision and timm."),
    )
    resize_px = forms.IntegerField(
        label=_("Resize to"),
        required=False,
        min_value=SMALLEST_PX,
        max_value=LARGEST_PX,
        help_text=_("Pixels of the shorter side."),
    )
    crop_px = forms.IntegerField(
        label=_("Crop"),
        required=False,
        min_value=SMALLEST_PX,
        max_value=LARGEST_PX,
        help_text=_("Pixels of the square in the middle."),
    )
    interpolation = forms.ChoiceField(
        label=_("Interpolation"),
        required=False,
        choices=[("", _("the architecture's own")), ("bilinear", "bilinear"), ("bicubic", "bicubic")],
    )
    mean = NumbersField(label=_("Mean"), required=False, help_text=_("Of red, green and blue, from 0 to 1."))
    std = NumbersField(
        label=_("Standard deviation"), required=False, help_text=_("Of red, green and blue, above 0 and up to 1.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit_bytes = settings.MODEL_UPLOAD_MAX_BYTES
        field = self.fields["checkpoint"]
        field.help_text = gettext("safetensors, or a state dict saved by torch (.pt, .pth); at most %(limit)s.") % {
            "limit": filesizeformat(limit_bytes)
        }
        field.widget.attrs |= {
            "data-max-bytes": limit_bytes,
            "data-too-large": exam_wording.sentence("too_many_bytes", {"limit_bytes": limit_bytes}),
        }

    def clean_checkpoint(self) -> UploadedFile:
        """Looks at what the file is, never at what it is called; nothing in it is unpickled."""
        file: UploadedFile = self.cleaned_data["checkpoint"]
        if file.size > settings.MODEL_UPLOAD_MAX_BYTES:
            raise ValidationError(
                exam_wording.sentence("too_many_bytes", {"limit_bytes": settings.MODEL_UPLOAD_MAX_BYTES})
            )
        if "password" in self.errors:
            return file
        try:
            self.cleaned_data["format"] = checkpoint_files.inspect(cast("BinaryIO", file.file))
        except CheckpointError as error:
            raise ValidationError(exam_wording.sentence(error.code, error.values)) from error
        return file

    def clean_architecture(self) -> Architecture:
        try:
            return architectures.find(self.cleaned_data["architecture"])
        except UnknownArchitectureError as error:
            raise ValidationError(exam_wording.sentence(error.code, {})) from error

    def clean_std(self) -> Channels | None:
        std: Channels | None = self.cleaned_data["std"]
        if std is not None and 0 in std:
            raise ValidationError(gettext("A standard deviation cannot be 0."))
        return std

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if isinstance(architecture := cleaned.get("architecture"), Architecture):
            cleaned["preprocessing"] = _preprocessing(cleaned, architecture.preprocessing)
            if cleaned["preprocessing"] and cleaned["preprocessing"].crop_px > cleaned["preprocessing"].resize_px:
                self.add_error("crop_px", gettext("The crop cannot be larger than what the picture is resized to."))
        return cleaned

    def save(self) -> MLModel:
        cleaned = self.cleaned_data
        return custom_models.add_checkpoint(
            version=cleaned["version"],
            description=cleaned["description"],
            file=cleaned["checkpoint"],
            is_safetensors=cleaned["format"] == "safetensors",
            architecture=cleaned["architecture"].key,
            labels=cleaned["labels"],
            preprocessing=cleaned["preprocessing"],
            added_by=self.user,
        )


def _preprocessing(cleaned: Mapping[str, Any], own: Preprocessing) -> Preprocessing | None:
    """The architecture's own with what was filled in; None when nothing was."""
    given = {name: cleaned.get(name) for name in ("resize_px", "crop_px", "interpolation", "mean", "std")}
    if not any(given.values()):
        return None
    return Preprocessing(
        resize_px=given["resize_px"] or own.resize_px,
        crop_px=given["crop_px"] or own.crop_px,
        interpolation=given["interpolation"] or own.interpolation,
        mean=_on_pixel_scale(given["mean"]) or own.mean,
        std=_on_pixel_scale(given["std"]) or own.std,
    )


def _on_pixel_scale(numbers: Channels | None) -> Channels | None:
    if numbers is None:
        return None
    red, green, blue = (255 * number for number in numbers)
    return red, green, blue
