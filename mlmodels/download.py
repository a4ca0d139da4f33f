"""Brings one published file over the network: resumed after a break, patient but not for ever, checked by SHA-256."""

import http.client
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import IO
from urllib.parse import urlsplit

from mlmodels.partial_file import FetchError, Origin, PartialFile, as_megabytes

OnProgress = Callable[[int, int | None], None]
OnNotice = Callable[[str], None]

CHUNK_BYTES = 256 * 1024
LONGEST_PAUSE_SECONDS = 60.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_MAY_PASS = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may be silent, how long the whole may take, how often to try again without a new byte."""

    stall_seconds: float = 30
    total_seconds: float = 6 * 3600
    retries: int = 5
    pause_seconds: float = 1  # doubled with every retry


def download(
    url: str,
    part: PartialFile,
    *,
    sha256: str,
    on_progress: OnProgress,
    on_notice: OnNotice,
    patience: Patience,
) -> None:
    """Make `part` the whole file behind `url`, going on from the bytes that it has, and check it.

    `sha256` is what is known of the digest: all of it, its beginning, or nothing if the server announces it
    as the Hugging Face hub does. `on_progress(done_bytes, total_bytes)` is called for every chunk,
    `on_notice(sentence)` before every retry. Raises FetchError.
    """
    refuse_unsafe(url)
    _Download(url, part, sha256, on_progress, patience).run(on_notice)
    part.check(sha256, part.origin.sha256)


def refuse_unsafe(url: str, *, redirected_from: str = "") -> None:
    """Only https, and plain http from this machine to itself."""
    address = urlsplit(url)
    from_here = not redirected_from or urlsplit(redirected_from).hostname in _LOOPBACK
    if address.scheme == "https" or (address.scheme == "http" and address.hostname in _LOOPBACK and from_here):
        return
    raise FetchError("insecure", f"{url.partition('?')[0]} is not an https address.")


class _Download:
    """One file's download: attempts that go on from each other until the file is whole."""

    def __init__(self, url: str, part: PartialFile, sha256: str, on_progress: OnProgress, patience: Patience) -> None:
        self.url, self.part, self.sha256 = url, part, sha256
        self.on_progress, self.patience = on_progress, patience
        self.host = urlsplit(url).netloc
        self.give_up_at = time.monotonic() + patience.total_seconds

    def run(self, on_notice: OnNotice) -> None:
        retries, most_bytes = 0, self.part.size_bytes
        while not self._is_whole():
            try:
                return self._attempt()
            except FetchError as error:
                # Bytes that a server sends again and again from the beginning are no progress.
                retries = 1 if self.part.size_bytes > most_bytes else retries + 1
                most_bytes = max(most_bytes, self.part.size_bytes)
                if not error.may_pass or retries > self.patience.retries:
                    raise
                self._pause(error, retries, on_notice)
        return None

    def _is_whole(self) -> bool:
        origin = self.part.origin
        return origin.url == self.url and origin.total_bytes == self.part.size_bytes > 0

    def _pause(self, error: FetchError, retries: int, on_notice: OnNotice) -> None:
        wanted_seconds = max(self.patience.pause_seconds * 2 ** (retries - 1), error.retry_after_seconds)
        seconds = min(wanted_seconds, LONGEST_PAUSE_SECONDS)
        if time.monotonic() + seconds > self.give_up_at:
            raise error
        on_notice(f"{error} Trying again in {seconds:g} s.")
        time.sleep(seconds)

    def _attempt(self) -> None:
        redirects = _Redirects()
        with self._open(redirects) as response:
            origin = self._origin(response, redirects)
            if response.status != HTTPStatus.PARTIAL_CONTENT:
                self.part.start_anew(origin)
            elif not self._goes_on(response, origin):
                self.part.start_anew(Origin())
                raise FetchError("changed", f"{self.host} has another file now.", may_pass=True)
            self.part.reserve(origin.total_bytes)
            self._receive(response, origin.total_bytes)

    def _open(self, redirects: "_Redirects") -> http.client.HTTPResponse:
        headers = {"User-Agent": "imageanalysis", **self._range()}
        request = urllib.request.Request(self.url, headers=headers)  # noqa: S310 - refuse_unsafe has seen it
        try:
            return urllib.request.build_opener(redirects).open(request, timeout=self.patience.stall_seconds)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error

    def _range(self) -> dict[str, str]:
        """The headers that ask for the rest only, or for everything if the file is another one by now."""
        origin = self.part.origin
        if origin.url != self.url or not self.part.size_bytes:
            return {}
        condition = {"If-Range": origin.validator} if origin.validator else {}
        return {"Range": f"bytes={self.part.size_bytes}-", **condition}

    def _origin(self, response: http.client.HTTPResponse, redirects: "_Redirects") -> Origin:
        """What this answer says about the whole file; FetchError if it contradicts itself or cannot be checked."""
        total_bytes, sha256 = _total_bytes(response), redirects.linked_sha256
        if redirects.linked_bytes is not None and total_bytes not in (None, redirects.linked_bytes):
            raise FetchError(
                "size_mismatch",
                f"{self.host} announced {redirects.linked_bytes:,} bytes, but {total_bytes:,} were to come.",
            )
        if not (self.sha256 or sha256):
            raise FetchError(
                "unverifiable", f"{self.part.target.name} cannot be checked: {self.host} does not say its SHA-256."
            )
        return Origin(self.url, _validator(response.headers), total_bytes, sha256)

    def _goes_on(self, response: http.client.HTTPResponse, origin: Origin) -> bool:
        """Whether this partial answer begins where our bytes end and is of the same file."""
        start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        ours = self.part.origin
        is_same = (origin.total_bytes, origin.sha256) == (ours.total_bytes, ours.sha256)
        return start is not None and int(start[1]) == self.part.size_bytes and is_same

    def _receive(self, response: http.client.HTTPResponse, total_bytes: int | None) -> None:
        self.on_progress(self.part.size_bytes, total_bytes)
        while chunk := self._read(response):
            self.part.append(chunk)
            self.on_progress(self.part.size_bytes, total_bytes)
            if time.monotonic() > self.give_up_at:
                raise FetchError("timeout", f"{self.host} is too slow: given up at {self._here()}.")
        if total_bytes is not None and self.part.size_bytes != total_bytes:
            raise self._cut_off()

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.read1(CHUNK_BYTES)
        except TimeoutError as error:
            raise self._stalled() from error
        except (OSError, http.client.HTTPException) as error:
            raise self._cut_off() from error

    def _here(self) -> str:
        return as_megabytes(self.part.size_bytes)

    def _cut_off(self) -> FetchError:
        return FetchError("cut_off", f"The connection to {self.host} broke at {self._here()}.", may_pass=True)

    def _stalled(self) -> FetchError:
        silence = f"{self.patience.stall_seconds:g} s"
        return FetchError("stalled", f"{self.host} sent nothing for {silence} at {self._here()}.", may_pass=True)

    def _refused(self, error: urllib.error.HTTPError) -> FetchError:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            self.part.start_anew(Origin())
            return FetchError("changed", f"{self.host} has another file now.", may_pass=True)
        if error.code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return FetchError("not_found", f"{self.url} does not exist ({error.code}).")
        may_pass = error.code >= HTTPStatus.INTERNAL_SERVER_ERROR or error.code in _MAY_PASS
        pause = error.headers.get("Retry-After", "")
        seconds = float(pause) if pause.isdecimal() else 0
        sentence = f"{self.host} answered {error.code} {error.reason}."
        return FetchError("refused", sentence, may_pass=may_pass, retry_after_seconds=seconds)

    def _unreachable(self, error: OSError | http.client.HTTPException) -> FetchError:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return self._stalled()
        if isinstance(reason, ssl.SSLCertVerificationError):
            return FetchError("untrusted", f"{self.host} did not prove who it is: {reason.verify_message}.")
        # Without a name there is no network, unless there was one a moment ago.
        may_pass = not isinstance(reason, socket.gaierror) or self.part.size_bytes > 0
        why = getattr(reason, "strerror", None) or reason
        return FetchError("no_network", f"{self.host} cannot be reached: {why}.", may_pass=may_pass)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to safe addresses only, and keeps what the Hugging Face hub says in its own."""

    linked_sha256 = ""
    linked_bytes: int | None = None

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        with ExitStack() as refusal:
            refusal.callback(fp.close)
            refuse_unsafe(newurl, redirected_from=req.full_url)
            refusal.pop_all()
        # Files in large file storage are named by their SHA-256; those in git by a shorter digest.
        etag = headers.get("X-Linked-ETag", "").strip('"').lower()
        if re.fullmatch(r"[0-9a-f]{64}", etag):
            self.linked_sha256 = etag
        size = headers.get("X-Linked-Size", "")
        if size.isdecimal():
            self.linked_bytes = int(size)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _total_bytes(response: http.client.HTTPResponse) -> int | None:
    """The size of the whole file, None when the answer does not tell."""
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        total = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
        return int(total[1]) if total else None
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _validator(headers: Message) -> str:
    """What If-Range may carry: a strong ETag, else the date."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")
