"""Where a model's weights lie on this machine, and how it is known that they are the right ones."""

import hashlib
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mlmodels.inference.errors import WeightsDamagedError

# torch's hub names its files <name>-<first digits of the SHA-256>.<extension>.
_DIGITS_IN_NAME = re.compile(r"-([0-9a-f]{8,64})$")
_ALL_DIGITS = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class CheckedWeights:
    """A weights file that is what it should be."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """A weights file inside an installed Python package."""

    package: str
    file: str
    sha256: str

    def locate(self, weights_dir: Path) -> Path | None:
        # The top-level package is found, not imported: some of them import torch.
        package = find_spec(self.package)
        folders = package.submodule_search_locations if package else None
        paths = (Path(folder, self.file) for folder in folders or ())
        return next((path for path in paths if path.is_file()), None)

    def expected_sha256(self, path: Path) -> str:
        return self.sha256


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """A weights file in the folder of fetched and uploaded weights.

    Its SHA-256 stands in a file beside it (`checksum_path`). Without that file the digits that upstream puts
    into the name must do, and weights with neither count as missing: nobody could tell whether they are whole.
    """

    file: str

    def locate(self, weights_dir: Path) -> Path | None:
        path = weights_dir / self.file
        is_checkable = checksum_path(path).is_file() or digits_in_name(path)
        return path if is_checkable and path.is_file() else None

    def expected_sha256(self, path: Path) -> str:
        """The digits, all or the first ones, that the file's SHA-256 begins with. Raises WeightsDamagedError."""
        try:
            digits = checksum_path(path).read_text(encoding="ascii").split()[0]
        except FileNotFoundError:
            return digits_in_name(path)
        except (UnicodeDecodeError, IndexError):
            digits = ""
        if not _ALL_DIGITS.fullmatch(digits):
            raise WeightsDamagedError(f"{checksum_path(path)} holds no SHA-256")
        return digits


def checksum_path(path: Path) -> Path:
    """The file that holds the SHA-256 of `path`, in the manner of sha256sum: 64 digits, then anything."""
    return path.with_name(f"{path.name}.sha256")


def digits_in_name(path: Path) -> str:
    """The first digits of the SHA-256 that upstream put into the file's name; empty when there are none."""
    found = _DIGITS_IN_NAME.search(path.stem)
    return found[1] if found else ""


def checked(weights: PackagedWeights | StoredWeights, path: Path) -> CheckedWeights:
    """The file after its SHA-256 was compared. Raises WeightsDamagedError when it is another one."""
    expected = weights.expected_sha256(path)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(expected):
        raise WeightsDamagedError(f"{path} has SHA-256 {found}, not {expected}")
    return CheckedWeights(path, found)
