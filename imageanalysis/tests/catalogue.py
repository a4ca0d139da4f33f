"""The entries of a catalogue of translations, for tests."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

FIELD = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) (".*")$')


def entries(catalogue: Path) -> Iterator[dict[str, str]]:
    """The entries of a .po file; `flags` holds their `#,` line. The header is left out."""
    for block in catalogue.read_text(encoding="utf-8").split("\n\n"):
        entry, field = {"flags": ""}, ""
        for line in block.splitlines():
            if line.startswith("#,"):
                entry["flags"] = line
            elif found := FIELD.match(line):
                field = found[1]
                entry[field] = ast.literal_eval(found[2])
            elif line.startswith('"'):
                entry[field] += ast.literal_eval(line)
        if entry.get("msgid"):
            yield entry


def translations(entry: dict[str, str]) -> list[str]:
    return [text for field, text in entry.items() if field.startswith("msgstr")]
