"""Staff add models in the admin: what is taken, what is refused, and that a refusal leaves nothing behind."""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from imageanalysis.tests.full_disk import a_disk_with_room_for
from mlmodels import added_specs, adding, model_files
from mlmodels.checkpoint_form import CheckpointForm
from mlmodels.inference import architectures, catalogue
from mlmodels.models import AddedModel, MLModel
from mlmodels.tests import small_checkpoints
from mlmodels.tests.factories import ARCHITECTURE, LABELS
from mlmodels.tests.malicious_pickles import in_legacy_file, in_legacy_tar, in_script, in_zip, payloads
from mlmodels.tests.small_checkpoints import as_safetensors, as_torch

ADD, ADD_LABELS = "admin:mlmodels_mlmodel_add", "admin:mlmodels_mlmodel_add_label_list"
SAFETENSORS = as_safetensors(small_checkpoints.network())
TORCH = as_torch(small_checkpoints.network())

pytestmark = pytest.mark.usefixtures("weights_of_its_own")


def filled(content: bytes = SAFETENSORS, name: str = "mine.safetensors", **fields: Any) -> dict[str, Any]:
    """The form as a person fills it in; a field that is None is left out."""
    whole = {
        "version": "v1",
        "description": "My three things.",
        "checkpoint": SimpleUploadedFile(name, content),
        "architecture": ARCHITECTURE,
        "labels": "\n".join(LABELS),
        "password": PASSWORD,
        **fields,
    }
    return {field: value for field, value in whole.items() if value is not None}


def add(client: Client, page: str = ADD, **fields: Any) -> Any:
    return client.post(reverse(page), filled(**fields))


def files(weights_dir: Path) -> list[str]:
    return sorted(str(path.relative_to(weights_dir)) for path in weights_dir.rglob("*") if path.is_file())


def test_a_checkpoint_becomes_a_model_that_is_not_offered_before_its_exam(
    staff_client: Client, staff: User, weights_of_its_own: Path
) -> None:
    answer = add(staff_client)

    model = MLModel.objects.get(name="custom", version="v1")
    assert answer["Location"] == reverse("admin:mlmodels_mlmodel_change", args=[model.pk])
    assert (model.is_active, model.is_ready, model.exam.state) == (False, False, "waiting")
    digest = hashlib.sha256(SAFETENSORS).hexdigest()
    assert (model.added.sha256, model.added.size_bytes) == (digest, len(SAFETENSORS))
    assert (model.added.architecture, model.added.labels) == (ARCHITECTURE, list(LABELS))
    assert (model.added.added_by, model.added.uploaded_name) == (staff, "mine.safetensors")
    assert files(weights_of_its_own) == [f"added/custom/v1/{digest[:16]}.safetensors"]
    assert model not in MLModel.objects.offered()


def test_what_torch_saved_waits_for_its_conversion(staff_client: Client, weights_of_its_own: Path) -> None:
    add(staff_client, content=TORCH, name="mine.pth")

    (file,) = files(weights_of_its_own)
    assert file.startswith("added/incoming/")
    assert AddedModel.objects.get().file == file.removeprefix("added/")
    assert not AddedModel.objects.get().is_converted


def test_the_content_decides_what_a_file_is_not_its_name(staff_client: Client) -> None:
    add(staff_client, content=TORCH, name="renamed.safetensors")

    assert AddedModel.objects.get().file.endswith(".pth")


def test_each_upload_is_logged_with_who_size_and_digest(
    staff_client: Client, staff: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="mlmodels"):
        add(staff_client)

    traces = f"{len(SAFETENSORS)} bytes, SHA-256 {hashlib.sha256(SAFETENSORS).hexdigest()}"
    assert f"staff added custom:v1: 'mine.safetensors', {traces}" in caplog.text
    entry = LogEntry.objects.get()
    assert entry.user == staff
    assert traces in entry.get_change_message()


@pytest.mark.parametrize("page", [ADD, ADD_LABELS])
@pytest.mark.parametrize("password", ["", "wrong", None])
def test_without_the_password_nothing_is_added(
    page: str, password: str | None, staff_client: Client, weights_of_its_own: Path
) -> None:
    before = MLModel.objects.count()

    answer = add(staff_client, page, password=password)

    assert answer.status_code == 200
    assert MLModel.objects.count() == before
    assert files(weights_of_its_own) == []


@pytest.mark.parametrize("page", [ADD, ADD_LABELS])
def test_staff_who_may_only_change_models_can_add_none(
    page: str, client: Client, db: None, weights_of_its_own: Path
) -> None:
    clerk = UserFactory.create(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_mlmodel", "change_mlmodel"]))
    client.force_login(clerk)
    before = MLModel.objects.count()

    assert client.get(reverse(page)).status_code == 403
    assert add(client, page).status_code == 403
    assert MLModel.objects.count() == before
    assert files(weights_of_its_own) == []


def truncated(content: bytes) -> bytes:
    return content[:-1]


def with_more(content: bytes) -> bytes:
    return content + b"\0"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"these are words", "neither safetensors nor a state dict"),
        (truncated(SAFETENSORS), "damaged or cut off"),
        (with_more(SAFETENSORS), "damaged or cut off"),
        (truncated(TORCH), "damaged or cut off"),
        (b"", "empty"),
    ],
    ids=["words", "cut off", "too long", "torch cut off", "empty"],
)
def test_a_file_that_is_no_checkpoint_leaves_no_row_and_no_file(
    content: bytes, sentence: str, staff_client: Client, weights_of_its_own: Path
) -> None:
    answer = add(staff_client, content=content)

    assert sentence in answer.content.decode()
    assert not MLModel.objects.filter(name="custom").exists()
    assert files(weights_of_its_own) == []


@pytest.mark.parametrize("wrapped", [bytes, in_zip, in_legacy_file, in_legacy_tar, in_script])
def test_a_file_that_would_run_a_program_is_refused_and_never_does(
    wrapped: Callable[[bytes], bytes], staff_client: Client, weights_of_its_own: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"

    for name, payload in payloads(str(canary)).items():
        answer = add(staff_client, content=wrapped(payload), name="mine.safetensors")

        assert 'class="errorlist"' in answer.content.decode(), name
        assert not MLModel.objects.filter(name="custom").exists(), name
    assert files(weights_of_its_own) == []
    assert not canary.exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"version": "../../x"}, "Use only letters, digits"),
        ({"version": ".."}, "Use only letters, digits"),
        ({"version": "https:x"}, "Use only letters, digits"),
        ({"version": "x" * 21}, "at most 20 characters"),
        ({"architecture": "torchvision.models.resnet50"}, "not on the list"),
        ({"architecture": "os.system"}, "not on the list"),
        ({"labels": "one\none"}, "are both “one”"),
        ({"labels": ""}, "at least two"),
        ({"label_file": SimpleUploadedFile("labels.txt", b"one\ntwo")}, "not both"),
        ({"labels": "", "label_file": SimpleUploadedFile("labels.txt", b"\xff\xfe")}, "no UTF-8 text"),
        ({"crop_px": "300", "resize_px": "256"}, "crop cannot be larger"),
        ({"resize_px": "100000"}, "less than or equal to 2048"),
        ({"mean": "0.5 0.5"}, "three numbers between 0 and 1"),
        ({"mean": "nan 0 0"}, "three numbers between 0 and 1"),
        ({"std": "0 0.5 0.5"}, "cannot be 0"),
        ({"interpolation": "nearest"}, "not one of the available choices"),
        ({"description": ""}, "required"),
    ],
)
def test_what_is_filled_in_wrongly_is_said_in_a_sentence_and_leaves_nothing(
    fields: dict[str, Any], sentence: str, staff_client: Client, weights_of_its_own: Path
) -> None:
    for file in fields.values():
        if isinstance(file, SimpleUploadedFile):
            file.seek(0)

    answer = add(staff_client, **fields)

    assert sentence in answer.content.decode()
    assert not MLModel.objects.filter(name="custom").exists()
    assert files(weights_of_its_own) == []


def test_a_version_is_taken_once(staff_client: Client) -> None:
    add(staff_client)

    assert "There is such a version already" in add(staff_client).content.decode()
    assert AddedModel.objects.count() == 1


def test_of_two_who_add_a_version_at_the_same_time_one_is_told_so_and_keeps_no_file(
    staff: User, weights_of_its_own: Path
) -> None:
    first, second = (
        CheckpointForm(filled(), {"checkpoint": SimpleUploadedFile("a.safetensors", content)}, user=staff)
        for content in (SAFETENSORS, TORCH)
    )
    assert (first.is_valid(), second.is_valid()) == (True, True)

    model = adding.saved(first)

    assert model is not None
    assert adding.saved(second) is None
    assert "There is such a version already." in second.errors["version"][0]
    assert files(weights_of_its_own) == [f"added/{model.added.file}"]


def test_a_version_that_the_catalogue_has_is_taken_also_without_its_row(staff_client: Client) -> None:
    MLModel.objects.filter(name="clip").delete()

    answer = add(staff_client, ADD_LABELS, version="1.0.0")

    assert "There is such a version already" in answer.content.decode()


def test_preprocessing_that_is_left_empty_is_the_architectures(staff_client: Client) -> None:
    add(staff_client)

    added = AddedModel.objects.get()
    assert added.preprocessing is None
    assert added_specs.spec_of(added).preprocessing == architectures.find(ARCHITECTURE).preprocessing


def test_preprocessing_that_is_given_stands_beside_what_is_not(staff_client: Client) -> None:
    add(staff_client, resize_px="300", mean="0.5, 0.4 0.2")

    used = added_specs.spec_of(AddedModel.objects.get()).preprocessing
    own = architectures.find(ARCHITECTURE).preprocessing
    assert used is not None
    assert (used.resize_px, used.mean) == (300, (127.5, 102.0, 51.0))
    assert (used.crop_px, used.interpolation, used.std) == (own.crop_px, own.interpolation, own.std)


def test_an_upload_that_is_too_large_is_refused_before_it_is_read(staff_client: Client) -> None:
    page = reverse(ADD)
    # Reading more than the ten bytes that there are would fail.
    answer = staff_client.generic(
        "POST", page, b"0123456789", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=str(10 * 2**30)
    )

    assert answer.status_code == 413
    assert "The file is larger than 4.0" in answer.content.decode()


def test_a_file_above_the_limit_in_a_body_below_it_is_refused(
    staff_client: Client, settings: Settings, weights_of_its_own: Path
) -> None:
    settings.MODEL_UPLOAD_MAX_BYTES = len(SAFETENSORS) - 1

    assert "The file is larger than" in add(staff_client).content.decode()
    assert files(weights_of_its_own) == []
    settings.MODEL_UPLOAD_MAX_BYTES += 1
    assert add(staff_client).status_code == 302


def test_the_limit_stands_on_the_form(staff_client: Client, settings: Settings) -> None:
    settings.MODEL_UPLOAD_MAX_BYTES = 123 * 2**20

    assert "at most 123.0\N{NO-BREAK SPACE}MB" in staff_client.get(reverse(ADD)).content.decode()


def test_every_architecture_of_the_list_is_offered(staff_client: Client) -> None:
    page = staff_client.get(reverse(ADD)).content.decode()

    assert page.count("<option value=") == len(architectures.ARCHITECTURES) + len(("", "bilinear", "bicubic"))
    assert f'<option value="{ARCHITECTURE}" data-resize-px="256"' in page


def test_a_label_list_makes_a_version_of_clip_over_the_same_weights(staff_client: Client) -> None:
    labels = SimpleUploadedFile("labels.txt", b"a red circle\na blue square\n")

    add(staff_client, ADD_LABELS, checkpoint=None, labels=None, label_file=labels)

    added = AddedModel.objects.get()
    spec, clip = added_specs.spec_of(added), catalogue.find("clip:1.0.0")
    assert (spec.key, spec.labels) == ("clip:v1", ("a red circle", "a blue square"))
    assert (spec.weights, spec.pretrained, spec.architecture) == (clip.weights, clip.pretrained, clip.architecture)
    assert (added.model.is_active, added.model.exam.state) == (False, "waiting")


def test_what_was_added_keeps_its_name_and_version(staff_client: Client) -> None:
    add(staff_client)
    model = MLModel.objects.get(name="custom")
    changed = {"name": "resnet50", "version": "v2", "architecture": "timm/resnet18", "description": "Better words."}

    staff_client.post(reverse("admin:mlmodels_mlmodel_change", args=[model.pk]), changed)

    model.refresh_from_db()
    assert (model.key, model.description, model.added.architecture) == ("custom:v1", "Better words.", ARCHITECTURE)


def test_the_admins_own_form_for_a_bare_row_is_gone(staff_client: Client) -> None:
    staff_client.post(reverse(ADD), {"name": "resnet50", "version": "9", "description": "bare", "is_active": "on"})

    assert not MLModel.objects.filter(version="9").exists()


def test_a_script_is_sent_on_by_a_header_that_it_understands(staff_client: Client) -> None:
    answer = staff_client.post(reverse(ADD), filled(), headers={"HX-Request": "true"})

    model = MLModel.objects.get(name="custom")
    assert answer.headers["HX-Redirect"] == reverse("admin:mlmodels_mlmodel_change", args=[model.pk])


def test_a_storage_that_takes_nothing_leaves_no_row(staff_client: Client, weights_of_its_own: Path) -> None:
    (weights_of_its_own / "added").write_text("not a folder")

    answer = add(staff_client)

    assert "could not be stored" in answer.content.decode()
    assert not MLModel.objects.filter(name="custom").exists()


def test_a_disk_that_fills_while_a_checkpoint_arrives_is_said_and_keeps_nothing(
    staff_client: Client, weights_of_its_own: Path
) -> None:
    with a_disk_with_room_for(3_000_000):
        answer = add(staff_client, content=SAFETENSORS + bytes(8_000_000))

    assert answer.status_code == 413
    assert "The server&#x27;s disk has no room for this file. Make room and upload it again." in answer.content.decode()
    assert files(weights_of_its_own) == []
    assert not MLModel.objects.filter(name="custom").exists()
    assert answer.wsgi_request.environ["wsgi.input"].read() == b"", "who still sends hears no answer"


def test_uploads_that_a_killed_process_left_are_removed_by_the_next_one(
    staff_client: Client, make_old: Callable[[Path], Path]
) -> None:
    model_files.arriving_dir().mkdir()
    dead = make_old(model_files.arriving_dir() / "dead.upload")
    living = model_files.arriving_dir() / "living.upload"
    living.write_bytes(b"more comes")

    add(staff_client)

    assert not dead.exists()
    assert living.exists()
