"""Visits to every address of the resolver, in every role."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLResolver, get_resolver

from accounts.models import PasswordResetToken, User
from analysis.models import AnalysisResult, ProgressLog
from images.models import Image
from images.tests.factories import queued_image
from mlmodels.models import MLModel

VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def addresses() -> Iterator[str]:
    """Every pattern of the resolver, the admin's included."""

    def walk(resolver: URLResolver, before: str) -> Iterator[str]:
        for pattern in resolver.url_patterns:
            address = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern, address)
            else:
                yield address

    return walk(get_resolver(), "/")


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture of somebody, a row in every other table, and the keys of them all by the admin's labels."""

    image: Image
    keys: dict[str, int]

    def path(self, address: str, *, image_id: int | None = None) -> str:
        """A real path for a pattern; `image_id` stands in for the picture's."""
        picture = str(image_id or self.image.pk)
        row = re.match(r"/admin/(\w+/\w+)/", address)
        path = re.sub(r"\^\(\?P<app_label>(\w+).*", r"\1/", address).replace("(?P<url>.*)$", "nowhere")
        path = path.replace("<path:content_type_id>/<path:object_id>", f"{self.keys['content_type']}/{picture}")
        path = re.sub("<(path|int):object_id>", str(self.keys.get(row[1]) if row else None), path)
        path = path.replace("<int:entry_id>", str(self.keys["analysis/analysisqueue"])).replace("<slug:wish>", "front")
        return path.replace("<key:pk>", picture).replace("<int:user_id>", str(self.keys["accounts/user"]))


def scene_of(user: User, model: MLModel, *, content: bytes | None = None, name: str = "picture.png") -> Scene:
    """A waiting picture of this person with a row in every table."""
    image = queued_image(user=user, model=model, content=content, name=name)
    progress = ProgressLog.objects.create(image=image, progress_percentage=5, current_stage="preprocessing")
    result = AnalysisResult.objects.create(
        image=image, label="espresso", confidence=97, model_name=model.name, model_version=model.version, rank=1
    )
    keys = {
        "auth/group": Group.objects.create(name="a group").pk,
        "images/image": image.pk,
        "analysis/analysisqueue": image.queue.pk,
        "analysis/analysisresult": result.pk,
        "analysis/progresslog": progress.pk,
        "analysis/timelinelog": image.timeline.pk,
        "mlmodels/mlmodel": model.pk,
        "accounts/user": user.pk,
        "accounts/passwordresettoken": PasswordResetToken.objects.create(user=user, token="0" * 64).pk,
        "content_type": ContentType.objects.get_for_model(Image).pk,
    }
    return Scene(image, keys)


class Visitor:
    """A browser in one role whose every visit starts from the same session; what a visit changes is taken back.

    `body` is what the last visit was answered, of files, too.
    """

    body = b""

    def __init__(self, user: User | None, **options: Any) -> None:
        self.client = Client(raise_request_exception=False, **options)
        if user:
            self.client.force_login(user)
        self.cookies = self.client.cookies.output(header="").strip()

    def visit(self, verb: str, path: str, *, data: Any = None, **headers: str) -> HttpResponse:
        with transaction.atomic():
            response = self.visit_for_good(verb, path, data=data, **headers)
            transaction.set_rollback(True)
        return response

    def visit_for_good(self, verb: str, path: str, *, data: Any = None, **headers: str) -> HttpResponse:
        """The same, but what it changes stays."""
        self.client.cookies.clear()
        if self.cookies:
            self.client.cookies.load(self.cookies)
        response = getattr(self.client, verb.lower())(path, **({"data": data} if data else {}), headers=headers)
        # Reading a file to its end closes it.
        self.body = b"".join(response) if response.streaming else response.content
        return response


def outcome(response: HttpResponse) -> str:
    """o 200, s to a sign-in page, r to elsewhere, f 403, n 404, m 405, u 503; anything else in full."""
    if response.status_code == 302:
        return "s" if re.match(r"/(accounts|admin)/login/\?next=", response["Location"]) else "r"
    return {200: "o", 403: "f", 404: "n", 405: "m", 503: "u"}.get(response.status_code, f"[{response.status_code}]")


HEADERS = {
    "X-Content-Type-Options": {"nosniff"},
    "X-Frame-Options": {"DENY"},
    "Referrer-Policy": {"same-origin", "no-referrer"},
    "Cross-Origin-Opener-Policy": {"same-origin"},
    "Cross-Origin-Resource-Policy": {"same-origin"},
}
FORBIDDEN_BY_POLICY = ("base-uri", "frame-ancestors", "object-src")
TELLING = ("Server", "X-Powered-By", "Via", "X-AspNet-Version")


def header_faults(response: HttpResponse) -> list[str]:
    """Which of the headers that every response has to carry are missing or weak."""
    if response.status_code == 304:  # speaks of an answer that carried them
        return []
    faults = [name for name, good in HEADERS.items() if response.headers.get(name) not in good]
    faults += [name for name in TELLING if name in response.headers]
    return faults + policy_faults(response.headers.get("Content-Security-Policy", ""))


def policy_faults(policy: str) -> list[str]:
    words = [directive.split() for directive in policy.split(";") if directive.strip()]
    directives = {name: values for name, *values in words}
    fallback = directives.get("default-src")
    faults = [
        name
        for name in FORBIDDEN_BY_POLICY
        if directives.get(name, fallback if name == "object-src" else None) != ["'none'"]
    ]
    faults += ["default-src"] if fallback != ["'none'"] else []
    return faults + [
        word
        for values in directives.values()
        for word in values
        if "unsafe-" in word or word in ("*", "http:", "https:")
    ]
