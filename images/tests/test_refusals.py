"""Every refusal can come about, says what is wrong and what to do, and says it in both languages."""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from imageanalysis.tests.servers import ROOT
from images import refusals
from images.tests.factories import drawn_picture, photograph
from images.tests.uploads import codes, upload
from mlmodels.inference.decoding import messages
from mlmodels.models import MLModel

GOOD = ("a.jpg", drawn_picture("JPEG"))
HALF_OF_THE_DECODERS = 0


def faulty(words: bytes) -> Callable[[Client, Settings], list[str]]:
    def attempt(client: Client, settings: Settings) -> list[str]:
        settings.DECODER_MODULE = "mlmodels.tests.faulty_decoder"
        settings.DECODER_SECONDS = 1
        settings.DECODER_MEMORY_BYTES = 300 * 2**20
        return codes(upload(client, ("a.jpg", GOOD[1] + words)))

    return attempt


def of_file(content: bytes) -> Callable[[Client, Settings], list[str]]:
    return lambda client, settings: codes(upload(client, ("a.jpg", content)))


def with_setting(name: str, value: object, *, before: int = 0) -> Callable[[Client, Settings], list[str]]:
    def attempt(client: Client, settings: Settings) -> list[str]:
        for _ in range(before):
            upload(client, GOOD)
        setattr(settings, name, value)
        return codes(upload(client, GOOD))

    return attempt


def with_wish(**wish: str) -> Callable[[Client, Settings], list[str]]:
    return lambda client, settings: codes(upload(client, GOOD, **wish))


def without_models(client: Client, settings: Settings) -> list[str]:
    MLModel.objects.update(is_active=False)
    return codes(upload(client, GOOD))


def without_a_folder(client: Client, settings: Settings) -> list[str]:
    settings.MEDIA_ROOT.rmdir()
    settings.MEDIA_ROOT.write_bytes(b"a file stands where the folder should")
    refused = codes(upload(client, GOOD))
    settings.MEDIA_ROOT.unlink()
    settings.MEDIA_ROOT.mkdir()
    return refused


WAYS: dict[str, Callable[[Client, Settings], list[str]]] = {
    "empty": of_file(b""),
    "too_many_bytes": with_setting("UPLOAD_MAX_BYTES", 100),
    "not_a_picture": of_file(b"words"),
    "format_not_accepted": of_file(b"%PDF-1.7"),
    "damaged": of_file(photograph("coffee.png")[:5000]),
    "too_many_pixels": with_setting("UPLOAD_MAX_PIXELS", 100),
    "too_small": of_file(drawn_picture(size=(2, 2))),
    "no_memory": faulty(b"please hoard"),
    "too_slow": faulty(b"please spin"),
    "decoder_died": faulty(b"please crash"),
    "busy": with_setting("DECODER_PROCESSES", HALF_OF_THE_DECODERS),
    "no_decoder": with_setting("DECODER_MODULE", "mlmodels.tests.no_such_decoder"),
    "not_stored": without_a_folder,
    "no_file": lambda client, settings: codes(upload(client)),
    "too_many_files": with_setting("UPLOAD_MAX_FILES", 0),
    "request_too_large": with_setting("UPLOAD_MAX_REQUEST_BYTES", 100),
    "too_many_unfinished": with_setting("MAX_UNFINISHED_PER_USER", 1, before=1),
    "too_many_today": with_setting("MAX_UPLOADS_PER_DAY", 1, before=1),
    "too_many_pictures": with_setting("MAX_PICTURES_PER_USER", 1, before=1),
    "no_room_left": with_setting("MAX_BYTES_PER_USER", len(GOOD[1]) + 10),
    "bad_upload_id": with_wish(upload_id="7"),
    "unknown_model": with_wish(model="resnet50:0"),
    "unknown_priority": with_wish(priority="urgent"),
    "no_model": without_models,
}


@pytest.mark.parametrize("code", WAYS)
def test_every_refusal_can_come_about(code: str, owner_client: Client, model: MLModel, settings: Settings) -> None:
    if code == "busy":
        settings.DECODER_SECONDS = 0.01

    assert WAYS[code](owner_client, settings) == [code]


def test_every_code_has_its_way_here() -> None:
    assert set(WAYS) == set(refusals.CODES)


def test_every_code_that_is_raised_is_in_the_catalogue() -> None:
    raised = {code for path in (ROOT / "images").glob("*.py") for code in codes_raised(path)}

    assert raised | messages._PICTURE_CODES <= set(refusals.CODES)


def codes_raised(path: Path) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    of_refusals = [call for call in calls if getattr(call.func, "id", "") == "UploadRefusedError"]
    return {str(call.args[0].value) for call in of_refusals if isinstance(call.args[0], ast.Constant)}


@pytest.mark.parametrize("code", refusals.CODES)
def test_every_refusal_says_what_is_wrong_and_what_to_do_in_both_languages(code: str) -> None:
    with translation.override("en"):
        english = refusals.refusal(code)
    with translation.override("ja"):
        japanese = refusals.refusal(code)

    assert english.count(". Please ") == 1
    assert english.endswith(".")
    assert not japanese.isascii()
    assert japanese.endswith("。")
    assert len(japanese.split("。")) == 3
