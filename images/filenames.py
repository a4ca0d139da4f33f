"""The names that people give their files: shown, never used as paths."""

import unicodedata

MAX_LENGTH = 255
FALLBACK = "picture"


def displayable(name: str) -> str:
    """A user's file name made safe to show: its last part, no control or direction characters, at most 255 long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    visible = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return unicodedata.normalize("NFC", visible).strip()[:MAX_LENGTH].rstrip() or FALLBACK
