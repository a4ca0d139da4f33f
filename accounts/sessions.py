"""Sessions in the database: whose they are, when they were used, how long they last; ended for one, some or all.

The cookie's key is kept as a digest only. A session ends `SESSION_IDLE_SECONDS` after it was last used and
`SESSION_ABSOLUTE_SECONDS` after it began, whatever the browser still sends.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts import clock
from accounts.models import Session, User

SEEN_SECONDS = 300  # a session's use is written down no more often than this


def digest(key: str) -> str:
    """What the table holds in place of a cookie's key: 160 bits of its SHA-256, which is what the column takes."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def expires_at(started_at: datetime, seen_at: datetime) -> datetime:
    idle, absolute = settings.SESSION_IDLE_SECONDS, settings.SESSION_ABSOLUTE_SECONDS
    return min(seen_at + timedelta(seconds=idle), started_at + timedelta(seconds=absolute))


class SessionStore(DatabaseSessionStore):
    """Django's own, with a digest for the key, an owner, and two ends."""

    user_agent = ""  # the middleware tells
    started_at: datetime | None = None
    person: User | None = None  # with their preferences, as they were when the session was read

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        """One statement, also for the person; a second one every few minutes, which notes that it is in use."""
        with_person = Session.objects.select_related("user__preferences")
        row = with_person.filter(pk=digest(self.session_key or ""), expire_date__gt=Now()).first()
        if row is None:
            self._session_key = None
            return {}
        self.started_at, self.person = row.started_at, row.user
        note_use(row)
        return self.decode(row.session_data)

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(pk=digest(session_key)).exists()

    def create(self) -> None:
        self.started_at = None
        super().create()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        now = clock.now()
        self.started_at = self.started_at or now
        return Session(
            session_key=digest(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            user_id=data.get(SESSION_KEY),
            user_agent=self.user_agent,
            started_at=self.started_at,
            last_seen_at=now,
            expire_date=expires_at(self.started_at, now),
        )

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            Session.objects.filter(pk=digest(key)).delete()


def note_use(row: Session) -> None:
    now = clock.now()
    if now - row.last_seen_at > timedelta(seconds=min(SEEN_SECONDS, settings.SESSION_IDLE_SECONDS / 10)):
        Session.objects.filter(pk=row.pk).update(last_seen_at=now, expire_date=expires_at(row.started_at, now))


def of(user: User) -> QuerySet[Session]:
    """The sessions with which this person is signed in, the latest used first."""
    return Session.objects.filter(user=user, expire_date__gt=Now()).order_by("-last_seen_at", "pk")


def end(user: User, *, only: str | None = None, but: str | None = None) -> int:
    """End this person's sessions: all, the one of the digest `only`, or all others than the cookie key `but`; how many.

    The next request with such a cookie meets the sign-in page.
    """
    doomed = Session.objects.filter(user=user)
    if only is not None:
        doomed = doomed.filter(pk=only)
    if but is not None:
        doomed = doomed.exclude(pk=digest(but))
    return doomed.delete()[0]


def forget_old() -> int:
    """Delete sessions that have ended by themselves; how many rows."""
    return Session.objects.filter(expire_date__lt=Now()).delete()[0]
