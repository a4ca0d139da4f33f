"""Occlusion: how far the score of a label falls when a patch of the picture is covered. Works for every network.

M. D. Zeiler and R. Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2. The score is
the logit, for CLIP the likeness of picture and text, held against the mean of all labels': what makes the picture
less like anything at all says nothing about this label.
"""

from collections.abc import Iterator, Sequence

import torch

from mlmodels.inference.heat.explanation import Scores

# The picture is looked at in so many rows and columns, as ViT-B-32 does; a patch covers two by two of these cells and
# moves by one, half over the edges too, so that every cell is covered as often as any other.
CELLS = 7
PATCH_CELLS = 2
PLACES = (CELLS + PATCH_CELLS - 1) ** 2
PATCHES_PER_BATCH = 4


def scores(
    module: torch.nn.Module, pixels: torch.Tensor, classes: Sequence[int], *, start: int = 0
) -> Iterator[list[list[float]]]:
    """What the network says with nothing covered, then with each patch in turn: one score for each of `classes`.

    PLACES + 1 of them, a few at a time, from number `start` on. `pixels` is float32 of shape (1, 3, height, width).
    """
    grey = pixels.mean(dim=(2, 3), keepdim=True)
    masks = torch.cat([torch.zeros(1, CELLS, CELLS, dtype=torch.bool), covers()])
    for some in masks[start:].split(PATCHES_PER_BATCH):
        is_covered = _enlarged(some, pixels)
        with torch.inference_mode():
            logits = module(torch.where(is_covered, grey, pixels))
        yield (logits[:, list(classes)] - logits.mean(dim=1, keepdim=True)).tolist()


def covers() -> torch.Tensor:
    """Which cells each patch covers: bool, shape (PLACES, CELLS, CELLS)."""
    cells = torch.arange(CELLS)
    first = torch.arange(1 - PATCH_CELLS, CELLS)[:, None]
    is_within = (cells >= first) & (cells < first + PATCH_CELLS)
    return (is_within[:, None, :, None] & is_within[None, :, None, :]).flatten(0, 1)


def heat(found: Sequence[Scores]) -> torch.Tensor:
    """How far each score falls at each cell, averaged over the patches that cover it; none below 0.

    `found` is all that `scores` yielded; float32, shape (classes, CELLS, CELLS).
    """
    whole, *covered = torch.tensor(found)
    drops = whole - torch.stack(covered)
    masks = covers().float()
    return (torch.einsum("pc,pyx->cyx", drops, masks) / masks.sum(dim=0)).relu()


def _enlarged(masks: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """Masks over cells as masks over pixels: shape (masks, 1, height, width)."""
    height, width = pixels.shape[2:]
    rows, columns = torch.arange(height) * CELLS // height, torch.arange(width) * CELLS // width
    return masks[:, rows][:, :, columns][:, None]
