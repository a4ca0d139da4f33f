"""How pages show what staff gave with a model."""

from collections.abc import Iterator

from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext

from mlmodels import added_specs
from mlmodels.inference.errors import EngineError
from mlmodels.inference.preprocessing import Preprocessing
from mlmodels.models import AddedModel


def rows(added: AddedModel) -> Iterator[tuple[str, str]]:
    """Names and values, in words."""
    if added.base:
        yield gettext("Weights"), added.base
    else:
        yield gettext("Architecture"), added.architecture
        yield gettext("Preprocessing"), _preprocessing(added)
        yield gettext("Uploaded file"), f"{added.uploaded_name}, {filesizeformat(added.size_bytes)}"
        yield gettext("SHA-256 of the weights"), added.sha256
    if added.added_by:
        yield gettext("Added by"), str(added.added_by)
    yield gettext("Added"), date_format(localtime(added.created_at), "DATETIME_FORMAT")


def _preprocessing(added: AddedModel) -> str:
    try:
        used = added_specs.spec_of(added).preprocessing
    except EngineError:  # an architecture that this version no longer has
        return "-"
    return _in_words(used) if used else "-"


def _in_words(used: Preprocessing) -> str:
    return gettext("%(resize)d px, %(interpolation)s, the middle %(crop)d px; mean %(mean)s, deviation %(std)s") % {
        "resize": used.resize_px,
        "interpolation": used.interpolation,
        "crop": used.crop_px,
        "mean": _on_unit_scale(used.mean),
        "std": _on_unit_scale(used.std),
    }


def _on_unit_scale(numbers: tuple[float, float, float]) -> str:
    return " ".join(number_format(round(number / 255, 3), 3) for number in numbers)
