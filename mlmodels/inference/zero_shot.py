"""Makes an image network out of open_clip's pair of towers: a picture's logits are its likeness to every label."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from open_clip.transform import PreprocessCfg
from torch.nn import functional

from mlmodels.inference.preprocessing import Preprocessing

# Two of the thousand names stand there twice; a picture of such a thing would be said to be it twice, by half each.
IMAGENET_1K: Sequence[str] = tuple(dict.fromkeys(open_clip.IMAGENET_CLASSNAMES))
# Seven templates, a twelfth of the work of the full eighty at no loss on ImageNet: CLIP's own notebook
# Prompt_Engineering_for_ImageNet.ipynb.
TEMPLATES: Sequence[Callable[[str], str]] = open_clip.SIMPLE_IMAGENET_TEMPLATES

_TEXTS_PER_BATCH = 128


class ZeroShot(torch.nn.Module):
    """Pixels to logits: exp(logit_scale) times the cosine of the picture and each label."""

    def __init__(self, model: torch.nn.Module, label_embeddings: torch.Tensor) -> None:
        super().__init__()
        self.visual = model.get_submodule("visual")
        self.scaled_labels = torch.nn.Buffer(model.get_parameter("logit_scale").detach().exp() * label_embeddings)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return functional.normalize(self.visual(pixels), dim=-1) @ self.scaled_labels.T


def load(architecture: str, pretrained: str | None, weights: Path) -> torch.nn.Module:
    """open_clip's model of this name from a local file; its hub is never asked."""
    published = open_clip.get_pretrained_cfg(architecture, pretrained) if pretrained else {}
    preprocessing = {name: published[name] for name in PreprocessCfg.__dataclass_fields__ if name in published}
    model: torch.nn.Module = open_clip.create_model(
        architecture,
        pretrained=str(weights),
        weights_only=True,
        force_quick_gelu=published.get("quick_gelu", False),
        force_preprocess_cfg=preprocessing,
    )
    return model.eval()


def preprocessing(model: torch.nn.Module) -> Preprocessing:
    """What open_clip does to a picture before this model."""
    config = PreprocessCfg(**open_clip.get_model_preprocess_cfg(model))
    if config.resize_mode != "shortest":
        raise ValueError(f"pictures cannot be resized in the manner of {config.resize_mode!r}")
    size_px = config.size if isinstance(config.size, int) else config.size[0]
    return Preprocessing.on_unit_scale(
        resize_px=size_px, crop_px=size_px, interpolation=config.interpolation, mean=config.mean, std=config.std
    )


def classifier(
    model: torch.nn.Module,
    architecture: str,
    labels: Sequence[str],
    *,
    weights_sha256: str,
    cache_dir: Path | None,
    templates: Sequence[Callable[[str], str]] = TEMPLATES,
) -> ZeroShot:
    """`model` as a classifier of `labels`; their embeddings are kept in `cache_dir`. `model` is used up."""
    texts = [template(label) for label in labels for template in templates]
    tokens = open_clip.get_tokenizer(architecture)(texts)
    path = cache_dir and cache_dir / f"labels-{_digest(architecture, weights_sha256, len(templates), tokens)}.npy"
    if path and path.is_file():
        return ZeroShot(model, torch.from_numpy(np.load(path, allow_pickle=False)))
    embeddings = label_embeddings(model, tokens, len(templates))
    if path:
        _write_atomically(path, embeddings.numpy())
    return ZeroShot(model, embeddings)


def label_embeddings(model: torch.nn.Module, tokens: torch.Tensor, texts_per_label: int) -> torch.Tensor:
    """float32, shape (labels, width): the normalised mean of the normalised embeddings of each label's texts.

    `tokens` holds `texts_per_label` rows for each label in turn. The same as open_clip's
    build_zero_shot_classifier, faster: a causal tower never looks past the end of a text, so short texts run
    together without their padding (a thousand labels in a quarter of the time).
    """
    embeddings = torch.empty(0)
    with torch.inference_mode():
        for rows in _by_length(tokens):
            found = _encode(model, tokens[rows])
            embeddings = embeddings if len(embeddings) else torch.empty(len(tokens), found.shape[1])
            embeddings[rows] = found
        means = embeddings.unflatten(0, (-1, texts_per_label)).mean(dim=1)
        return functional.normalize(means, dim=-1)


def _by_length(tokens: torch.Tensor) -> Iterator[torch.Tensor]:
    """Row numbers in batches, texts of like length together."""
    yield from _lengths(tokens).argsort().split(_TEXTS_PER_BATCH)


def _lengths(tokens: torch.Tensor) -> torch.Tensor:
    """Up to and with the end of each text, which has the highest number of all tokens."""
    return tokens.argmax(dim=1) + 1


def _encode(model: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    if isinstance(model, open_clip.CLIP) and model.text_pool_type == "argmax" and model.attn_mask is not None:
        return _encode_without_padding(model, tokens)
    return cast("torch.Tensor", cast("open_clip.CLIP", model).encode_text(tokens, normalize=True))


def _encode_without_padding(model: open_clip.CLIP, tokens: torch.Tensor) -> torch.Tensor:
    length = int(_lengths(tokens).max())
    positions, mask = model.positional_embedding, model.attn_mask
    model.positional_embedding = torch.nn.Parameter(positions[:length], requires_grad=False)
    model.attn_mask = mask[:length, :length]
    try:
        found: torch.Tensor = model.encode_text(tokens[:, :length], normalize=True)
    finally:
        model.positional_embedding, model.attn_mask = positions, mask
    return found


def _digest(architecture: str, weights_sha256: str, texts_per_label: int, tokens: torch.Tensor) -> str:
    """Of all that the embeddings depend on; the tokens stand for labels, templates and tokenizer."""
    written = f"{open_clip.__version__} {architecture} {weights_sha256} {texts_per_label} {tuple(tokens.shape)}"
    return hashlib.sha256(written.encode() + tokens.numpy().tobytes()).hexdigest()[:32]


def _write_atomically(path: Path, array: NDArray[np.float32]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        np.save(file, array, allow_pickle=False)
    Path(file.name).replace(path)
