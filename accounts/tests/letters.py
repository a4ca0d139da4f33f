"""What tests read out of mails."""

import re
from email.message import EmailMessage

from django.core.mail import EmailMultiAlternatives

from accounts import tasks

LINK = re.compile(r"https?://\S+/accounts/password-reset/[\w-]{43}/")


def deliver_all() -> None:
    """Do what a worker does while mails are due."""
    while tasks.send_next_mail():
        pass


def link_in(message: EmailMultiAlternatives | EmailMessage) -> str:
    """The link for a new password; the same in the text and in the HTML."""
    if isinstance(message, EmailMessage):
        text, html = (part.get_content() for part in message.iter_parts())
    else:
        text, (html, _type) = message.body, message.alternatives[0]
    (link,) = set(LINK.findall(text))
    assert f'href="{link}"' in html
    return link


def path_of(link: str) -> str:
    return "/" + link.split("/", 3)[3]
