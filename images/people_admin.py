"""People as staff see them, with how much of the storage is theirs."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from accounts.admin import UserAdmin
from accounts.models import User
from images.models import Image, Original

USAGE = ("pictures", "stored")

admin.site.unregister(User)


@admin.register(User)
class UserWithUsageAdmin(UserAdmin):
    """What `accounts` shows of a person, and their pictures, which it does not know of."""

    list_per_page = 50
    show_full_result_count = False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        usage = ((_("Usage"), {"fields": USAGE}),) if obj else ()
        return (*super().get_fieldsets(request, obj), *usage)

    def get_list_display(self, request: HttpRequest) -> Any:
        return (*super().get_list_display(request), *USAGE)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *USAGE)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        of_person = Image.objects.filter(user=OuterRef("pk")).order_by().values("user")
        originals = Original.objects.filter(image__user=OuterRef("pk")).order_by().values("image__user")
        return (
            super()
            .get_queryset(request)
            .annotate(
                picture_count=Coalesce(Subquery(of_person.annotate(n=Count("pk")).values("n")), 0),
                stored_bytes=Coalesce(Subquery(originals.annotate(n=Sum("stored_bytes")).values("n")), 0),
            )
        )

    @admin.display(description=_("pictures"))
    def pictures(self, person: Any) -> int:
        return person.picture_count

    @admin.display(description=_("storage"))
    def stored(self, person: Any) -> str:
        return filesizeformat(person.stored_bytes)
