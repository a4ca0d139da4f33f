"""What the pages carry: polling only while something can change, words in the person's language, nothing inline."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from accounts.models import User
from analysis import lifecycle, wording
from analysis.failures import BY_CODE, WORKER_LOST
from analysis.models import AnalysisQueue
from analysis.states import Priority, Stage
from analysis.tests.queue import claim
from images.models import Image
from images.templatetags import pictures
from images.tests.factories import queued_image
from mlmodels.inference.classifier import Prediction
from mlmodels.models import MLModel

VENDOR = settings.BASE_DIR / "static" / "vendor"
JAPANESE = {"accept-language": "ja"}
FRAGMENT = {"hx-request": "true"}
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|hx-on|javascript:", re.IGNORECASE)


@pytest.fixture(autouse=True)
def language_of_its_own() -> Iterator[None]:
    """A request leaves its language active in this thread."""
    with translation.override("en"):
        yield


@pytest.fixture
def image(owner: User, model: MLModel) -> Image:
    return queued_image(user=owner, model=model, name="coffee.png")


def complete() -> None:
    lifecycle.complete({claim(): [Prediction("espresso", 93.256), Prediction("cup", 3.1)]})


def page(client: Client, address: str = "/", **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def detail(client: Client, image: Image, **headers: str) -> str:
    return page(client, image.get_absolute_url(), **headers)


def test_a_gallery_that_waits_polls_for_its_unfinished_pictures(owner_client: Client, image: Image) -> None:
    shown = page(owner_client)

    assert f'hx-vals=\'{{"ids": "{image.pk}"}}\'' in shown
    assert 'hx-trigger="load delay:700ms, refresh"' in shown
    assert f'data-unfinished="{image.pk}"' in shown


def test_a_gallery_with_nothing_unfinished_does_not_poll(owner_client: Client, image: Image) -> None:
    complete()
    shown = page(owner_client)

    assert 'hx-trigger="refresh"' in shown
    assert f'data-unfinished="{image.pk}"' not in shown
    assert ("espresso" in shown, "93.3%" in shown) == (True, True)


def test_the_live_answer_carries_states_for_cards_that_stand_on_the_page(owner_client: Client, image: Image) -> None:
    complete()
    shown = page(owner_client, f"/images/live/?ids={image.pk}")

    assert f'id="picture-state-{image.pk}" hx-swap-oob="true"' in shown
    assert "<img" not in shown
    assert "load delay" not in shown


def test_a_waiting_picture_polls_and_refreshes_itself_without_scripts(owner_client: Client, image: Image) -> None:
    shown = detail(owner_client, image)

    assert f'hx-get="/images/{image.pk}/timeline/" hx-trigger="load delay:' in shown
    assert '<noscript><meta http-equiv="refresh"' in shown
    assert "You are next." in shown
    assert f"/images/{image.pk}/cancel/" in shown
    assert f"/images/{image.pk}/analyze/" not in shown


def test_a_picture_says_how_many_are_ahead(owner_client: Client, owner: User, image: Image) -> None:
    later = queued_image(user=owner)

    assert "1 picture is ahead of you: 1 from you." in detail(owner_client, later)


def test_a_running_picture_shows_its_percentage_and_that_it_is_estimating(owner_client: Client, image: Image) -> None:
    percentage, description = wording.STAGES[Stage.MODEL_EXECUTION]
    lifecycle.advance([claim()], Stage.MODEL_EXECUTION, percentage=percentage, description=description)
    shown = detail(owner_client, image)

    assert f'aria-valuenow="{percentage}"' in shown
    assert "Estimating the time left" in shown
    assert shown.count('aria-current="step"') == 1


def test_an_interrupted_run_is_told_honestly(owner_client: Client, image: Image, model: MLModel) -> None:
    lifecycle.retry([claim()], WORKER_LOST)
    AnalysisQueue.objects.update(queued_at=Now())
    lifecycle.complete({claim(): [Prediction("espresso", 93.2)]})

    page = detail(owner_client, image)
    (told,) = re.findall(r'step-retry">(.*?)</p>', page, re.DOTALL)
    assert re.sub(r"<[^>]+>|\s+", "", told).startswith("Attempt1(")
    assert "): The worker stopped unexpectedly" in told

    lifecycle.resubmit(image_id=image.pk, model=model, priority=Priority.NORMAL)
    assert "step-retry" not in detail(owner_client, image)


def test_a_finished_picture_shows_ranked_labels_and_polls_no_more(owner_client: Client, image: Image) -> None:
    complete()
    shown = detail(owner_client, image)

    assert re.findall(r'class="result-label">([^<]+)', shown) == ["espresso", "cup"]
    assert re.findall(r'<rect width="([^"]+)"', shown) == ["93.3%", "3.1%"]
    assert "EfficientNet 1.0.0" in shown
    assert ("data-poll" in shown, "http-equiv" in shown) == (False, False)
    assert f"/images/{image.pk}/analyze/" in shown
    assert f"/images/{image.pk}/cancel/" not in shown


@pytest.mark.parametrize(
    ("language", "title", "sentence"),
    [("en", "The analysis failed", "The picture is too small"), ("ja", "解析に失敗しました", "画像が小さすぎて")],
)
def test_a_failed_picture_says_why_in_the_readers_language(
    owner_client: Client, image: Image, language: str, title: str, sentence: str
) -> None:
    lifecycle.fail([claim()], BY_CODE["too_small"])
    shown = detail(owner_client, image, **{"accept-language": language})

    assert title in shown
    assert sentence in shown
    assert f"/images/{image.pk}/retry/" in shown


def test_a_cancelled_picture_can_be_tried_again(owner_client: Client, image: Image) -> None:
    lifecycle.cancel(image_id=image.pk)
    shown = detail(owner_client, image)

    assert "chip-cancelled" in shown
    assert f"/images/{image.pk}/retry/" in shown
    assert "chip-cancelled" in page(owner_client)


def test_only_a_polled_fragment_speaks_to_screen_readers(owner_client: Client, image: Image) -> None:
    address = f"/images/{image.pk}/timeline/"

    assert 'id="story-status" hx-swap-oob="innerHTML">Waiting' in page(owner_client, address, **FRAGMENT)
    assert "hx-swap-oob" not in page(owner_client, address)
    assert "hx-swap-oob" not in detail(owner_client, image)


def test_the_upload_form_says_its_limits_and_works_without_scripts(owner_client: Client, model: MLModel) -> None:
    shown = page(owner_client, "/images/upload/")

    assert 'enctype="multipart/form-data"' in shown
    assert re.search(r'<input[^>]+type="file" name="files"[^>]+multiple', shown)
    assert f'type="radio" name="model" id="model-{model.pk}" value="{model.key}"' in shown
    assert "JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF · up to 100.0" in shown.replace("\xa0", " ")


def test_the_language_switch_answers_with_the_same_page_in_the_other_language(client: Client) -> None:
    answer = client.post("/language/", {"language": "ja", "next": "/accounts/login/"}, follow=True)

    assert ('<html lang="ja">' in answer.content.decode(), "ログイン" in answer.content.decode()) == (True, True)


@pytest.mark.parametrize(
    "address", ["/", "/images/upload/", "/images/{pk}/", "/images/{pk}/timeline/", "/images/live/?ids={pk}"]
)
def test_pages_of_pictures_carry_nothing_inline(owner_client: Client, image: Image, address: str) -> None:
    assert INLINE.search(page(owner_client, address.format(pk=image.pk))) is None


@pytest.mark.parametrize("address", ["/accounts/login/", "/accounts/register/"])
def test_pages_at_the_door_carry_nothing_inline(client: Client, db: None, address: str) -> None:
    assert INLINE.search(page(client, address)) is None


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "500"])
def test_error_pages_need_no_context(code: str) -> None:
    with translation.override("ja"):
        shown = render_to_string(f"{code}.html")

    assert code[:3] in shown
    assert "画像一覧へ" in shown


def test_a_missing_page_is_answered_in_the_readers_language(owner_client: Client) -> None:
    answer = owner_client.get("/nothing/here/", headers=JAPANESE)

    assert answer.status_code == 404
    assert "ページが見つかりません" in answer.content.decode()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.024, "24 ms"), (1.44, "1.4 s"), (59, "59 seconds"), (125, "2 min 5 s"), (-1, "0 ms")]
)
def test_spans_of_time_read_well(seconds: float, words: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    assert pictures.took(start, start + timedelta(seconds=seconds)) == words
    assert pictures.took(start, None) == ""


@pytest.mark.parametrize(("extension", "shown"), [("jpg", True), ("avif", True), ("tif", False), ("heic", False)])
def test_browsers_are_only_given_what_they_can_draw(extension: str, shown: bool) -> None:
    assert pictures.browser_can_show(Image(file_path=f"a/original.{extension}")) is shown


def test_a_model_whose_name_is_unknown_keeps_its_key() -> None:
    assert [pictures.model_title(key) for key in ("resnet50:2.0.0", "gone:1")] == ["ResNet-50 2.0.0", "gone 1"]


def named_icons() -> set[str]:
    sources = [path.read_text() for path in (settings.BASE_DIR / "templates").rglob("*.html")]
    named = set(re.findall(r'{% icon "([a-z0-9-]+)"', "".join(sources))) | set(pictures.STATUS_ICONS.values())
    steps = (wording.received(), wording.waiting(), wording.waiting_again(""), wording.completed())
    ends = [end for h in (True, False) for end in (wording.cancelled(has_results=h), wording.failed("", has_results=h))]
    more = (wording.running(Stage.PREPROCESSING, "", 0), *ends)
    return named | {value for step in (*steps, *more) for key, value in step.items() if key.endswith("_icon")}


def test_the_sprite_holds_the_icons_that_are_named_and_no_others() -> None:
    sprite = (VENDOR / "bootstrap-icons" / "sprite.svg").read_text()

    assert set(re.findall(r'<symbol id="([a-z0-9-]+)"', sprite)) == named_icons() | {"circle"}


def test_vendored_files_are_the_listed_ones() -> None:
    listed = dict(re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", (VENDOR / "README.md").read_text(), re.MULTILINE))
    found = [path for path in VENDOR.rglob("*") if path.is_file() and path.name not in ("LICENSE", "README.md")]

    assert {str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found} == listed


def test_no_static_file_names_a_source_map() -> None:
    scripts = [path for path in (settings.BASE_DIR / "static").rglob("*") if path.suffix in (".js", ".css")]

    assert [path.name for path in scripts if "sourceMappingURL" in path.read_text()] == []
