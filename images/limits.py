"""How much one person may ask for: pictures that are not finished yet, and uploads of a day; no limit unless set."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from analysis.models import AnalysisQueue
from analysis.states import ACTIVE_QUEUE_STATUSES
from images.models import Image
from images.refusals import UploadRefusedError


def check(user: User) -> None:
    """Raise UploadRefusedError when one more picture is too many; a statement for each limit that is set."""
    unfinished = AnalysisQueue.objects.filter(user=user, status__in=ACTIVE_QUEUE_STATUSES)
    if settings.MAX_UNFINISHED_PER_USER and unfinished.count() >= settings.MAX_UNFINISHED_PER_USER:
        raise UploadRefusedError("too_many_unfinished")
    of_a_day = Image.objects.visible_to(user).filter(upload_date__gt=timezone.now() - timedelta(days=1))
    if settings.MAX_UPLOADS_PER_DAY and of_a_day.count() >= settings.MAX_UPLOADS_PER_DAY:
        raise UploadRefusedError("too_many_today")


def check_for_good(user: User) -> None:
    """The same in the transaction that inserts the picture: this person's uploads of the same moment count, too."""
    if settings.MAX_UNFINISHED_PER_USER or settings.MAX_UPLOADS_PER_DAY:
        list(User.objects.select_for_update().filter(pk=user.pk).values_list("pk"))
        check(user)
