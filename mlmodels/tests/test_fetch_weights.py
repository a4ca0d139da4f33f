"""The weights of catalogue entries: from upstream, from folders, and what lies here already."""

import io
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from pytest_django import Settings
from torchvision.models import mobilenet_v3_large

from mlmodels import fetching
from mlmodels.download import Patience
from mlmodels.fetching import Condition, FetchError, State
from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec, PackagedWeights, StoredWeights
from mlmodels.inference.engine import Engine
from mlmodels.inference.weights import checked
from mlmodels.tests.weights_server import Answer, WeightsServer, name_of, seeded_bytes

CONTENT = seeded_bytes(200_000)
DIGEST = sha256(CONTENT).hexdigest()
OTHER = seeded_bytes(200_000, seed=2)
PATIENCE = Patience(retries=1, pause_seconds=0)

HUB_FOLDER = "models--laion--CLIP-ViT-B-32-DataComp.XL-s13B-b90K"
HUB_FILE = "open_clip_model.safetensors"


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with WeightsServer() as running:
        yield running


@pytest.fixture
def weights_dir(tmp_path: Path, settings: Settings) -> Path:
    """The weights folder of this test; nobody has made it yet."""
    settings.WEIGHTS_DIR = tmp_path / "data" / "weights"
    return settings.WEIGHTS_DIR


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What somebody brought on a disk."""
    brought = tmp_path / "brought"
    brought.mkdir()
    return brought


@pytest.fixture
def resnet50(weights_dir: Path) -> ModelSpec:
    """A model whose file is named by its digest, as torch's hub does."""
    return replace(catalogue.find("resnet50:1.0.0"), weights=StoredWeights(name_of(CONTENT, "resnet50")))


@pytest.fixture
def clip(weights_dir: Path) -> ModelSpec:
    """A model whose file's name says nothing about its digest."""
    return catalogue.find("clip:1.0.0")


def quiet(done_bytes: int, total_bytes: int | None) -> None:
    """No progress shown."""


def take(spec: ModelSpec, folder: Path) -> Path:
    return fetching.take_from(spec, folder, on_progress=quiet)


def refusal(spec: ModelSpec, folder: Path) -> FetchError:
    with pytest.raises(FetchError) as refused:
        take(spec, folder)
    return refused.value


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def assert_is_ready(spec: ModelSpec, weights_dir: Path) -> None:
    path = catalogue.weights_path(spec, weights_dir)
    assert path is not None
    assert checked(spec.weights, path).sha256 == DIGEST
    assert fetching.look_at(spec) == Condition(State.READY, len(CONTENT))
    assert names_in(weights_dir) == {spec.weights.file, f"{spec.weights.file}.sha256"}


def test_what_was_fetched_is_what_the_engine_loads(
    server: WeightsServer, resnet50: ModelSpec, weights_dir: Path
) -> None:
    path = fetching.fetch(resnet50, on_progress=quiet, address=server.publish("a.pth", CONTENT))

    assert path == weights_dir / resnet50.weights.file
    assert_is_ready(resnet50, weights_dir)


def test_a_fetched_checkpoint_runs(server: WeightsServer, weights_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    file = io.BytesIO()
    torch.save(mobilenet_v3_large().state_dict(), file)
    weights = StoredWeights(name_of(file.getvalue(), "mobilenet"))
    spec = replace(catalogue.find("mobilenet:1.0.0"), version="seeded", weights=weights)
    monkeypatch.setitem(catalogue.MODELS, spec.key, spec)
    fetching.fetch(spec, on_progress=quiet, address=server.publish("a.pth", file.getvalue()))

    assert Engine(weights_dir).load("mobilenet:seeded").decode_at_least_px > 0


def test_a_second_fetch_of_what_is_here_asks_nobody(
    server: WeightsServer, resnet50: ModelSpec, weights_dir: Path
) -> None:
    url = server.publish("a.pth", CONTENT)
    fetching.fetch(resnet50, on_progress=quiet, address=url)
    fetching.fetch(resnet50, on_progress=quiet, address=url)

    assert len(server.requests) == 1


def test_damaged_weights_are_fetched_again(server: WeightsServer, resnet50: ModelSpec, weights_dir: Path) -> None:
    url = server.publish("a.pth", CONTENT)
    path = fetching.fetch(resnet50, on_progress=quiet, address=url)
    path.write_bytes(CONTENT[:-1] + b"?")
    assert fetching.look_at(resnet50).state == State.DAMAGED
    fetching.fetch(resnet50, on_progress=quiet, address=url)

    assert_is_ready(resnet50, weights_dir)


def test_weights_that_somebody_copied_by_hand_get_their_digest_written_down(
    resnet50: ModelSpec, weights_dir: Path
) -> None:
    weights_dir.mkdir(parents=True)
    (weights_dir / resnet50.weights.file).write_bytes(CONTENT)
    fetching.fetch(resnet50, on_progress=quiet, address="https://weights.invalid/")

    assert_is_ready(resnet50, weights_dir)


def test_other_weights_with_a_matching_note_are_not_taken_for_the_published_ones(
    server: WeightsServer, resnet50: ModelSpec, weights_dir: Path
) -> None:
    weights_dir.mkdir(parents=True)
    (weights_dir / resnet50.weights.file).write_bytes(OTHER)
    (weights_dir / f"{resnet50.weights.file}.sha256").write_text(sha256(OTHER).hexdigest())
    assert fetching.look_at(resnet50).state == State.DAMAGED
    fetching.fetch(resnet50, on_progress=quiet, address=server.publish("a.pth", CONTENT))

    assert_is_ready(resnet50, weights_dir)


def test_a_digest_given_by_hand_does_not_overrule_the_name(
    server: WeightsServer, resnet50: ModelSpec, weights_dir: Path
) -> None:
    url = server.publish("a.pth", OTHER)
    with pytest.raises(FetchError) as refused:
        fetching.fetch(resnet50, on_progress=quiet, address=url, sha256=sha256(OTHER).hexdigest())

    assert refused.value.code == "wrong_hash"
    assert names_in(weights_dir) == set()


def test_an_unfinished_download_is_counted(server: WeightsServer, resnet50: ModelSpec, weights_dir: Path) -> None:
    url = server.publish("a.pth", CONTENT, [Answer(cut_after_bytes=50_000), Answer(status=404)])
    with pytest.raises(FetchError):
        fetching.fetch(resnet50, on_progress=quiet, address=url, patience=PATIENCE)

    assert fetching.look_at(resnet50) == Condition(State.MISSING, 50_000)


def test_weights_of_a_package_are_not_fetched(weights_dir: Path) -> None:
    spec = catalogue.find("efficientnet:1.0.0")
    with pytest.raises(FetchError) as refused:
        fetching.fetch(spec, on_progress=quiet)

    assert refused.value.code == "packaged"
    assert fetching.look_at(spec).state == State.READY


def test_a_package_that_is_not_installed_is_missing_its_weights(weights_dir: Path) -> None:
    lost = PackagedWeights(package="no_such_package_here", file="a.pth", sha256="")
    spec = replace(catalogue.find("efficientnet:1.0.0"), weights=lost)

    assert fetching.look_at(spec) == Condition(State.MISSING, 0)


def test_uploaded_weights_are_not_fetched(weights_dir: Path) -> None:
    uploaded = replace(catalogue.find("resnet50:1.0.0"), weights=StoredWeights("ours.safetensors"), pretrained=None)
    with pytest.raises(FetchError) as refused:
        fetching.fetch(uploaded, on_progress=quiet)

    assert refused.value.code == "uploaded"


def test_a_folder_of_another_machine_is_taken_as_it_is(resnet50: ModelSpec, weights_dir: Path, folder: Path) -> None:
    (folder / resnet50.weights.file).write_bytes(CONTENT)
    take(resnet50, folder)

    assert_is_ready(resnet50, weights_dir)
    assert names_in(folder) == {resnet50.weights.file}


def test_progress_of_a_copy_ends_at_the_whole(resnet50: ModelSpec, folder: Path) -> None:
    (folder / resnet50.weights.file).write_bytes(CONTENT)
    shown: list[tuple[int, int | None]] = []
    fetching.take_from(resnet50, folder, on_progress=lambda done, total: shown.append((done, total)))

    assert shown[-1] == (len(CONTENT), len(CONTENT))


def test_a_file_without_digits_in_its_name_needs_its_note(clip: ModelSpec, weights_dir: Path, folder: Path) -> None:
    brought = folder / clip.weights.file
    brought.write_bytes(CONTENT)
    error = refusal(clip, folder)
    assert error.code == "unverifiable"
    assert f"{clip.weights.file}.sha256" in str(error)

    brought.with_name(f"{brought.name}.sha256").write_text(f"{DIGEST}  {brought.name}\n")
    take(clip, folder)
    assert_is_ready(clip, weights_dir)


def test_upstreams_own_file_name_is_known(clip: ModelSpec, weights_dir: Path, folder: Path) -> None:
    (folder / HUB_FILE).write_bytes(CONTENT)
    (folder / f"{HUB_FILE}.sha256").write_text(DIGEST)
    take(clip, folder)

    assert_is_ready(clip, weights_dir)


@pytest.mark.parametrize("above", [".", "hub"])
def test_a_cache_of_the_hub_names_its_bytes_by_their_digest(
    clip: ModelSpec, weights_dir: Path, folder: Path, above: str
) -> None:
    repository = folder / above / HUB_FOLDER
    (repository / "blobs").mkdir(parents=True)
    (repository / "snapshots" / "abc").mkdir(parents=True)
    (repository / "blobs" / DIGEST).write_bytes(CONTENT)
    (repository / "snapshots" / "abc" / HUB_FILE).symlink_to(f"../../blobs/{DIGEST}")
    take(clip, folder)

    assert_is_ready(clip, weights_dir)


@pytest.mark.parametrize(
    "damaged",
    [CONTENT[:-1], CONTENT + b"?", b"", OTHER, b"?" + CONTENT[1:]],
    ids=["short", "long", "empty", "other", "bit"],
)
def test_a_damaged_file_is_refused_and_leaves_nothing(
    resnet50: ModelSpec, weights_dir: Path, folder: Path, damaged: bytes
) -> None:
    (folder / resnet50.weights.file).write_bytes(damaged)

    assert refusal(resnet50, folder).code == "wrong_hash"
    assert names_in(weights_dir) == set()


def test_another_file_with_its_own_note_is_refused(resnet50: ModelSpec, weights_dir: Path, folder: Path) -> None:
    (folder / resnet50.weights.file).write_bytes(OTHER)
    (folder / f"{resnet50.weights.file}.sha256").write_text(sha256(OTHER).hexdigest())

    assert refusal(resnet50, folder).code == "wrong_hash"
    assert names_in(weights_dir) == set()


def test_a_note_that_holds_no_digest_is_refused(clip: ModelSpec, folder: Path) -> None:
    (folder / clip.weights.file).write_bytes(CONTENT)
    (folder / f"{clip.weights.file}.sha256").write_text("perhaps\n")

    assert refusal(clip, folder).code == "unverifiable"


def test_a_folder_without_the_file_says_which_one_it_lacks(resnet50: ModelSpec, folder: Path) -> None:
    error = refusal(resnet50, folder)

    assert error.code == "not_in_folder"
    assert resnet50.weights.file in str(error)


def test_taking_from_the_weights_folder_itself_changes_nothing(resnet50: ModelSpec, weights_dir: Path) -> None:
    weights_dir.mkdir(parents=True)
    (weights_dir / resnet50.weights.file).write_bytes(CONTENT)
    take(resnet50, weights_dir)

    assert_is_ready(resnet50, weights_dir)
