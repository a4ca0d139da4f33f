"""A real decoder, confined like any other, that breaks in earnest over files with certain words in them."""

import ctypes
import os
import sys
from collections.abc import Callable

from mlmodels.inference.decoding import decoder

FAULTS: dict[bytes, Callable[[], object]] = {
    b"please crash": lambda: ctypes.string_at(0),
    b"please spin": lambda: spin(),
    b"please hoard": lambda: hoard(),
    b"please exit": lambda: sys.exit(0),
    b"please babble": lambda: os.write(0, b"\0\0\0\x02\xff\xff\xff\xff{}"),  # taken over, it might
}


def spin() -> None:
    while True:
        pass


def hoard() -> None:
    held = []
    while True:
        held.append(bytearray(2**24))


def spoil(content: bytes) -> None:
    for words, fault in FAULTS.items():
        if words in content:
            fault()


if __name__ == "__main__":
    decoder.main(spoil)
