"""What a person does with many pictures at once: one transaction, a constant number of statements, one sentence.

The pictures' queue entries are locked first, in the order of every other writer; what can be done with each is decided
then. A picture of somebody else is as absent as one that never was.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import models, transaction
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from analysis import pictures, wishes
from analysis import services as analysis
from analysis.fencing import lock_entries
from images.deletion import delete
from images.forms import read_wish
from images.models import Image

AT_MOST = 200


class Action(models.TextChoices):
    """What can be asked for many pictures."""

    ANALYZE = "analyze"
    CANCEL = "cancel"
    DELETE = "delete"


class BatchRefusedError(Exception):
    """A request that names no pictures, too many, or nothing that can be done with them: a code and one sentence."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = {
            "nothing_chosen": _("Please choose some pictures first."),
            "too_many_chosen": _("At most %(limit)d pictures can be chosen at once. Please choose fewer.")
            % {"limit": AT_MOST},
            "unknown_format": _("This format is not offered. Please choose CSV or JSON."),
            "unknown_action": _("This cannot be done with pictures. Please use the buttons of the gallery."),
        }[code]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the pictures: done, not in a state for it, not there, or without the file for it."""

    action: Action
    done: Sequence[int]
    unfit: Sequence[int]
    absent: Sequence[int]
    lost: Sequence[int] = ()  # their originals are gone from the server
    deletion: UUID | None = None  # what was deleted can be taken back by it

    @property
    def message(self) -> str:
        """One line in the active language: how many it was done for, and why not for the others."""
        told = [words(len(ids)) for ids, words in zip(self._groups(), _WORDS[self.action], strict=True) if ids]
        return " ".join(told if self.done else [_("Nothing was changed."), *told])

    def _groups(self) -> tuple[Sequence[int], ...]:
        return self.done, self.unfit, self.lost, self.absent

    def as_json(self) -> dict[str, Any]:
        refused = [(_UNFIT[self.action], self.unfit), ("file_missing", self.lost), ("absent", self.absent)]
        not_done = [{"id": pk, "code": code} for code, ids in refused for pk in ids]
        told = {"action": self.action, "done": self.done, "not_done": not_done, "message": self.message}
        return {**told, "deletion": self.deletion} if self.deletion else told


def read_ids(texts: Iterable[str]) -> list[int]:
    """The pictures that a request names, each once; raises BatchRefusedError for none and for too many."""
    ids = list(dict.fromkeys(int(text) for text in texts if re.fullmatch("[0-9]{1,9}", text)))
    if not ids:
        raise BatchRefusedError("nothing_chosen")
    if len(ids) > AT_MOST:
        raise BatchRefusedError("too_many_chosen")
    return ids


def read_action(text: str) -> Action:
    if text not in Action.values:
        raise BatchRefusedError("unknown_action")
    return Action(text)


def act(action: Action, ids: Sequence[int], *, user: User, asked: QueryDict) -> Outcome:
    """Do it for those of the pictures that it can be done for; raises UploadRefusedError for what is not offered."""
    deletion = uuid4() if action is Action.DELETE else None
    do = partial(delete, key=deletion) if deletion else _doing(action, user, asked)
    lost = pictures.lost(ids) if action is Action.ANALYZE else set()
    with transaction.atomic():
        lock_entries(user_id=user.pk, image_ids=ids)
        own = list(Image.objects.visible_to(user).filter(pk__in=ids).values_list("pk", flat=True))
        done = do(image_ids=[pk for pk in own if pk not in lost])
    return Outcome(
        action,
        done=done,
        unfit=[pk for pk in own if pk not in {*done, *lost}],
        absent=[pk for pk in ids if pk not in set(own)],
        lost=[pk for pk in own if pk in lost],
        deletion=deletion if done else None,
    )


def _doing(action: Action, user: User, asked: QueryDict) -> Callable[..., list[int]]:
    if action is Action.CANCEL:
        return wishes.cancel_all
    wish = read_wish(asked, user=user)
    return partial(analysis.analyze_all_again, model=wish.model, priority=wish.priority)


_UNFIT = {Action.ANALYZE: "in_hand", Action.CANCEL: "over", Action.DELETE: "kept"}


def _counted(words: Callable[[int], str]) -> Callable[[int], str]:
    return lambda count: words(count) % {"count": count}


_ABSENT = _counted(lambda n: ngettext("%(count)d is not there any more.", "%(count)d are not there any more.", n))
_LOST = _counted(
    lambda n: ngettext(
        "%(count)d has lost its file on the server: please upload it again.",
        "%(count)d have lost their files on the server: please upload them again.",
        n,
    )
)
_WORDS = {
    Action.ANALYZE: (
        _counted(lambda n: ngettext("%(count)d picture will be analyzed.", "%(count)d pictures will be analyzed.", n)),
        _counted(
            lambda n: ngettext("%(count)d is being analyzed already.", "%(count)d are being analyzed already.", n)
        ),
        _LOST,
        _ABSENT,
    ),
    Action.CANCEL: (
        _counted(lambda n: ngettext("%(count)d analysis was cancelled.", "%(count)d analyses were cancelled.", n)),
        _counted(lambda n: ngettext("%(count)d has nothing to cancel.", "%(count)d have nothing to cancel.", n)),
        _LOST,
        _ABSENT,
    ),
    Action.DELETE: (
        _counted(lambda n: ngettext("%(count)d picture was deleted.", "%(count)d pictures were deleted.", n)),
        _ABSENT,
        _LOST,
        _ABSENT,
    ),
}
