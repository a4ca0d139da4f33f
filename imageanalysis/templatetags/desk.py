"""What the lists of the desk say of themselves."""

from itertools import chain, islice

from django import template
from django.contrib.admin.views.main import ChangeList

register = template.Library()


@register.filter
def filtered_by(listed: ChangeList) -> list[str]:
    """The filters that are on, in words; the first choice of each is to have them all."""
    others = chain.from_iterable(islice(spec.choices(listed), 1, None) for spec in listed.filter_specs)
    return [str(choice["display"]) for choice in others if choice["selected"]]
