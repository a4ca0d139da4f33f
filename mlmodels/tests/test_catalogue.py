import hashlib
import string
from pathlib import Path

import pytest

from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import PackagedWeights, StoredWeights
from mlmodels.inference.errors import UnknownModelError


def test_every_model_is_found_under_its_own_key() -> None:
    for key, spec in catalogue.MODELS.items():
        assert catalogue.find(key) is spec
        assert key == f"{spec.name}:{spec.version}"


def test_every_model_fits_the_tables_and_names_its_weights_by_hash() -> None:
    for spec in catalogue.MODELS.values():
        assert len(spec.name) <= 50
        assert len(spec.version) <= 20
        assert len(spec.weights.sha256) == 64
        assert set(spec.weights.sha256) <= set(string.hexdigits.lower())


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


def test_weights_of_a_package_that_is_not_installed_are_missing(tmp_path: Path) -> None:
    assert PackagedWeights(package="no_such_package_here", file="a.pth", sha256="").locate(tmp_path) is None


def test_a_file_that_its_package_lacks_is_missing(tmp_path: Path) -> None:
    assert PackagedWeights(package="mlmodels", file="no/such.pth", sha256="").locate(tmp_path) is None


def test_stored_weights_are_looked_up_in_the_weights_folder(tmp_path: Path) -> None:
    weights = StoredWeights(file="vgg16.pth", sha256="")
    assert weights.locate(tmp_path) is None
    (tmp_path / "vgg16.pth").write_bytes(b"weights")
    assert weights.locate(tmp_path) == tmp_path / "vgg16.pth"
