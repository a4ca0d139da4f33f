"""Following every link and every form that pages name, as a curious visitor without JavaScript would."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

from django.http import HttpResponse

from imageanalysis.tests.visits import Visitor

ADDRESSES = ("href", "src", "hx-get", "data-url")
# A page with ten filters has a thousand combinations; each filter is looked at by itself.
MOST_QUESTIONS = 1
Attributes = list[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class Step:
    """One request: the verb, the address, what its form says as it stands, and the button that sends it."""

    verb: str
    address: str
    fields: tuple[tuple[str, str], ...] = ()
    button: tuple[str, str] = ("", "")

    @property
    def kind(self) -> tuple[object, ...]:
        """Steps of one kind differ only in the values of a query or of fields, a form's address in its query."""
        asked = self.asked if self.verb == "GET" else {}
        names = frozenset([*asked, *(name for name, _value in self.fields)])
        return self.verb, urlsplit(self.address).path, names, self.button

    @property
    def asked(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.address).query, keep_blank_values=True)


@dataclass(slots=True)
class Form:
    verb: str
    address: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, tuple[str, str]]] = field(default_factory=list)

    def steps(self) -> Iterator[Step]:
        """What each of its buttons sends."""
        for address, button in self.buttons or [("", ("", ""))]:
            yield Step(self.verb, address or self.address, tuple(self.fields), button)


class Page(HTMLParser):
    """The steps that one page offers."""

    def __init__(self, address: str, text: str) -> None:
        super().__init__()
        self.address = address
        self.steps: list[Step] = []
        self.form: Form | None = None
        self.select: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        said = {name: value or "" for name, value in attrs}
        self.steps += [Step("GET", self._absolute(said[name])) for name in ADDRESSES if leads_away(said.get(name))]
        if "hx-post" in said:
            self.steps.append(Step("POST", self._absolute(said["hx-post"])))
        if tag == "form":
            self.form = Form(said.get("method", "get").upper(), self._absolute(said.get("action", "")))
        elif self.form:
            self._control(tag, said, self.form)

    def _control(self, tag: str, said: dict[str, str], form: Form) -> None:
        name, kind = said.get("name", ""), said.get("type", "submit" if tag == "button" else "text")
        if kind in ("submit", "image") and tag in ("button", "input"):
            address = self._absolute(said["formaction"]) if "formaction" in said else ""
            form.buttons.append((address, (name, said.get("value", ""))))
        elif tag == "input" and name and kind != "file" and (kind not in ("checkbox", "radio") or "checked" in said):
            form.fields.append((name, said.get("value", "")))
        elif tag == "textarea" and name:
            form.fields.append((name, ""))
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in said:
            form.fields.append((self.select, said.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self.form:
            self.steps += self.form.steps()
            self.form = None

    def _absolute(self, address: str) -> str:
        return urljoin(self.address, address).partition("#")[0]


@dataclass(frozen=True, slots=True)
class Visit:
    step: Step
    status: int
    body: bytes


def crawl(visitor: Visitor, start: str, *, most: int = 2000) -> Iterator[Visit]:
    """Every step of each kind once, breadth first; what a step changes is taken back before the next one."""
    waiting, known = deque([Step("GET", start)]), set()
    while waiting:
        step = waiting.popleft()
        if step.kind in known or not is_ours(step.address) or len(step.asked) > MOST_QUESTIONS:
            continue
        known.add(step.kind)
        assert len(known) < most, f"ever new addresses: {step}"
        answer = taken(visitor, step)
        yield Visit(step, answer.status_code, visitor.body)
        if "Location" in answer.headers:
            waiting.append(Step("GET", urljoin(step.address, answer["Location"])))
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            waiting += Page(step.address, visitor.body.decode()).steps


def taken(visitor: Visitor, step: Step) -> HttpResponse:
    data: dict[str, list[str]] = {}
    for name, value in (*step.fields, step.button):
        data.setdefault(name, []).append(value)
    data.pop("", None)
    return visitor.visit(step.verb, step.address, data=data)


def leads_away(address: str | None) -> bool:
    return bool(address) and not str(address).startswith("#")


def is_ours(address: str) -> bool:
    split = urlsplit(address)
    return not split.scheme and not split.netloc and split.path.startswith("/")
