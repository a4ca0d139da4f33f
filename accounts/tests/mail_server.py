"""A real SMTP server for tests, which can also be away, refuse, or take its time."""

import email
import email.policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from imageanalysis.tests.log_review import REVIEW
from imageanalysis.tests.servers import free_port


class MailServer:
    """Listens on a free loopback port while `with` lasts; `start` and `stop` let it come and go on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.received: list[tuple[list[str], EmailMessage]] = []
        self.answer = "250 OK"
        self.controller: Controller | None = None

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def stop(self) -> None:
        if self.controller:
            self.controller.stop()
            self.controller = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content: Any = envelope.content
        message = email.message_from_bytes(content, policy=email.policy.default)
        for part in message.walk():
            if part.get_content_maintype() == "text":
                REVIEW.note_letter(part.get_content())
        if self.answer.startswith("250"):
            self.received.append((envelope.rcpt_tos, message))
        return self.answer
