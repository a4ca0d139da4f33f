"""Makes heat maps in a worker's child: the picture is decoded anew, the network runs in plain torch.

On the CPU, wherever the pictures themselves run: a map never takes a GPU's memory or time from pictures that wait. As
soon as some do that could be taken, the map steps aside, to be taken up again where it stood.
"""

import logging
from collections.abc import Sequence
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.files.storage import default_storage
from PIL import Image

from analysis import failures, heat_maps, pictures
from analysis.heat_map_model import HOTTEST
from analysis.heat_maps import LostError, Making
from analysis.watchdog import may_claim
from mlmodels.inference.errors import EngineError
from mlmodels.inference.heat.explanation import Explanation
from mlmodels.inference.pictures import PictureError, decode
from mlmodels.registry import engine

logger = logging.getLogger(__name__)


class SteppedAsideError(Exception):
    """A picture waits: it goes first."""


def make_next(*, task_id: str) -> bool:
    """Make the maps that wait longest, if any: a second, for CLIP several. Whether there were some to make."""
    making = heat_maps.claim_next(task_id=task_id)
    if making is None:
        return False
    try:
        making.finish(_explained(making))
    except (LostError, SteppedAsideError) as error:
        logger.info("heat maps of picture %d: %s", making.row.image_id, type(error).__name__)
    except (EngineError, PictureError, OSError) as error:
        logger.warning("no heat maps of picture %d: %r", making.row.image_id, error)
        making.fail(failures.classify(error).code)
    return True


def _explained(making: Making) -> dict[str, Any]:
    def advance(known: Sequence[Sequence[float]], total: int) -> None:
        making.advance(known, total)
        if len(known) < total and may_claim():
            making.step_aside()
            raise SteppedAsideError

    explainer = engine().explainer(making.row.model_key)
    picture = _picture(making.row.image_id, explainer.decode_at_least_px)
    advance(making.row.known, max(making.row.total, 1))
    return _as_json(explainer.explain(picture, making.labels, known=making.row.known, on_progress=advance))


def _picture(image_id: int, at_least_px: int) -> Image.Image:
    path = pictures.file_paths([image_id]).get(image_id)
    if path is None:
        raise LostError
    with default_storage.open(path) as file:
        return decode(cast("BinaryIO", file.file), max_pixels=settings.UPLOAD_MAX_PIXELS, at_least_px=at_least_px)


def _as_json(explanation: Explanation) -> dict[str, Any]:
    heats = (explanation.heat * HOTTEST).round().astype(int).tolist()
    return {
        "method": explanation.method,
        "seen": explanation.seen,
        "size_px": explanation.size_px,
        "maps": [{"label": label, "heat": heat} for label, heat in zip(explanation.labels, heats, strict=True)],
    }
