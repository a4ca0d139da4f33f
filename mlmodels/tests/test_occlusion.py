"""Occlusion against a network whose answer to every covered patch is known beforehand."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from PIL import Image

from mlmodels.inference.heat import occlusion
from mlmodels.inference.heat.explaining import Explainer
from mlmodels.inference.heat.explanation import Scores
from mlmodels.inference.heat.occlusion import CELLS, PATCHES_PER_BATCH, PLACES
from mlmodels.inference.networks import Network
from mlmodels.inference.preprocessing import Preprocessing

SIDE_PX = 56  # eight pixels a cell
CELL_PX = SIDE_PX // CELLS
AT_ROW, AT_COLUMN = 1, 4


class Counting(torch.nn.Module):
    """Its first label is the light in one cell, its second half as much of it; it counts the inputs that it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs = 0

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        self.inputs += len(pixels)
        rows, columns = (slice(at * CELL_PX, (at + 1) * CELL_PX) for at in (AT_ROW, AT_COLUMN))
        light = pixels[:, :, rows, columns].sum(dim=(1, 2, 3))
        return torch.stack([light, light / 2, torch.zeros_like(light)], dim=1)


def bright_cell() -> torch.Tensor:
    pixels = torch.zeros(1, 3, SIDE_PX, SIDE_PX)
    pixels[:, :, AT_ROW * CELL_PX : (AT_ROW + 1) * CELL_PX, AT_COLUMN * CELL_PX : (AT_COLUMN + 1) * CELL_PX] = 1
    return pixels


def all_scores(module: torch.nn.Module, classes: Sequence[int], *, start: int = 0) -> list[list[float]]:
    return [row for some in occlusion.scores(module, bright_cell(), classes, start=start) for row in some]


def test_every_cell_is_covered_equally_often() -> None:
    times = occlusion.covers().sum(dim=0)

    assert len(occlusion.covers()) == PLACES == 64
    assert (times == 4).all()


def test_the_heat_is_how_far_the_score_falls_averaged_over_the_patches_on_a_cell() -> None:
    found = all_scores(Counting(), [0])

    # The light of the cell, less that of the grey which covers it (one part in 49); of that less the mean of labels.
    whole = 3 * CELL_PX**2
    fall = whole * (1 - 1 / CELLS**2) * (1 - (1 + 1 / 2) / 3)
    assert found[0] == pytest.approx([whole / 2])
    expected = torch.zeros(CELLS, CELLS)
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):  # of a cell's four patches those that reach the bright cell, too
            expected[AT_ROW + row, AT_COLUMN + column] = fall * (2 - abs(row)) * (2 - abs(column)) / 4
    torch.testing.assert_close(occlusion.heat(found)[0], expected, rtol=1e-5, atol=1e-4)


def of_counting() -> tuple[Counting, Explainer]:
    module = Counting()
    scale = Preprocessing(SIDE_PX, SIDE_PX, "bilinear", (0, 0, 0), (1, 1, 1))
    return module, Explainer(Network(module, scale, ("light", "half", "none")))


def bright_cell_picture() -> Image.Image:
    return Image.fromarray((255 * bright_cell()[0]).permute(1, 2, 0).to(torch.uint8).numpy())


def ignored(_known: object, _total: int) -> None:
    """Progress that nobody watches."""


def test_the_work_is_bounded_and_told_batch_by_batch() -> None:
    (module, explainer), told = of_counting(), []

    explained = explainer.explain(
        bright_cell_picture(), ["light"], on_progress=lambda known, total: told.append((len(known), total))
    )

    assert (explained.method, explained.labels) == ("occlusion", ["light"])
    assert np.unravel_index(explained.heat[0].argmax(), (CELLS, CELLS)) == (AT_ROW, AT_COLUMN)
    assert module.inputs == PLACES + 1
    assert [done for done, _total in told] == [*range(PATCHES_PER_BATCH, PLACES + 1, PATCHES_PER_BATCH), PLACES + 1]
    assert {total for _done, total in told} == {PLACES + 1}


def test_what_is_called_off_can_be_taken_up_where_it_stood() -> None:
    class CalledOffError(Exception):
        pass

    kept: list[Scores] = []

    def stop_at_twenty(known: Sequence[Scores], _total: int) -> None:
        if len(known) >= 20:
            kept[:] = known
            raise CalledOffError

    (module, explainer), picture = of_counting(), bright_cell_picture()
    with pytest.raises(CalledOffError):
        explainer.explain(picture, ["light"], on_progress=stop_at_twenty)
    assert module.inputs == 20
    resumed = explainer.explain(picture, ["light"], on_progress=ignored, known=kept)

    assert module.inputs == PLACES + 1
    _module, another = of_counting()
    assert (resumed.heat == another.explain(picture, ["light"], on_progress=ignored).heat).all()


def test_where_nothing_speaks_for_a_label_the_map_is_cold_all_over() -> None:
    _module, explainer = of_counting()

    explained = explainer.explain(Image.new("RGB", (SIDE_PX, SIDE_PX)), ["light"], on_progress=ignored)

    assert explained.heat.max() == 0
