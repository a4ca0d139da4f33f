"""A person leaves: the account and everything that belongs to it goes, whatever is running at that moment.

Rows go in one transaction, which locks the person first: an upload or an export that ends at the same moment finds
nobody to belong to, and a worker's run finds its queue entry gone. The files follow once that is committed; should this
process die before, the notes about them are in the database (`images.litter`).
"""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from accounts import administrators
from accounts.models import User
from analysis.models import AnalysisQueue, AnalysisResult
from analysis.states import ACTIVE_QUEUE_STATUSES
from images.models import Image


class LastAdministratorError(Exception):
    """Nobody would be left to manage the installation."""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What goes with a person."""

    pictures: int
    results: int
    unfinished: int


def belongings_of(user: User) -> Belongings:
    """Three statements."""
    own = Q(image__user=user, image__deletion=None)
    return Belongings(
        pictures=Image.objects.visible_to(user).count(),
        results=AnalysisResult.objects.filter(own).count(),
        unfinished=AnalysisQueue.objects.filter(user=user, status__in=ACTIVE_QUEUE_STATUSES).count(),
    )


@transaction.atomic
def leave(user: User) -> None:
    """Delete the person with everything of theirs; raises LastAdministratorError."""
    if administrators.would_be_none_without([user.pk]):
        raise LastAdministratorError
    user.delete()
