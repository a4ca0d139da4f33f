"""Requests for a new password that name another host in eight ways: what is answered, and where the mailed link leads.

    python -m benchmarks.security.host_poisoning

A whole application behind its real web server, a worker, and a real mail server.
"""

import re
import socket
import tempfile
import urllib.parse
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from accounts.tests.mail_server import MailServer
from benchmarks.security.visitors import TOKEN, Visitor, make_accounts
from imageanalysis.tests.application import Application
from imageanalysis.tests.processes import until

PUBLIC_URL = "http://pictures.example.org"
OF_THE_HOST = {"PUBLIC_URL": PUBLIC_URL, "ALLOWED_HOSTS": "127.0.0.1,pictures.example.org", "ALLOW_PLAIN_HTTP": "true"}
PAGE = "/accounts/password-reset/"
LINK = re.compile(r"(https?://[^\s\"<>]+?)/accounts/password-reset/")
# What the request line asks for, and the headers beside the good ones; {host} is the right host.
WAYS = {
    "Host": (PAGE, ["Host: evil.example"]),
    "X-Forwarded-Host": (PAGE, ["Host: {host}", "X-Forwarded-Host: evil.example"]),
    "X-Host": (PAGE, ["Host: {host}", "X-Host: evil.example"]),
    "Forwarded": (PAGE, ["Host: {host}", "Forwarded: host=evil.example;proto=https"]),
    "two Hosts": (PAGE, ["Host: {host}", "Host: evil.example"]),
    "two Hosts, turned": (PAGE, ["Host: evil.example", "Host: {host}"]),
    "absolute-form URI": (f"http://evil.example{PAGE}", ["Host: {host}"]),
    "good@evil": (PAGE, ["Host: {host}@evil.example"]),
}


def post(bind: str, target: str, hosts: list[str], cookie: str, token: str, email: str) -> int:
    """The status of a request written byte by byte."""
    body = urllib.parse.urlencode({"email": email, "csrfmiddlewaretoken": token}).encode()
    head = [
        f"POST {target} HTTP/1.1",
        *(line.format(host=bind) for line in hosts),
        f"Cookie: {cookie}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Connection: close",
    ]
    host, _colon, port = bind.partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        return int(connection.makefile("rb").readline().split()[1])


def links_in(message: EmailMessage) -> set[str]:
    """The hosts that the links of both halves of a mail lead to."""
    return {host for part in message.iter_parts() for host in LINK.findall(part.get_content())}


def has_more(mail: MailServer, before: int) -> bool:
    return len(mail.received) > before


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        MailServer() as mail,
        Application(Path(folder), EMAIL_URL=mail.url, **OF_THE_HOST) as application,
    ):
        make_accounts(Path(folder), "poisoned", len(WAYS))
        visitor = Visitor(application.url, "127.0.0.1")
        assert TOKEN.search(visitor.client.get(PAGE).text)
        visitor.open(PAGE)
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.client.cookies.items())
        for number, (way, (target, hosts)) in enumerate(WAYS.items()):
            before = len(mail.received)
            email = f"poisoned_known_{number}@example.org"
            status = post(application.bind, target, hosts, cookie, visitor.token, email)
            if status == 302:
                until(partial(has_more, mail, before), lambda: f"no mail:\n{application.log}", seconds=300)
            links = {link for _to, message in mail.received[before:] for link in links_in(message)}
            print(f"{way}: {status}, links to {sorted(links) or 'nowhere'}", flush=True)


if __name__ == "__main__":
    main()
