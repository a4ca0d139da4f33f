"""What the start command prints: its own sentences, and every process's log lines behind its name."""

import json
import os
import time
from collections.abc import Iterable, Sequence
from itertools import cycle

from imageanalysis.logs import in_utc, without_secrets

LINE_LIMIT_BYTES = 8 * 1024
OWN_NAME = "start"
COLOURS = (36, 33, 35, 32, 34)
# A log line may quote what a visitor sent; the terminal must not take it for a command.
CONTROL_CHARACTERS = dict.fromkeys((*range(9), *range(10, 32), *range(127, 160)), "\ufffd")


class LineCutter:
    """Cuts a stream of bytes into lines; one that never ends is cut at a limit and cannot fill the memory."""

    def __init__(self) -> None:
        self.unfinished = b""

    def feed(self, chunk: bytes) -> list[str]:
        *lines, self.unfinished = (self.unfinished + chunk).split(b"\n")
        return [*map(_text, lines), *(self.finish() if len(self.unfinished) > LINE_LIMIT_BYTES else [])]

    def finish(self) -> list[str]:
        rest, self.unfinished = self.unfinished, b""
        return [_text(rest)] if rest else []


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r").translate(CONTROL_CHARACTERS)


class Console:
    """Writes whole lines to a file descriptor; `lost` tells that nobody reads them any more.

    `as_json` puts what is no JSON object into one, with its process's name for the logger.
    """

    def __init__(self, descriptor: int, names: Sequence[str], *, as_json: bool = False) -> None:
        self.descriptor = descriptor
        self.as_json = as_json
        self.lost = False
        names = [*names, OWN_NAME]
        width = max(map(len, names))
        self.prefixes = {name: f"{name:<{width}} | " for name in names}
        if os.isatty(descriptor) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
            for name, colour in zip(names, cycle(COLOURS)):
                self.prefixes[name] = f"\033[{colour}m{name:<{width}} |\033[0m "

    def say(self, text: str) -> None:
        if self.as_json:
            self.log(OWN_NAME, (line.strip() for line in text.splitlines() if line.strip()))
        else:
            self._write(f"{text}\n")

    def note(self, text: str) -> None:
        self.log(OWN_NAME, [text])

    def log(self, name: str, lines: Iterable[str]) -> None:
        self._write("".join(f"{self._dressed(name, line)}\n" for line in lines))

    def _dressed(self, name: str, line: str) -> str:
        if not self.as_json:
            return f"{self.prefixes[name]}{line}"
        return line if line.startswith("{") else as_object(name, line)

    def _write(self, text: str) -> None:
        rest = memoryview(text.encode("utf-8", "replace"))
        try:
            while rest and not self.lost:
                rest = rest[os.write(self.descriptor, rest) :]
        except OSError:  # `start | head`, a closed terminal
            self.lost = True


def as_object(name: str, line: str) -> str:
    """A line of a program that knows nothing of the form of our logs."""
    said = {"time": in_utc(time.time()), "level": "INFO", "logger": name, "message": without_secrets(line)}
    return json.dumps(said)
