"""The names that people give their files: any text at all, made safe to show."""

import re
import unicodedata
from pathlib import Path

import pytest
from django.test import Client
from hypothesis import example, given
from hypothesis import strategies as st

from images.filenames import FALLBACK, MAX_LENGTH, displayable
from images.models import Image
from images.tests.factories import drawn_picture
from images.tests.uploads import codes, files_in, upload

STORED = re.compile(r"[0-9a-f-]{36}/original\.png")
RIGHT_TO_LEFT = "\u202e"
# What was sent, and what is shown; None where the browser named no file at all.
NAMES = {
    "coffee.png": "coffee.png",
    "no extension": "no extension",
    "../../etc/passwd": "passwd",
    "..\\..\\x.png": "x.png",
    "/etc/passwd": "passwd",
    "C:\\Users\\me\\cat.png": "cat.png",
    "a%00.jpg": "a%00.jpg",
    "%2e%2e%2fetc%2fpasswd": "%2e%2e%2fetc%2fpasswd",
    "nul\0byte.png": "nulbyte.png",
    "two\r\nX-Evil: 1.png": "two%0D%0AX-Evil: 1.png",
    "tab\there.png": "tabhere.png",
    "x" * 300 + ".png": "x" * 251 + ".png",
    "名" * 255: "名" * 255,
    f"gnp.{RIGHT_TO_LEFT}evil.exe": "gnp.evil.exe",
    "😀👩‍🔬.png": "😀👩🔬.png",
    "e\u0301.png": "é.png",
    "é.png": "é.png",
    "CON": "CON",
    ".htaccess": ".htaccess",
    "-rf.png": "-rf.png",
    "<img src=x onerror=alert(1)>.png": "<img src=x onerror=alert(1)>.png",
    'say "cheese".png': "say %22cheese%22.png",
    "it's; a=b.png": "it's; a=b.png",
    "  spaces  ": "spaces",
    "...": "...",
    "": None,
    ".": None,
    "..": None,
}


@given(st.text())
def test_any_text_becomes_a_name_that_can_be_shown_and_stored(name: str) -> None:
    shown = displayable(name)

    assert 1 <= len(shown) <= MAX_LENGTH
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs"}
    assert not set(shown) & set("/\\")
    assert shown.strip() == shown
    shown.encode("utf-8")


@given(st.text())
@example("a" * (MAX_LENGTH - 1) + " b")  # the cut leaves a space at the end
@example("e\u200d\u0301")  # a joiner between a letter and its accent
def test_a_name_once_made_safe_stays_as_it_is(name: str) -> None:
    assert displayable(displayable(name)) == displayable(name)


@given(st.text(st.characters(whitelist_categories=["L", "N"]), min_size=1, max_size=100))
def test_an_ordinary_name_is_shown_as_it_is(name: str) -> None:
    composed = unicodedata.normalize("NFC", name)

    assert displayable(f"{composed}.jpg") == f"{composed}.jpg"


@pytest.mark.parametrize("name", ["", "/", "a/", "\\", "\r\n", RIGHT_TO_LEFT, "  "])
def test_a_name_of_which_nothing_is_left_gets_one(name: str) -> None:
    assert displayable(name) == FALLBACK


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(("sent", "shown"), NAMES.items(), ids=ascii)
def test_a_file_of_any_name_is_stored_under_a_name_of_ours(
    sent: str, shown: str | None, owner_client: Client, media_of_its_own: Path
) -> None:
    answer = upload(owner_client, (sent, drawn_picture()))

    if shown is None:
        assert (codes(answer), files_in(media_of_its_own.parent)) == (["no_file"], ["media"])
        return
    image = Image.objects.get()
    assert answer.json()["images"][0]["filename"] == image.filename == shown
    assert STORED.fullmatch(image.file_path)
    assert len(files_in(media_of_its_own.parent)) == 4  # media, its one folder, and the two files in it


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("name", [name for name, shown in NAMES.items() if shown], ids=ascii)
def test_a_file_of_any_name_is_shown_escaped_and_served_in_one_header(name: str, owner_client: Client) -> None:
    upload(owner_client, (name, drawn_picture()))
    image = Image.objects.get()

    page = owner_client.get(image.get_absolute_url()).content.decode()
    served = owner_client.get(f"/images/{image.pk}/file/")
    b"".join(served)

    assert "<img src=x" not in page
    assert RIGHT_TO_LEFT not in page
    assert "X-Evil" not in served.headers
    assert re.fullmatch(r"inline; filename(=\".*\"|\*=utf-8''[\w%.!~*'()-]+)", served["Content-Disposition"])
