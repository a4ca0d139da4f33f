"""The pictures before and after one in the gallery that a person came from, as the addresses of their pages."""

from typing import NamedTuple

from django.urls import reverse

from accounts.models import User
from images.gallery_filters import Filters
from images.gallery_order import Key, Order
from images.gallery_pages import LOOKS
from images.models import Image, ImageQuerySet


class Neighbours(NamedTuple):
    """Addresses that take the gallery's filters along; empty where no picture is near enough."""

    previous: str
    next: str
    all: str


def neighbours(user: User, image: Image, filters: Filters) -> Neighbours:
    """Three statements, and two more to bound a search for words."""
    order, pictures = Order(filters.sort), Image.objects.visible_to(user)
    here = order.sorted(pictures.filter(pk=image.pk)).values_list("sorted_by", flat=True).first()  # type: ignore[misc]
    key, walked = order.key_of(here, image.pk), filters.walked(pictures)
    previous, following = (_next(walked, order, key, filters, backwards=backwards) for backwards in (True, False))
    return Neighbours(previous, following, reverse("images:home") + filters.carried)


def _next(pictures: ImageQuerySet, order: Order, key: Key, filters: Filters, *, backwards: bool) -> str:
    rows = order.beyond(order.sorted(pictures, backwards=backwards), key, backwards=backwards)
    if filters.is_looking:
        last = rows.values_list("sorted_by", "id")[LOOKS - 1 : LOOKS]  # type: ignore[misc]  # an annotation
        for value, pk in last:
            rows = order.until(rows, order.key_of(value, pk), backwards=backwards)
    found = filters.looked_at(rows).first()
    return found.get_absolute_url() + filters.carried if found else ""
