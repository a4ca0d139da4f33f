"""People with sessions, and their pictures, put straight into the database of an application that is being measured."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import django

from imageanalysis.tests.servers import free_port

if TYPE_CHECKING:
    from accounts.models import User
    from images.models import Image


@dataclass(frozen=True, slots=True)
class Place:
    """Where an application lies and listens."""

    folder: Path
    bind: str


def settle(folder: Path) -> Place:
    """Have this process share the folders of the application that is started there next; call it before anything
    reads the settings."""
    place = Place(folder, f"127.0.0.1:{free_port()}")
    os.environ.update(DATA_DIR=str(folder / "data"), MEDIA_ROOT=str(folder / "media"), BIND=place.bind)
    django.setup()
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for each request would bury the figures
    return place


def people(count: int) -> "list[User]":
    """Accounts that nobody can sign in to: hashing a thousand passwords would take minutes."""
    users = import_module("accounts.models").User.objects
    users.bulk_create(users.model(username=f"person_{n}", email=f"person_{n}@example.org") for n in range(count))
    return list(users.filter(username__startswith="person_").order_by("pk"))


def session_cookie(user: "User") -> str:
    """`name=value` of a new session of this person, as after signing in."""
    auth, settings = import_module("django.contrib.auth"), import_module("django.conf").settings
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[auth.SESSION_KEY] = str(user.pk)
    session[auth.BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[auth.HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def waiting_pictures(owners: "Sequence[User]", files: Sequence[bytes], *, priority: str = "normal") -> "list[Image]":
    """One waiting picture for each owner, through the same door as an upload."""
    services, models = import_module("images.services"), import_module("mlmodels.models").MLModel
    uploaded = import_module("django.core.files.uploadedfile").SimpleUploadedFile
    states = import_module("analysis.states")
    model = models.objects.offered()[0]
    return [
        services.take_in(
            user=owner,
            file=uploaded(f"{n}.jpg", files[n % len(files)]),
            model=model,
            priority=states.Priority(priority),
        )
        for n, owner in enumerate(owners)
    ]
