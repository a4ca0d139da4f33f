from hashlib import sha256
from pathlib import Path

import pytest

from mlmodels.inference.errors import WeightsDamagedError
from mlmodels.inference.weights import PackagedWeights, StoredWeights, checked, checksum_path

CONTENT = b"weights" * 1000
DIGEST = sha256(CONTENT).hexdigest()


def stored(folder: Path, name: str, *, content: bytes = CONTENT, checksum: str | None = None) -> Path:
    path = folder / name
    path.write_bytes(content)
    if checksum is not None:
        checksum_path(path).write_text(checksum, encoding="ascii")
    return path


def test_weights_of_a_package_that_is_not_installed_are_missing(tmp_path: Path) -> None:
    assert PackagedWeights(package="no_such_package_here", file="a.pth", sha256="").locate(tmp_path) is None


def test_a_file_that_its_package_lacks_is_missing(tmp_path: Path) -> None:
    assert PackagedWeights(package="mlmodels", file="no/such.pth", sha256="").locate(tmp_path) is None


def test_stored_weights_are_looked_up_in_the_weights_folder(tmp_path: Path) -> None:
    weights = StoredWeights("clip-1.0.0.safetensors")
    assert weights.locate(tmp_path) is None
    path = stored(tmp_path, weights.file, checksum=DIGEST)
    assert weights.locate(tmp_path) == path


def test_a_checksum_without_its_weights_is_no_model(tmp_path: Path) -> None:
    path = stored(tmp_path, "clip-1.0.0.safetensors", checksum=DIGEST)
    path.unlink()
    assert StoredWeights(path.name).locate(tmp_path) is None


def test_weights_that_nobody_can_check_count_as_missing(tmp_path: Path) -> None:
    stored(tmp_path, "clip-1.0.0.safetensors")
    assert StoredWeights("clip-1.0.0.safetensors").locate(tmp_path) is None


@pytest.mark.parametrize("checksum", [DIGEST, f"{DIGEST}  vgg16.pth\n", f"{DIGEST} *vgg16.pth\n"])
def test_the_file_beside_the_weights_says_what_they_are(tmp_path: Path, checksum: str) -> None:
    path = stored(tmp_path, "vgg16.pth", checksum=checksum)
    assert checked(StoredWeights(path.name), path).sha256 == DIGEST


def test_upstreams_digits_in_the_name_will_do(tmp_path: Path) -> None:
    path = stored(tmp_path, f"vgg16-{DIGEST[:8]}.pth")
    weights = StoredWeights(path.name)
    assert weights.locate(tmp_path) == path
    assert checked(weights, path).sha256 == DIGEST


@pytest.mark.parametrize("name", ["vgg16.pth", f"vgg16-{DIGEST[:8]}.pth"])
def test_one_changed_byte_is_found(tmp_path: Path, name: str) -> None:
    path = stored(tmp_path, name, content=CONTENT[:-1] + b"!", checksum=None if "-" in name else DIGEST)
    with pytest.raises(WeightsDamagedError, match="has SHA-256"):
        checked(StoredWeights(name), path)


@pytest.mark.parametrize("checksum", ["", "\n", DIGEST[:40], DIGEST.upper(), "<html>not found</html>"])
def test_a_checksum_file_without_a_checksum_vouches_for_nothing(tmp_path: Path, checksum: str) -> None:
    path = stored(tmp_path, f"vgg16-{DIGEST[:8]}.pth", checksum=checksum)
    with pytest.raises(WeightsDamagedError, match="holds no SHA-256"):
        checked(StoredWeights(path.name), path)
