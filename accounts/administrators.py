"""There is always somebody who can let others in: the last administrator cannot leave by accident."""

from collections.abc import Collection

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User

LAST_ONE = _(
    "You are the only administrator: nobody could manage this installation any more. "
    "Please make somebody else an administrator first (Admin, Users, superuser status)."
)


@transaction.atomic
def would_be_none_without(leaving: Collection[int]) -> bool:
    """Whether no superuser who can sign in would be left. In a transaction nobody else changes that meanwhile."""
    administrators = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").select_for_update()
    left = set(administrators.values_list("pk", flat=True))
    return bool(left & set(leaving)) and not left - set(leaving)
