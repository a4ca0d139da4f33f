"""The results of many pictures as one file: what is found or chosen, one's own only, written while it is sent."""

import csv
import io
import json
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from analysis.models import AnalysisResult
from images import results_export
from images.models import Image
from images.tests.rows import picture_rows
from images.tests.uploads import JSON, codes
from mlmodels.models import MLModel

EXPORT = "/images/export/"


@pytest.fixture
def pictures(owner: User, model: MLModel) -> list[Image]:
    """0.png to 4.png with the labels of two models each; 4.png without any."""
    images = picture_rows(5, model, user=owner)
    AnalysisResult.objects.filter(image=images[4]).delete()
    return images


def body(answer: Any) -> str:
    return b"".join(answer.streaming_content).decode("utf-8-sig")


def rows(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body(answer))))


def test_a_table_has_a_line_for_each_label_and_one_for_a_picture_without(
    owner_client: Client, pictures: list[Image]
) -> None:
    answer = owner_client.get(EXPORT, {"format": "csv", "sort": "oldest"})
    found = rows(answer)

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="pictures-')
    assert answer["Cache-Control"] == "private, no-store"
    assert [row["picture"] for row in found] == [str(image.pk) for image in pictures[:4] for _ in range(2)] + [
        str(pictures[4].pk)
    ]
    assert [found[0][name] for name in ("filename", "status", "model", "version", "rank", "label", "confidence")] == [
        *("0.png", "uploaded", "clip", "1.0.0", "1", "espresso", "97.00")
    ]
    assert (found[-1]["filename"], found[-1]["label"]) == ("4.png", "")


def test_a_program_gets_the_models_of_each_picture(owner_client: Client, pictures: list[Image]) -> None:
    found = json.loads(body(owner_client.get(EXPORT, {"format": "json"})))["images"]

    assert [image["id"] for image in found] == [image.pk for image in reversed(pictures)]
    assert found[0]["models"] == []
    first = found[1]["models"][0]
    assert (first["name"], first["version"]) == ("clip", "1.0.0")
    assert first["labels"] == [{"rank": 1, "label": "espresso", "label_ja": "エスプレッソ", "confidence": 97.0}]


@pytest.mark.parametrize(
    ("query", "expected"), [("q=3.p", [3]), ("status=done", []), ("q=espresso&sort=name", [0, 1, 2, 3])]
)
def test_the_filters_of_the_gallery_count(
    query: str, expected: list[int], owner_client: Client, pictures: list[Image]
) -> None:
    found = json.loads(body(owner_client.get(f"{EXPORT}?format=json&{query}")))["images"]

    assert [image["id"] for image in found] == [pictures[n].pk for n in expected]


def test_chosen_pictures_are_exported_but_nobody_elses_and_no_deleted_ones(
    owner_client: Client, other_user: User, model: MLModel, pictures: list[Image]
) -> None:
    (theirs,) = picture_rows(1, model, user=other_user)
    owner_client.post(f"/images/{pictures[1].pk}/delete/")
    chosen = [image.pk for image in (*pictures[:3], theirs)]

    found = rows(owner_client.post(EXPORT, {"format": "csv", "ids": chosen}))
    everything = rows(owner_client.get(EXPORT))

    assert {row["filename"] for row in found} == {"0.png", "2.png"}
    assert {row["filename"] for row in everything} == {"0.png", "2.png", "3.png", "4.png"}
    assert str(theirs.pk) not in {row["picture"] for row in found + everything}


@pytest.mark.parametrize("file_format", results_export.FORMATS)
def test_a_file_of_no_pictures_can_be_read(file_format: str, owner_client: Client) -> None:
    answer = owner_client.get(EXPORT, {"format": file_format})

    assert (rows(answer) if file_format == "csv" else json.loads(body(answer))["images"]) == []


def test_a_spreadsheet_runs_nothing(owner_client: Client, pictures: list[Image]) -> None:
    Image.objects.filter(pk=pictures[0].pk).update(filename="=cmd|' /C calc'!A0")
    AnalysisResult.objects.filter(image=pictures[0]).update(label="@SUM(1)")

    found = rows(owner_client.post(EXPORT, {"ids": [pictures[0].pk]}))

    assert {(row["filename"], row["label"]) for row in found} == {("'=cmd|' /C calc'!A0", "'@SUM(1)")}


@pytest.mark.parametrize(
    ("verb", "asked", "code"),
    [
        ("get", {"format": "exe"}, "unknown_format"),
        ("post", {"format": "csv"}, "nothing_chosen"),
        ("post", {"format": "csv", "ids": [str(n) for n in range(1, 500)]}, "too_many_chosen"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    verb: str, asked: dict[str, Any], code: str, owner_client: Client
) -> None:
    answer = getattr(owner_client, verb)(EXPORT, asked, headers=JSON)

    assert (answer.status_code, codes(answer)) == (400, [code])


@pytest.mark.parametrize("query", ["", "q=espresso&sort=name"])
def test_it_is_read_a_part_at_a_time_while_it_is_sent(
    query: str, owner_client: Client, owner: User, model: MLModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results_export, "AT_ONCE", 10)
    picture_rows(35, model, user=owner)

    with CaptureQueriesContext(connection) as queries:
        answer: Any = owner_client.get(f"{EXPORT}?format=csv&{query}")
        counts = [len(queries) for _piece in answer.streaming_content]

    assert len(counts) == 5
    assert [after - before for before, after in pairwise(counts)] == [2, 2, 2, 2]


def test_the_gallery_offers_what_its_filters_find(owner_client: Client, pictures: list[Image]) -> None:
    page = owner_client.get("/?q=png&sort=name").content.decode()

    assert 'href="/images/export/?q=png&amp;sort=name&amp;format=csv"' in page
    assert 'href="/images/export/?q=png&amp;sort=name&amp;format=json"' in page
