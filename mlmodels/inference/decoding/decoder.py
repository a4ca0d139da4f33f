"""The decoder: `python -m` this module looks at one picture after the other for the process at its input.

It enters its confinement before it loads a library that reads pictures, and loads neither Django nor torch.
"""

import json
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlmodels.inference.confinement import sandbox
from mlmodels.inference.confinement.sandbox import Bounds, Limits

# Large pictures leave memory behind in pieces: a decoder that holds more than this makes room for a fresh one.
_LARGE_BYTES = 400 * 2**20
_PICTURES = 1000


def main(spoil: Callable[[bytes], None] | None = None) -> None:
    """Tests let `spoil` see the bytes first."""
    channel = socket.socket(fileno=sys.stdin.fileno())
    # Where memory runs out all the same, the kernel takes a decoder before it takes the application.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    limits = Limits(**json.loads(sys.argv[1]))
    controls = sandbox.enter(Bounds(folder=None, readable=[], closed=[Path("/tmp")], limits=limits))  # noqa: S108
    serve(channel, controls, spoil)


def serve(channel: socket.socket, controls: list[str], spoil: Callable[[bytes], None] | None) -> None:
    """Answer until the other side hangs up."""
    from mlmodels.inference.decoding import messages

    messages.send(channel, controls=controls)
    for left in reversed(range(_PICTURES)):
        received = messages.Request.receive(channel)
        if received is None:
            return
        request, file = received
        thumbnail, words = _answer(request, file, spoil)
        is_last = left == 0 or _resident_bytes() > _LARGE_BYTES
        messages.send(channel, thumbnail, is_last=is_last, **words)
        if is_last:
            return


def _answer(request: Any, file: int, spoil: Callable[[bytes], None] | None) -> tuple[bytes, dict[str, Any]]:
    from mlmodels.inference.decoding import messages
    from mlmodels.inference.decoding.look import look
    from mlmodels.inference.pictures import PictureError

    try:
        content = _content(file)
        if spoil:
            spoil(content)
        seen = look(
            content,
            max_pixels=request.max_pixels,
            thumbnail_side_px=request.thumbnail_side_px,
            strips_metadata=request.strips_metadata,
        )
    except PictureError as error:
        return b"", {"code": error.code, "detail": str(error)}
    except MemoryError:
        return b"", {"code": "no_memory"}
    return seen.thumbnail, messages.look_in_words(seen)


def _content(file: int) -> bytes:
    with os.fdopen(file, "rb") as opened:
        return opened.read()


def _resident_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # no such thing on this platform
        return 0


if __name__ == "__main__":
    main()
