"""The models as the upload form offers them: what each is for, how quick it was here, how its exam went, and whether it
is ready."""

from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.models import User
from analysis import speeds
from mlmodels import how_it_did
from mlmodels.models import MLModel, default_key_of


@dataclass(frozen=True, slots=True)
class Offer:
    """One model's card; `hindrance` says why it cannot be chosen, `command` what staff do about it."""

    model: MLModel
    is_chosen: bool
    description: str
    speed: str
    exam: str
    hindrance: str
    command: str


@dataclass(frozen=True, slots=True)
class Offers:
    """The cards of the models that can be chosen, the chosen one first, and of those that are not ready."""

    ready: list[Offer]
    hindered: list[Offer]


def offers_for(user: User) -> Offers:
    """All active models; the default one is chosen if it can be. Two queries."""
    active = list(MLModel.objects.with_condition().filter(is_active=True).order_by("name", "version"))
    default = default_key_of(active)
    measured = speeds.seconds_a_picture([model.key for model in active])
    ranked = sorted(active, key=lambda model: (not model.is_ready, model.key != default))
    offers = [
        Offer(
            model=model,
            is_chosen=place == 0 and model.is_ready,
            description=_(model.description) if model.description else "",
            speed=_speed(model, measured.get(model.key)),
            exam=how_it_did.in_its_exam(model),
            hindrance=how_it_did.why_not_ready(model),
            command=how_it_did.command_for_weights(model) if user.is_staff else "",
        )
        for place, model in enumerate(ranked)
    ]
    ready = [offer for offer in offers if not offer.hindrance]
    return Offers(ready, hindered=offers[len(ready) :])


def _speed(model: MLModel, seconds: float | None) -> str:
    if seconds is not None:
        return _("%(time)s a picture on this installation") % {"time": _time(seconds)}
    milliseconds = how_it_did.milliseconds_in_its_exam(model)
    if milliseconds is not None:
        return _("%(time)s a picture in its exam") % {"time": _time(milliseconds / 1000)}
    return _("Speed not measured here yet")


def _time(seconds: float) -> str:
    """Two digits are as much as a median of runs knows."""
    if seconds < 1:
        return f"{max(round(seconds * 1000), 1)} ms"
    return _("%(seconds)s s") % {"seconds": number_format(round(seconds, 1), 1 if seconds < 10 else 0)}
