"""What the doctor asks about models: are those offered there and whole, and what are they run with."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext

from accounts.findings import Finding, ok, warning, wrong
from mlmodels import default_model, model_files, whole_weights
from mlmodels.inference import catalogue
from mlmodels.inference.errors import WeightsDamagedError
from mlmodels.models import MLModel

GPU_DEVICE = Path("/dev/nvidia0")


def weights() -> Iterator[Finding]:
    """The weights of each model that is offered, with their SHA-256; two queries."""
    active = list(MLModel.objects.with_condition().filter(is_active=True).order_by("name", "version"))
    default = default_model.key()
    if not active:
        yield wrong(gettext("No model is offered."), gettext("Offer one on the admin's list of models."))
    elif all(model.key != default for model in active):
        yield warning(
            gettext("The default model %(key)s is not offered.") % {"key": default},
            gettext("Offer it on the admin's list of models, or make one the default that is."),
        )
    for model in active:
        yield _of(model)


def _of(model: MLModel) -> Finding:
    if not model.weights_key:
        return _uploaded(model)
    spec = catalogue.MODELS.get(model.weights_key)
    path = catalogue.weights_path(spec, settings.WEIGHTS_DIR) if spec else None
    if spec is None or path is None:
        return _missing(model)
    try:
        sha256 = whole_weights.sha256_of(spec.weights, path)
    except (WeightsDamagedError, OSError) as error:
        return wrong(
            gettext("The weights of %(model)s are damaged: %(error)s") % {"model": model, "error": error},
            gettext("Fetch them again on its page, or by python manage.py fetch_weights %(key)s")
            % {"key": model.weights_key},
        )
    return ok(gettext("%(model)s: weights are whole (SHA-256 %(digits)s…).") % {"model": model, "digits": sha256[:12]})


def _missing(model: MLModel) -> Finding:
    return warning(
        gettext("The weights of %(model)s are not on this machine, so people cannot choose it.") % {"model": model},
        gettext("Fetch them on its page, or by python manage.py fetch_weights %(key)s") % {"key": model.weights_key},
    )


def _uploaded(model: MLModel) -> Finding:
    try:
        is_there = model_files.storage().exists(model.added.file)
    except OSError as error:
        return warning(
            gettext("The uploaded weights of %(model)s could not be looked at: %(error)s")
            % {"model": model, "error": error},
            gettext("They lie on the storage: repair that first."),
        )
    if is_there:
        return ok(gettext("%(model)s: the uploaded weights are on the storage.") % {"model": model})
    return wrong(
        gettext("The uploaded weights of %(model)s are no longer on the storage.") % {"model": model},
        gettext("Restore them from a backup, or add the model again."),
    )


def runtime() -> Iterator[Finding]:
    """What is installed to run models, and whether the device that the settings ask for is there."""
    installed = {name: found for name in ("torch", "openvino") if (found := _version(name))}
    if "torch" not in installed:
        yield wrong(gettext("PyTorch is not installed."), gettext("Install it: pip install -r requirements.txt"))
    elif settings.INFERENCE_RUNTIME == "openvino" and "openvino" not in installed:
        yield warning(
            gettext("INFERENCE_RUNTIME asks for OpenVINO, which is not installed: PyTorch is used, more slowly."),
            gettext("Install it: pip install -r requirements.txt"),
        )
    else:
        yield ok(gettext("Installed: %(packages)s.") % {"packages": ", ".join(map(" ".join, installed.items()))})
    if settings.INFERENCE_DEVICE == "cuda" and not GPU_DEVICE.exists():
        yield warning(
            gettext("INFERENCE_DEVICE asks for a GPU and this machine shows none: its models run on the CPU."),
            gettext("Install the NVIDIA driver, or let the container see the GPU; or set INFERENCE_DEVICE=auto."),
        )
    else:
        device = gettext("a GPU is there") if GPU_DEVICE.exists() else gettext("no GPU, so the CPU")
        yield ok(gettext("Device of this machine: %(device)s.") % {"device": device})


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
