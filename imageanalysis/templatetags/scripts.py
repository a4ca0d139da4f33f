"""The scripts of a page."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()

IMPORT = re.compile(r'(?:from|import) "\./(\w+)\.js";')


@cache
def imported_by(name: str) -> tuple[str, ...]:
    """All modules that this one needs, those that its own imports need included."""
    found = finders.find(f"js/{name}.js")
    if not isinstance(found, str):
        raise template.TemplateSyntaxError(f"There is no static/js/{name}.js.")
    names = IMPORT.findall(Path(found).read_text(encoding="utf-8"))
    return tuple(dict.fromkeys(each for name in names for each in (name, *imported_by(name))))


@register.simple_tag
def modules(*names: str) -> SafeString:
    """Script elements for these modules of static/js.

    What they import is named, too: a browser fetches all at once, where it would learn of an import only when it has
    the module that asks for it, one way to the server and back for each of five floors.
    """
    needed = dict.fromkeys(each for name in names for each in imported_by(name) if each not in names)
    scripts = format_html_join("\n", '<script src="{}" type="module"></script>', _addresses(names))
    return scripts + format_html_join("", '\n<link rel="modulepreload" href="{}">', _addresses(needed))


def _addresses(names: Iterable[str]) -> Iterator[tuple[str]]:
    return ((static(f"js/{name}.js"),) for name in names)
