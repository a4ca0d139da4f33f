"""Checkpoints of staff: on the storage, copied to machines, gone with their model."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import User
from mlmodels import added_specs, model_files, registry
from mlmodels.inference.errors import UnknownModelError, WeightsMissingError
from mlmodels.inference.weights import checked, checksum_path
from mlmodels.models import AddedModel, MLModel
from mlmodels.tests.factories import added_model

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("weights_of_its_own")]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_finding_a_model_brings_its_weights_to_this_machine(weights_of_its_own: Path) -> None:
    model = added_model(content=b"mine")

    spec = registry.find(model.key)

    path = spec.weights.locate(weights_of_its_own)
    assert path is not None
    assert path.name == model.added.local_name == f"custom-1.0.0-{model.added.sha256[:16]}.safetensors"
    assert (path.read_bytes(), checked(spec.weights, path).sha256) == (b"mine", model.added.sha256)


def test_a_second_look_brings_nothing(weights_of_its_own: Path) -> None:
    model = added_model()
    registry.find(model.key)
    model_files.delete_stored(model.added.file)

    assert registry.find(model.key).weights.locate(weights_of_its_own)


def test_a_storage_that_is_not_on_this_disk_is_copied_from(weights_of_its_own: Path, settings: Settings) -> None:
    in_memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = {**settings.STORAGES, "models": in_memory}
    model = added_model(content=b"mine")

    path = registry.find(model.key).weights.locate(weights_of_its_own)

    assert path is not None
    assert path.read_bytes() == b"mine"
    assert files(weights_of_its_own) == sorted([path.name, checksum_path(path).name])


def test_a_model_whose_file_the_storage_lost_says_that_its_weights_are_missing() -> None:
    model = added_model()
    model_files.delete_stored(model.added.file)

    with pytest.raises(WeightsMissingError):
        registry.find(model.key)


def test_what_no_exam_has_converted_is_not_brought(weights_of_its_own: Path) -> None:
    model = added_model(passed=False)
    AddedModel.objects.update(file="incoming/a.pth")

    with pytest.raises(WeightsMissingError):
        registry.find(model.key)
    assert not list(weights_of_its_own.glob("custom-*"))


@pytest.mark.parametrize(
    "key",
    ["custom:../../etc/passwd", "custom:https://example.org/x", "s3://169.254.169.254/latest", "/etc/passwd", "", ":"],
)
def test_a_name_that_looks_like_a_path_or_an_address_is_just_unknown(key: str) -> None:
    with pytest.raises(UnknownModelError):
        registry.find(key)


def in_the_admin(model: MLModel, client: Client) -> None:
    client.post(reverse("admin:mlmodels_mlmodel_delete", args=[model.pk]), {"post": "yes"})


def in_the_admins_list(model: MLModel, client: Client) -> None:
    selected = {"action": "delete_selected", "_selected_action": [model.pk], "post": "yes"}
    client.post(reverse("admin:mlmodels_mlmodel_changelist"), selected)


def from_a_shell(model: MLModel, client: Client) -> None:
    MLModel.objects.filter(pk=model.pk).delete()


@pytest.mark.parametrize("delete", [in_the_admin, in_the_admins_list, from_a_shell])
def test_a_deleted_models_files_go_and_other_models_stay(
    delete: Callable[[MLModel, Client], None],
    staff: User,
    settings: Settings,
    weights_of_its_own: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    model, other = added_model("a", content=b"a"), added_model("a.b", content=b"b")
    for key in (model.key, other.key):
        registry.find(key)
    converted = (
        settings.CONVERTED_DIR / "custom-a-0123456789abcdef",
        settings.CONVERTED_DIR / "custom-a.b-0123456789abcdef",
    )
    for folder in converted:
        folder.mkdir(parents=True)
    client = Client()
    client.force_login(staff)

    with django_capture_on_commit_callbacks(execute=True):
        delete(model, client)

    local = other.added.local_name
    assert files(weights_of_its_own) == [f"added/{other.added.file}", local, f"{local}.sha256"]
    assert [folder.exists() for folder in converted] == [False, True]
    with pytest.raises(UnknownModelError):
        registry.find(model.key)


def test_a_model_that_is_added_again_does_not_meet_the_old_weights(weights_of_its_own: Path) -> None:
    first = added_model(content=b"first")
    registry.find(first.key)
    first.delete()
    second = added_model(content=b"second")

    path = registry.find(second.key).weights.locate(weights_of_its_own)

    assert path is not None
    assert path.read_bytes() == b"second"


def test_what_no_model_needs_is_tidied_away(weights_of_its_own: Path, make_old: Callable[[Path], Path]) -> None:
    model = added_model()
    registry.find(model.key)
    needed = files(weights_of_its_own)
    storage = weights_of_its_own / "added"
    new = storage / "incoming" / "new.pth"
    make_old(storage / "incoming" / "old.pth")
    make_old(storage / "custom" / "gone" / "0123456789abcdef.safetensors")
    make_old(weights_of_its_own / "custom-gone-0123456789abcdef.safetensors")
    new.write_bytes(b"its row comes")

    added_specs.tidy_up()

    assert files(weights_of_its_own) == sorted([*needed, "added/incoming/new.pth"])


def test_offering_costs_one_query_and_looks_at_no_file_of_staff(
    weights_of_its_own: Path, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    MLModel.objects.all().delete()
    for number in range(30):
        added_model(f"v{number}", passed=number % 2 == 0)
    for path in sorted(weights_of_its_own.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    with django_assert_num_queries(1):
        offered = MLModel.objects.offered()

    assert len(offered) == 15
    assert all(model.has_passed for model in offered)
