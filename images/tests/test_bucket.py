"""Pictures in a bucket: links that open one file for its owner, for seconds; against a server that speaks S3."""

import gc
import io
import os
import socket
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zipfile import ZipFile

import boto3
import httpx
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from accounts.findings import Level
from accounts.models import User
from accounts.tests.clients import client_of
from analysis import failures, lifecycle, runner
from analysis.models import AnalysisQueue
from analysis.tests.faulty_networks import Cramped, engine_of
from imageanalysis import examinations, health
from imageanalysis.bucket_storage import BucketStorage
from imageanalysis.object_storage import IN_MEMORY_BYTES, Bucket
from images import my_data, orphans, thumbnails
from images.models import FileInDoubt
from images.my_data_archive import name_in_archive
from images.stored_files import delete_files
from images.tests.factories import drawn_picture, queued_image
from images.tests.uploads import codes, upload
from mlmodels import examinations as model_examinations
from mlmodels import model_files
from mlmodels.inference.preparation import Preparation
from mlmodels.models import MLModel
from mlmodels.tests.factories import added_model

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "word", "AWS_DEFAULT_REGION": "us-east-1"}
TTL_SECONDS = 60


@pytest.fixture
def server() -> Iterator[ThreadedMotoServer]:
    """A server that speaks S3."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bucket(server: ThreadedMotoServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A private bucket as the default storage; its server's address."""
    for name, value in KEYS.items():
        monkeypatch.setitem(os.environ, name, value)
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client("s3", endpoint_url=address)
    client.create_bucket(Bucket="pictures")
    client.close()
    settings.STORAGES = {**settings.STORAGES, "default": Bucket("pictures", address, "us-east-1").storage}
    settings.IS_IN_BUCKET, settings.MEDIA_PRESIGNED_SECONDS = True, TTL_SECONDS
    yield address
    with warnings.catch_warnings():  # moto never closes the buffers of its objects: they go here, not in a later test
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_owner_is_sent_to_the_bucket_for_seconds_and_to_one_file_only(
    bucket: str, owner: User, owner_client: Client, other_user: User, settings: Settings
) -> None:
    content = drawn_picture()
    image = queued_image(user=owner, content=content, name='say "cheese" é.png')

    answer = owner_client.get(f"/images/{image.pk}/file/")

    link = answer["Location"]
    said = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    assert (answer.status_code, answer["Cache-Control"]) == (302, "private, no-store")
    assert urlsplit(link).path == f"/pictures/{image.file_path}"
    assert int(said["X-Amz-Expires"]) == TTL_SECONDS
    assert (said["response-content-type"], said["response-cache-control"]) == ("image/png", "private, no-store")
    sent = httpx.get(link)
    assert (sent.content, sent.headers["Content-Type"]) == (content, "image/png")
    for stranger in (Client(), client_of(other_user)):
        assert "X-Amz-Signature" not in stranger.get(f"/images/{image.pk}/file/").headers.get("Location", "")
    assert owner_client.head(f"/images/{image.pk}/file/").status_code == 200


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_application_sends_the_bytes_of_a_bucket_where_links_are_off(
    bucket: str, owner: User, owner_client: Client, settings: Settings
) -> None:
    settings.MEDIA_PRESIGNED_SECONDS = 0
    content = drawn_picture()
    image = queued_image(user=owner, content=content)

    answer = owner_client.get(f"/images/{image.pk}/file/", headers={"range": "bytes=2-5"})

    assert (answer.status_code, b"".join(answer)) == (206, content[2:6])
    image.delete()
    assert owner_client.get(f"/images/{image.pk}/file/").status_code == 404


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_byte_leaves_the_bucket_that_nobody_asked_for(
    bucket: str, owner: User, owner_client: Client, settings: Settings
) -> None:
    settings.MEDIA_PRESIGNED_SECONDS = 0
    content = drawn_picture()
    image = queued_image(user=owner, content=content)
    asked: list[tuple[str, str | None]] = []

    def note(request: AWSPreparedRequest, **_kwargs: object) -> None:
        asked.append((request.method, request.headers.get("Range")))

    def asked_by(method: str, headers: dict[str, str], status: int) -> tuple[bytes, list[tuple[str, str | None]]]:
        asked.clear()
        answer = owner_client.generic(method, f"/images/{image.pk}/file/", headers=headers)
        assert answer.status_code == status
        assert answer["Content-Type"] == "image/png"
        got = b"".join(answer)
        assert int(answer["Content-Length"]) == (len(content) if method == "HEAD" else len(got))
        return got, list(asked)

    default_storage.connection.meta.client.meta.events.register("before-send.s3", note)  # type: ignore[attr-defined]

    assert asked_by("HEAD", {}, 200) == (b"", [("HEAD", None)])
    assert asked_by("HEAD", {"range": "bytes=2-5"}, 200) == (b"", [("HEAD", None)])
    assert asked_by("GET", {"range": "bytes=2-5"}, 206) == (content[2:6], [("HEAD", None), ("GET", b"bytes=2-5")])
    whole, sent = asked_by("GET", {}, 200)
    assert (whole, sent[-1]) == (content, ("GET", None))
    asked.clear()
    assert owner_client.get(f"/images/{image.pk}/file/", headers={"range": "bytes=9999999-"}).status_code == 416
    assert asked == [("HEAD", None)]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("missed_by", ["GET", "HEAD"])
def test_a_lost_thumbnail_is_made_anew_once_it_is_missed_and_no_page_asks_the_bucket(
    bucket: str, owner: User, owner_client: Client, settings: Settings, asked: Callable[[], int], missed_by: str
) -> None:
    """Where browsers are sent to the bucket, the page's script tells by a HEAD that they found nothing there."""
    settings.MEDIA_PRESIGNED_SECONDS = TTL_SECONDS if missed_by == "HEAD" else 0
    image = queued_image(user=owner)
    address, name = f"/images/{image.pk}/thumbnail/", str(image.thumbnail_path)
    with default_storage.open(name) as file:
        before = file.read()
    default_storage.delete(name)
    requests: list[str] = []
    default_storage.connection.meta.client.meta.events.register(  # type: ignore[attr-defined]
        "before-send.s3", lambda request, **_kwargs: requests.append(request.url)
    )

    assert address in owner_client.get("/").content.decode()
    assert (requests, asked()) == ([], 0)
    for _look in range(2):
        assert owner_client.generic(missed_by, address).status_code == 404
    assert asked() == 1
    thumbnails.make(image.pk)

    with default_storage.open(name) as file:
        assert file.read() == before
    assert owner_client.generic(missed_by, address).status_code == 200
    assert not FileInDoubt.objects.exists()


@pytest.mark.parametrize(
    "url", ["s3://", "https://bucket", "s3://key:word@bucket", "s3://bucket?acl=public-read", "bucket"]
)
def test_an_address_that_names_no_private_bucket_is_refused(url: str) -> None:
    with pytest.raises(Exception, match="STORAGE_URL must look like"):
        Bucket.of_url(url)


def test_an_address_says_where_the_bucket_is() -> None:
    ours = Bucket.of_url("s3://pictures?endpoint=https://minio.example:9000&region=eu-central-1")

    assert ours == Bucket("pictures", "https://minio.example:9000", "eu-central-1")
    assert ours.origins == ["https://minio.example:9000"]
    assert Bucket.of_url("s3://pictures").origins == ["https://pictures.s3.amazonaws.com"]
    assert ours.storage["OPTIONS"]["default_acl"] is None


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_export_goes_into_the_bucket_while_it_is_made_and_out_of_it_with_its_person(
    bucket: str, transactional_db: None, owner: User, owner_client: Client
) -> None:
    content = drawn_picture("BMP", size=(1500, 1500))
    image, gone = queued_image(user=owner, content=content), queued_image(user=owner)
    default_storage.delete(gone.file_path)
    my_data.request(owner)
    my_data.make_next(task_id="task")

    answer = owner_client.get(reverse("images:my_data_file"))

    sent = httpx.get(answer["Location"])
    with ZipFile(io.BytesIO(sent.content)) as archive:
        assert archive.read(name_in_archive(image)) == content
        assert name_in_archive(gone) not in archive.namelist()
    assert sent.headers["Content-Disposition"].startswith("attachment; ")
    owner.delete()
    assert not httpx.get(answer["Location"]).is_success
    assert not FileInDoubt.objects.exists()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_checkpoints_lie_apart_from_pictures_and_are_no_orphans(
    bucket: str, settings: Settings, owner: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.STORAGES = {**settings.STORAGES, "models": Bucket("pictures", bucket, "us-east-1").models}
    monkeypatch.setattr(orphans, "UNTOUCHED_FOR", timedelta(seconds=-60))
    image = queued_image(user=owner)
    left = default_storage.save("left/original.jpg", ContentFile(b"bytes"))

    name = model_files.save_upload(ContentFile(b"weights"), version="mine", sha256="0" * 64, is_safetensors=True)

    found = orphans.look()
    assert (left in found.files, image.file_path in found.files, found.missing) == (True, False, [])
    assert not any("weights" in file or "mine" in file for file in found.files)
    for machine in ("one", "another"):
        settings.WEIGHTS_DIR = tmp_path / machine
        assert model_files.bring_local_copy(name, local="mine.safetensors", sha256="0" * 64).read_bytes() == b"weights"


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_bucket_that_is_away_is_like_a_disk_that_is_full(
    bucket: str, server: ThreadedMotoServer, owner: User, owner_client: Client, model: MLModel, settings: Settings
) -> None:
    image = queued_image(user=owner)
    server.stop()

    answer = upload(owner_client, ("a.png", drawn_picture()))

    assert (answer.status_code, codes(answer)) == (400, ["not_stored"])
    noted = set(FileInDoubt.objects.values_list("path", flat=True))
    assert len(noted) == 2, "what may have come about of the upload is looked for later"
    with pytest.raises(OSError, match="bucket") as caught:
        default_storage.open(image.file_path)
    assert failures.classify(caught.value) is failures.STORAGE_AWAY_FOR_ALL
    settings.MEDIA_PRESIGNED_SECONDS, owner_client.raise_request_exception = 0, False
    shown = owner_client.get(f"/images/{image.pk}/file/")
    assert (shown.status_code, shown["Retry-After"]) == (503, "5")
    with pytest.raises(CommandError, match="storage could not be read"):
        call_command("prune")
    (found,) = examinations.storage()
    assert (found.level, "this machine's clock" in found.repair) == (Level.WRONG, True)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_pictures_outlast_a_bucket_that_was_deleted_and_no_file_of_it_is_called_missing(
    bucket: str, owner: User, owner_client: Client, model: MLModel, settings: Settings
) -> None:
    images = [queued_image(user=owner, model=model) for _ in range(2)]
    default_storage.bucket.objects.delete()  # type: ignore[attr-defined]
    default_storage.bucket.delete()  # type: ignore[attr-defined]

    with Preparation(max_pixels=settings.UPLOAD_MAX_PIXELS, threads=1) as preparation:
        runner.run(lifecycle.claim_batch(limit=2), engine_of(Cramped(room_for=9)), preparation)

    assert set(AnalysisQueue.objects.values_list("status", "retry_count")) == {("waiting", 0)}
    settings.MEDIA_PRESIGNED_SECONDS, owner_client.raise_request_exception = 0, False
    assert owner_client.get(f"/images/{images[0].pk}/file/").status_code == 503
    assert codes(upload(owner_client, ("a.png", drawn_picture()))) == ["not_stored"]
    assert delete_files([images[1].file_path]) == {images[1].file_path}, "it is not taken for removed"
    (found,) = examinations.storage()
    assert (found.level, "pictures" in found.sentence, "right name" in found.repair) == (Level.WRONG, True, True)

    default_storage.connection.create_bucket(Bucket="pictures")  # type: ignore[attr-defined]
    assert [finding.level for finding in examinations.storage()] == [Level.OK]
    assert owner_client.get(f"/images/{images[0].pk}/file/").status_code == 404


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_monitors_are_told_of_the_storage_and_not_of_the_weights_while_the_bucket_is_away(
    bucket: str, server: ThreadedMotoServer, transactional_db: None, settings: Settings
) -> None:
    settings.STORAGES = {**settings.STORAGES, "models": Bucket("pictures", bucket, "us-east-1").models}
    added = added_model()
    server.stop()

    levels = health.Verdict().levels()

    assert (levels["storage"], levels["weights"]) == (Level.WRONG, Level.WARNING)
    told = {found.sentence: found for found in model_examinations.weights() if str(added) in found.sentence}
    assert all("could not be looked at" in sentence for sentence in told)
    assert told


def test_a_bucket_that_hangs_holds_up_one_thread_and_no_other(bucket: str, server: ThreadedMotoServer) -> None:
    """A web process has eight: they would be all that people have."""
    _host, port = server.get_host_and_port()
    server.stop()
    at = Bucket("pictures", f"http://127.0.0.1:{port}", "us-east-1")
    storage, checkpoints = BucketStorage(**at.storage["OPTIONS"]), BucketStorage(**at.models["OPTIONS"])
    storage.client_config = storage.client_config.merge(Config(retries={"total_max_attempts": 1}))
    with pytest.raises(failures.StorageAwayError, match="connect"):
        storage.exists("a.png")
    with socket.create_server(("127.0.0.1", port)) as never_answers, ThreadPoolExecutor(1) as other:
        held_up = other.submit(storage.exists, "a.png")
        accepted, _address = never_answers.accept()

        for other_storage in (storage, checkpoints):
            with pytest.raises(failures.StorageAwayError, match="does not answer"):
                other_storage.exists("a.png")

        assert not held_up.done()
        accepted.close()
        assert isinstance(held_up.exception(), failures.StorageAwayError)
    back = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    back.start()
    assert storage.exists("a.png") is False
    back.stop()
    assert not storage.absence.is_noticed


def test_a_large_file_of_a_bucket_is_read_from_a_disk(bucket: str) -> None:
    name = default_storage.save("large", ContentFile(bytes(IN_MEMORY_BYTES + 1)))

    with default_storage.open(name) as file:
        assert file.file.name is not None, "it has a descriptor"
