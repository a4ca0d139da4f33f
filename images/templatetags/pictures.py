"""How templates show pictures: icons of the sprite, which file a browser can display, spans of time."""

from datetime import datetime
from functools import partial
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message
from django.db.models import TextChoices
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analysis.states import ImageStatus, QueueStatus, Stage, StepStatus
from images import refusals
from images.models import Image
from mlmodels import label_names
from mlmodels.models import MLModel

register = template.Library()

UNDO = "undo"
SPRITE = "vendor/bootstrap-icons/sprite.svg"
# What every browser draws by itself; TIFF and HEIC are shown by their thumbnail.
BROWSER_EXTENSIONS = frozenset({"jpg", "jpeg", "png", "webp", "gif", "avif", "bmp"})
TRANSPARENT_EXTENSIONS = frozenset({"png", "webp", "gif", "avif"})

STATUS_ICONS: dict[str, str] = {
    ImageStatus.UPLOAD: "cloud-arrow-up",
    ImageStatus.UPLOADED: "hourglass-split",
    ImageStatus.PREPARING: "cpu",
    ImageStatus.ANALYZING: "cpu",
    ImageStatus.SUCCESS: "check-circle",
    ImageStatus.FAILED: "exclamation-triangle",
    QueueStatus.WAITING: "hourglass-split",
    QueueStatus.PROCESSING: "cpu",
    QueueStatus.COMPLETED: "check-circle",
    QueueStatus.CANCELLED: "slash-circle",
}


@register.simple_tag
def icon(name: str, css_class: str = "") -> SafeString:
    """A decorative icon of the sprite; the words beside it carry the meaning."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css_class,
        static(SPRITE),
        name,
    )


@register.simple_tag
def refusal(code: str) -> str:
    """What a refused file is told, for pages that can tell it before the file is sent."""
    return refusals.refusal(code)


@register.filter
def status_icon(status: str) -> str:
    """The icon of an image's `display_status` or of a queue status."""
    return STATUS_ICONS.get(status, "circle")


@register.filter
def undo_key(message: Message) -> str:
    """What a message of a deletion can be undone by; empty for any other message."""
    word, _space, key = (message.extra_tags or "").partition(" ")
    return key if word == UNDO else ""


@register.filter
def browser_can_show(image: Image) -> bool:
    """Whether a browser draws the original file; otherwise the page shows the thumbnail."""
    return image.file_path.rpartition(".")[2].lower() in BROWSER_EXTENSIONS


@register.filter
def may_be_transparent(image: Image) -> bool:
    """Whether an original that browsers draw may let its background through."""
    return image.file_path.rpartition(".")[2].lower() in TRANSPARENT_EXTENSIONS


@register.filter
def step_status_label(status: str) -> str:
    """A timeline step's status in words of the active language."""
    return _label(StepStatus, status)


@register.filter
def queue_status_label(status: str) -> str:
    """A queue entry's status in words of the active language."""
    return _label(QueueStatus, status)


@register.filter
def stage_label(stage: str) -> str:
    """A run's stage in words of the active language."""
    return _label(Stage, stage)


def _label(choices: type[TextChoices], value: str) -> str:
    return str(choices(value).label) if value in choices.values else value


@register.filter
def model_title(key: str) -> str:
    """`name:version` as people call it, such as `EfficientNet 1.0.0`; also for a model whose row is gone."""
    name, _colon, version = key.partition(":")
    return f"{MLModel.Name(name).label if name in MLModel.Name.values else name} {version}".strip()


@register.filter
def label_name(result: Any) -> str:
    """The label of a result (or of a story's, or of an agreement) in the active language; see `label_names.name_of`."""
    columns = ("label", "model_name", "model_version")
    of = result.get if isinstance(result, dict) else partial(getattr, result)
    return label_names.name_of(*map(of, columns))


@register.filter
def percent(confidence: Any) -> str:
    """A confidence with one decimal, `93.2%`, the same in every language; also a valid SVG length."""
    return f"{float(confidence):.1f}%"


@register.filter
def took(started_at: datetime | None, ended_at: datetime | None) -> str:
    """The time between two moments in words, from `24 ms` to `2 min 5 s`; empty while one is missing."""
    if started_at is None or ended_at is None:
        return ""
    return in_time(max((ended_at - started_at).total_seconds(), 0) * 1000)


@register.filter
def in_time(milliseconds: float) -> str:
    """A span of time in words, from `24 ms` to `2 min 5 s`."""
    seconds = milliseconds / 1000
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return _("%(seconds)s s") % {"seconds": f"{seconds:.1f}"}
    return _in_words(round(seconds))


def _in_words(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return ngettext("%(seconds)d second", "%(seconds)d seconds", seconds) % {"seconds": seconds}
    return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}
