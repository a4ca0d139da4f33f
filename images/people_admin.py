"""People as staff see them, with how much of the storage is theirs.

A picture that its owner has deleted lies there until it can no longer be taken back; so it is counted, by itself.
"""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import UserAdmin
from accounts.models import User
from analysis.models import AnalysisResult
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
        pictures = Image.objects.filter(user=OuterRef("pk")).order_by().values("user")
        originals = Original.objects.filter(image__user=OuterRef("pk")).order_by().values("image__user")
        deleted, of_deleted = pictures.exclude(deletion=None), originals.exclude(image__deletion=None)
        return (
            super()
            .get_queryset(request)
            .annotate(
                picture_count=_number(pictures.annotate(n=Count("pk"))),
                deleted_count=_number(deleted.annotate(n=Count("pk"))),
                stored_bytes=_number(originals.annotate(n=Sum("stored_bytes"))),
                deleted_bytes=_number(of_deleted.annotate(n=Sum("stored_bytes"))),
            )
        )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The people, and how many pictures and results go with them."""
        people, counts, lacking, protected = super().get_deleted_objects(objs, request)
        theirs = (Image.objects.filter(user__in=people), AnalysisResult.objects.filter(image__user__in=people))
        counts |= {rows.model._meta.verbose_name_plural: rows.count() for rows in theirs}
        return people, counts, lacking, protected

    @admin.display(description=_("pictures"))
    def pictures(self, person: Any) -> str:
        return _told(
            number_format(person.picture_count - person.deleted_count, force_grouping=True),
            number_format(person.deleted_count, force_grouping=True) if person.deleted_count else "",
        )

    @admin.display(description=_("storage"))
    def stored(self, person: Any) -> str:
        return _told(
            filesizeformat(person.stored_bytes - person.deleted_bytes),
            filesizeformat(person.deleted_bytes) if person.deleted_count else "",
        )


def _told(kept: str, deleted: str) -> str:
    told = {"kept": kept, "deleted": deleted}
    return gettext("%(kept)s, and %(deleted)s deleted that can still be taken back") % told if deleted else kept


def _number(rows: QuerySet) -> Coalesce:
    return Coalesce(Subquery(rows.values("n")), 0)
