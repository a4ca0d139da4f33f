"""From where a library's own metadata says that a model's weights are fetched; imports torch."""

import open_clip
from huggingface_hub import hf_hub_url
from open_clip.constants import HF_SAFE_WEIGHTS_NAME
from torchvision.models import get_weight

from mlmodels.inference.catalogue import ModelSpec


def address(spec: ModelSpec) -> str | None:
    """The upstream address of the weights file; None for weights that are not fetched."""
    if spec.pretrained is None:
        return None
    if spec.library == "torchvision":
        url: str = get_weight(spec.pretrained).url
        return url
    repository, _, file = open_clip.get_pretrained_cfg(spec.architecture, spec.pretrained)["hf_hub"].rpartition("/")
    return hf_hub_url(repository, file or HF_SAFE_WEIGHTS_NAME)
