"""The Japanese catalogue: complete, compiled, and in step with the sources."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from imageanalysis.tests.catalogue import entries, translations

CATALOGUE = settings.BASE_DIR / "locale" / "ja" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


def keys(catalogue: Path) -> set[tuple[str, str]]:
    return {(entry.get("msgctxt", ""), entry["msgid"]) for entry in entries(catalogue)}


def test_every_sentence_is_translated_and_none_is_a_guess():
    unfinished = [e["msgid"] for e in entries(CATALOGUE) if not all(translations(e)) or "fuzzy" in e["flags"]]
    assert unfinished == []


def test_translations_keep_their_placeholders():
    differing = [
        entry["msgid"]
        for entry in entries(CATALOGUE)
        for text in translations(entry)
        if set(PLACEHOLDER.findall(text)) != set(PLACEHOLDER.findall(entry["msgid"]))
    ]
    assert differing == []


def test_the_catalogue_is_in_step_with_the_sources(tmp_path: Path):
    if shutil.which("xgettext") is None:
        pytest.skip("gettext is not installed here (Debian: apt-get install gettext)")
    for name in ("accounts", "analysis", "imageanalysis", "images", "mlmodels", "templates"):
        shutil.copytree(
            settings.BASE_DIR / name, tmp_path / name, ignore=shutil.ignore_patterns("tests", "__pycache__")
        )
    (tmp_path / "locale").mkdir()
    extract = [sys.executable, "-m", "django", "makemessages", "--locale", "ja"]
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    subprocess.run(extract, cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert keys(CATALOGUE) == keys(tmp_path / "locale" / "ja" / "LC_MESSAGES" / "django.po")


def translated(entry: dict[str, str]) -> str:
    if "msgctxt" in entry:
        return translation.pgettext(entry["msgctxt"], entry["msgid"])
    if "msgid_plural" in entry:
        return translation.ngettext(entry["msgid"], entry["msgid_plural"], 2)
    return translation.gettext(entry["msgid"])


def test_the_compiled_catalogue_is_the_written_one():
    with translation.override("ja"):
        stale = [entry["msgid"] for entry in entries(CATALOGUE) if translated(entry) != translations(entry)[0]]
    assert stale == []
