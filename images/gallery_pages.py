"""A page of the gallery: at most so many pictures behind or before a key, in a bounded time however many there are."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from accounts.models import User
from images.gallery_filters import Filters
from images.gallery_order import Key, Order
from images.models import Image, ImageQuerySet

PAGE_SIZE = 60
LOOKS = 20_000  # pictures that one request looks at for a word; the next one goes on behind them
# So many are looked at first: PostgreSQL looks at all that it may before it sorts, and for most words these will do.
FIRST_LOOKS = 1000

Prepared = Callable[[ImageQuerySet], ImageQuerySet]


@dataclass(slots=True)
class Page:
    """What one request shows, and where the pages beside it begin (empty where there is none)."""

    filters: Filters
    pictures: list[Image] = field(default_factory=list)
    newer: str = ""
    older: str = ""
    is_first: bool = True
    is_partial: bool = False  # more may be found further on: this request has looked at as many as it may

    @property
    def takes_new(self) -> bool:
        """Whether what is uploaded now belongs at its head."""
        return self.is_first and self.filters == Filters()

    @property
    def is_welcome(self) -> bool:
        """Whether the person has no pictures yet, or none any more."""
        return not (self.pictures or self.newer or self.is_partial or self.filters.is_narrowing)

    def __iter__(self) -> Iterator[Image]:
        return iter(self.pictures)


def page_of(user: User, filters: Filters, asked: Mapping[str, str], prepared: Prepared) -> Page:
    """The page that `?after=` or `?before=` asks for, the first one for anything else.

    One statement for the page; a search takes one more to bound it, and two more if it finds little in its first
    look. `prepared` adds what the cards need.
    """
    pictures = filters.walked(Image.objects.visible_to(user))
    before, after = Key.read(asked.get("before", "")), Key.read(asked.get("after", ""))
    if before:
        page = _Walk(pictures, filters, prepared, before, backwards=True).page()
        if page.newer:
            return page
        after = None  # the beginning was reached: a first page is a full one
    return _Walk(pictures, filters, prepared, after).page()


class _Walk:
    """From a key on through the pictures, in one of the two directions."""

    def __init__(
        self, pictures: ImageQuerySet, filters: Filters, prepared: Prepared, key: Key | None, *, backwards: bool = False
    ) -> None:
        self.filters, self.prepared, self.key, self.backwards = filters, prepared, key, backwards
        self.order = Order(filters.sort)
        rows = self.order.sorted(pictures, backwards=backwards)
        self.rows = self.order.beyond(rows, key, backwards=backwards) if key else rows

    def page(self) -> Page:
        for looks in (FIRST_LOOKS, LOOKS) if self.filters.is_looking else (None,):
            horizon = self._horizon(looks) if looks else None
            rows = self.order.until(self.rows, horizon, backwards=self.backwards) if horizon else self.rows
            found = list(self.prepared(self.filters.looked_at(rows))[: PAGE_SIZE + 1])
            if horizon is None or len(found) > PAGE_SIZE:
                break
        return self._page(found, horizon)

    def _horizon(self, looks: int) -> Key | None:
        """The last picture of so many looks; None where all are near enough."""
        last = self.rows.values_list("sorted_by", "id")[looks - 1 : looks]  # type: ignore[misc]  # an annotation
        return next((self.order.key_of(value, pk) for value, pk in last), None)

    def _page(self, found: list[Image], horizon: Key | None) -> Page:
        has_more, shown = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
        ends = self._key(shown[-1]) if has_more else str(horizon or "")
        begins = (self._key(shown[0]) if shown else str(self.key)) if self.key else ""
        if self.backwards:
            shown, begins, ends = shown[::-1], ends, begins
        is_partial = bool(horizon) and not has_more
        return Page(
            self.filters,
            shown,
            newer=self.filters.address(before=begins) if begins else "",
            older=self.filters.address(after=ends) if ends else "",
            is_first=not begins,
            is_partial=is_partial,
        )

    def _key(self, image: Image) -> str:
        return str(self.order.key_of(image.sorted_by, image.pk))  # type: ignore[attr-defined]  # an annotation
