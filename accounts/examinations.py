"""What the doctor asks about mail: is it on, does the server answer, does it take a message."""

from collections.abc import Iterator

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils.translation import gettext

from accounts import audit
from accounts.findings import Finding, ok, warning, wrong

CONNECT_SECONDS = 4


def mail() -> Iterator[Finding]:
    if not settings.MAIL_IS_ON:
        yield warning(
            gettext("Mail is off: nobody can reset a forgotten password alone."),
            gettext("Set EMAIL_URL to a mail server; until then staff make one-time links on a person's page."),
        )
        return
    connection = get_connection(timeout=CONNECT_SECONDS)
    try:
        connection.open()
    except OSError as error:
        yield _not_taken(error)
        return
    connection.close()
    yield ok(gettext("The mail server answers; mails come from %(sender)s.") % {"sender": settings.DEFAULT_FROM_EMAIL})


def send_mail_to(address: str) -> Finding:
    """Send one message at once, and say what became of it."""
    if not settings.MAIL_IS_ON:
        return next(mail())
    message = EmailMessage(
        subject=gettext("A test of mail"),
        body=gettext("Image Analysis at %(address)s can send mail.") % {"address": settings.PUBLIC_URL},
        to=[address],
        connection=get_connection(timeout=CONNECT_SECONDS),
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        message.send()
    except OSError as error:
        return _not_taken(error)
    audit.record("mail_tested")
    return ok(gettext("The mail server took a message to %(address)s.") % {"address": address})


def _not_taken(error: OSError) -> Finding:
    return wrong(
        gettext("The mail server does not take our mail: %(error)s") % {"error": error},
        gettext("Look at EMAIL_URL, and whether the server can be reached from this machine."),
    )
