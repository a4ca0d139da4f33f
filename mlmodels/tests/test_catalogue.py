import hashlib
from pathlib import Path

import pytest
from torchvision.models import get_weight

from mlmodels.inference import catalogue, networks, upstream
from mlmodels.inference.errors import UnknownModelError
from mlmodels.models import MLModel


def test_every_model_is_found_under_its_own_key() -> None:
    for key, spec in catalogue.MODELS.items():
        assert catalogue.find(key) is spec
        assert key == f"{spec.name}:{spec.version}"


def test_every_model_fits_the_tables() -> None:
    for spec in catalogue.MODELS.values():
        assert len(spec.name) <= 50
        assert len(spec.version) <= 20
        assert spec.name in MLModel.Name.values


def test_every_name_of_the_table_but_custom_has_a_model() -> None:
    assert {spec.name for spec in catalogue.MODELS.values()} == set(MLModel.Name.values) - {"custom"}


def test_no_two_models_share_a_weights_file() -> None:
    files = [spec.weights.file for spec in catalogue.MODELS.values()]
    assert len(set(files)) == len(files)


def test_downloads_are_as_large_as_torchvision_says() -> None:
    for spec in catalogue.MODELS.values():
        if spec.library == "torchvision":
            mebibytes = get_weight(spec.pretrained).meta["_file_size"]
            assert spec.download_bytes == pytest.approx(mebibytes * 1024**2, abs=50_000)


def test_weights_are_called_as_torchvision_calls_them() -> None:
    for spec in catalogue.MODELS.values():
        if spec.library == "torchvision":
            assert upstream.address(spec) == get_weight(spec.pretrained).url
            assert spec.weights.file == upstream.address(spec).rpartition("/")[2]


def test_clips_weights_come_from_the_hub_as_safetensors() -> None:
    spec = catalogue.find("clip:1.0.0")
    assert upstream.address(spec).startswith("https://huggingface.co/laion/CLIP-ViT-B-32-DataComp")
    assert upstream.address(spec).endswith("/open_clip_model.safetensors")


def test_weights_of_a_package_have_no_address() -> None:
    assert upstream.address(catalogue.find("efficientnet:1.0.0")) is None


def test_every_label_fits_the_table_of_results_and_stands_for_one_class() -> None:
    for spec in catalogue.MODELS.values():
        labels = networks.label_list(spec)
        assert len(set(labels)) == len(labels)
        assert len(labels) == (998 if spec.library == "open_clip" else 1000)  # two of open_clip's stand there twice
        assert max(map(len, labels)) <= 100


@pytest.mark.parametrize("key", ["", "efficientnet", "efficientnet:9.9.9", "EFFICIENTNET:1.0.0", "a:b:c"])
def test_an_unknown_model_is_refused_with_its_code(key: str) -> None:
    with pytest.raises(UnknownModelError) as refused:
        catalogue.find(key)
    assert refused.value.code == "unknown_model"


def test_the_first_model_has_its_weights_without_a_download(tmp_path: Path) -> None:
    spec = catalogue.find("efficientnet:1.0.0")
    path = catalogue.weights_path(spec, tmp_path)
    assert path is not None
    assert hashlib.sha256(path.read_bytes()).hexdigest() == spec.weights.sha256
