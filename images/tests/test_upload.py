"""Taking pictures in: what is answered, stored and queued."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image as Pillow
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from analysis import doorbell
from analysis.models import AnalysisQueue, TimelineLog
from images.models import Image
from images.refusals import refusal
from images.tests.factories import drawn_picture, photograph, queued_image
from images.tests.uploads import UPLOAD, codes, files_in, upload
from mlmodels.models import MLModel

pytestmark = pytest.mark.usefixtures("model")
GOOD = drawn_picture()
STORED = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/original\.(jpg|png|webp|gif|bmp|tif|heic|avif)")


def test_a_program_is_told_what_was_taken(owner_client: Client) -> None:
    answer = upload(owner_client, ("coffee.png", photograph("coffee.png")))

    image = Image.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "images": [{"id": image.pk, "filename": "coffee.png", "status": "uploaded", "url": f"/images/{image.pk}/"}],
        "errors": [],
    }


def test_a_picture_comes_with_its_queue_entry_and_its_timeline(owner_client: Client, owner: User) -> None:
    upload(owner_client, ("coffee.png", photograph("coffee.png")))

    image, entry, timeline = Image.objects.get(), AnalysisQueue.objects.get(), TimelineLog.objects.get()
    assert (image.user, image.status, image.model_used) == (
        owner,
        "uploaded",
        MLModel.objects.by_key("efficientnet:1.0.0"),
    )
    assert (entry.image, entry.user, entry.status, entry.priority) == (image, owner, "waiting", "normal")
    assert (entry.model_name, entry.retry_count, entry.started_at) == ("efficientnet:1.0.0", 0, None)
    assert (timeline.image, timeline.model_used) == (image, "efficientnet:1.0.0")
    assert (timeline.upload_step_status, timeline.analysis_step_status) == ("done", "pending")
    assert timeline.upload_completed_at == entry.queued_at


def test_the_bytes_are_kept_as_they_came_beside_a_small_thumbnail(owner_client: Client, media_of_its_own: Path) -> None:
    upload(owner_client, ("coffee.png", photograph("coffee.png")))

    image = Image.objects.get()
    folder = image.file_path.partition("/")[0]
    assert files_in(media_of_its_own) == [folder, f"{folder}/original.png", f"{folder}/thumbnail.jpg"]
    assert (media_of_its_own / image.file_path).read_bytes() == photograph("coffee.png")
    with Pillow.open(media_of_its_own / str(image.thumbnail_path)) as thumbnail:
        assert thumbnail.format == "JPEG"
        assert max(thumbnail.size) <= 640
    assert (media_of_its_own / str(image.thumbnail_path)).stat().st_size < 100_000


def test_a_thumbnail_stands_upright_and_tells_nothing_about_the_camera(
    owner_client: Client, media_of_its_own: Path
) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "Maker of the camera"
    exif.get_ifd(0x8825)[1] = "N"
    file = io.BytesIO()
    Pillow.new("RGB", (64, 32), "teal").save(file, "JPEG", exif=exif, comment=b"a comment")

    upload(owner_client, ("turned.jpg", file.getvalue()))

    content = (media_of_its_own / str(Image.objects.get().thumbnail_path)).read_bytes()
    with Pillow.open(io.BytesIO(content)) as thumbnail:
        assert thumbnail.size == (32, 64)
        assert not thumbnail.getexif()
    assert b"Maker" not in content
    assert b"comment" not in content


@pytest.mark.parametrize(
    ("format_name", "extension"),
    [
        ("JPEG", "jpg"),
        ("PNG", "png"),
        ("WEBP", "webp"),
        ("GIF", "gif"),
        ("BMP", "bmp"),
        ("TIFF", "tif"),
        ("AVIF", "avif"),
    ],
)
@pytest.mark.parametrize("claimed", ["picture.jpg", "picture.svg", "picture.html", "picture.jpg.php", "picture"])
def test_the_stored_name_is_generated_and_ends_as_the_content_says(
    claimed: str, format_name: str, extension: str, owner_client: Client
) -> None:
    upload(owner_client, (claimed, drawn_picture(format_name)))

    image = Image.objects.get()
    assert STORED.fullmatch(image.file_path)
    assert image.file_path.endswith(f".{extension}")
    assert image.filename == claimed


def test_the_same_file_twice_is_two_pictures(owner_client: Client) -> None:
    upload(owner_client, ("a.png", GOOD), ("a.png", GOOD))

    first, second = Image.objects.order_by("pk")
    assert first.file_path != second.file_path


def test_a_bad_file_does_not_stop_the_nine_good_ones(owner_client: Client, media_of_its_own: Path) -> None:
    files = [(f"{n}.png", GOOD) for n in range(9)]
    files.insert(4, ("broken.png", photograph("coffee.png")[:5000]))

    answer = upload(owner_client, *files)

    assert answer.status_code == 201
    assert [image["filename"] for image in answer.json()["images"]] == [f"{n}.png" for n in range(9)]
    assert answer.json()["errors"] == [{"filename": "broken.png", "code": "damaged", "message": refusal("damaged")}]
    assert Image.objects.count() == AnalysisQueue.objects.count() == TimelineLog.objects.count() == 9
    assert len(files_in(media_of_its_own)) == 9 * 3


def test_pictures_of_one_upload_wait_in_the_order_in_which_they_came(owner_client: Client) -> None:
    upload(owner_client, *[(f"{n}.png", GOOD) for n in range(5)])

    in_line = AnalysisQueue.objects.order_by("position", "id").values_list("image__filename", flat=True)
    assert list(in_line) == [f"{n}.png" for n in range(5)]


def test_without_javascript_one_picture_leads_to_its_page_and_many_to_all(owner_client: Client) -> None:
    one = upload(owner_client, ("one.png", GOOD), as_json=False)
    assert (one.status_code, one["Location"]) == (302, Image.objects.get().get_absolute_url())

    many = upload(owner_client, ("two.png", GOOD), ("three.png", GOOD), as_json=False)
    assert (many.status_code, many["Location"]) == (302, "/")


def test_without_javascript_a_refusal_is_said_on_the_next_page(owner_client: Client) -> None:
    answer = upload(owner_client, ("notes & <b>.png", b"not a picture"), as_json=False)

    assert (answer.status_code, answer["Location"]) == (302, UPLOAD)
    page = owner_client.get(UPLOAD).content.decode()
    assert "notes &amp; &lt;b&gt;.png: This is not a picture that we can read." in page


def test_a_browser_that_takes_anything_gets_a_page(owner_client: Client) -> None:
    accepts = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert owner_client.get(UPLOAD, headers={"accept": accepts})["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("wish", [{}, {"model": ""}, {"model": "efficientnet:1.0.0"}])
def test_the_wished_model_is_used_or_the_default(wish: dict[str, Any], owner_client: Client) -> None:
    upload(owner_client, ("a.png", GOOD), **wish)

    assert AnalysisQueue.objects.get().model_name == "efficientnet:1.0.0"


@pytest.mark.parametrize("priority", ["low", "normal", "high"])
def test_everybody_may_choose_low_normal_or_high(priority: str, owner_client: Client) -> None:
    upload(owner_client, ("a.png", GOOD), priority=priority)

    assert AnalysisQueue.objects.get().priority == priority


def test_urgent_is_for_staff(owner_client: Client, staff: User) -> None:
    refused = upload(owner_client, ("a.png", GOOD), priority="urgent")
    assert (refused.status_code, codes(refused)) == (400, ["unknown_priority"])

    client = Client()
    client.force_login(staff)
    assert upload(client, ("a.png", GOOD), priority="urgent").status_code == 201
    assert AnalysisQueue.objects.get().priority == "urgent"


def test_an_upload_succeeds_although_no_broker_listens(
    owner_client: Client,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert not settings.BROKER_SOCKET.exists()

    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        answer = upload(owner_client, ("a.png", GOOD))

    assert len(callbacks) == 1
    assert answer.status_code == 201
    assert "doorbell not rung" in caplog.text
    assert AnalysisQueue.objects.waiting().count() == 1


def test_a_doorbell_that_breaks_after_the_commit_keeps_the_picture(
    owner: User, model: MLModel, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ValueError("a broker address that cannot be understood")

    monkeypatch.setattr(doorbell, "ring", broken)

    image = queued_image(user=owner, model=model)

    assert image.status == "uploaded"
    assert default_storage.exists(image.file_path)
    assert default_storage.exists(image.thumbnail_path)
