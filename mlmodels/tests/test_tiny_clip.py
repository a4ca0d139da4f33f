"""A CLIP that knows what it is talking about, from its checkpoint through the real engine."""

import itertools
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mlmodels.inference import pictures
from mlmodels.inference.classifier import Classifier, Prediction
from mlmodels.inference.engine import Engine, Options
from mlmodels.inference.heat.explaining import Explainer
from mlmodels.inference.heat.occlusion import CELLS
from mlmodels.inference.networks import Network
from mlmodels.tests import drawings, tiny_clip
from mlmodels.tests.drawings import COLOURS, LABELS, SHAPES, THINGS
from mlmodels.tests.photographs import MAX_PIXELS, written
from mlmodels.tests.teaching import Lesson

SETS = 10


@pytest.fixture(scope="module")
def weights_dir(tiny_clip_lesson: Lesson) -> Path:
    """A folder with the checkpoint."""
    return tiny_clip_lesson.weights_dir()


@pytest.fixture
def load(weights_dir: Path, tmp_path: Path) -> Callable[..., Classifier]:
    """Loads the tiny CLIP with other labels or by another runtime; every time a new engine, all with one cache."""

    def loaded(labels: Sequence[str] = LABELS, *, runtime: str = "torch") -> Classifier:
        spec = tiny_clip.spec(labels)
        engine = Engine(weights_dir, find={spec.key: spec}.__getitem__, cache_dir=tmp_path, options=Options(runtime))
        return engine.load(spec.key)

    return loaded


@pytest.fixture(scope="module")
def held_out() -> list[Image.Image]:
    """SETS drawings of each thing that the network never saw."""
    chance = random.Random("held out")
    return [drawing for _ in range(SETS) for drawing in drawings.set_of_all(chance)]


def answers(classifier: Classifier, drawn: Sequence[Image.Image]) -> list[Prediction]:
    """The first label of each drawing, which comes as a file."""
    seen = [
        pictures.decode(written(drawing, "PNG"), max_pixels=MAX_PIXELS, at_least_px=classifier.decode_at_least_px)
        for drawing in drawn
    ]
    return [found[0] for found in classifier.classify([classifier.preprocess(picture) for picture in seen])]


def share_right(found: Sequence[Prediction], right: Sequence[str]) -> float:
    """Of the held-out drawings, where `right` is what to say to one set of them."""
    return float(np.mean([prediction.label == label for prediction, label in zip(found, [*right] * SETS, strict=True)]))


def embedded(folder: Path) -> list[Path]:
    return sorted(folder.glob("labels-*.npy"))


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_a_red_circle_is_a_red_circle(load: Callable[..., Classifier], runtime: str) -> None:
    classifier = load(runtime=runtime)
    found = answers(classifier, [drawings.drawing("red", "circle", random.Random(seed)) for seed in range(8)])

    assert classifier.execution.runtime == runtime
    assert [prediction.label for prediction in found] == ["red circle"] * 8
    assert min(prediction.confidence for prediction in found) > 50


def test_drawings_that_it_never_saw_are_called_what_they_are(
    load: Callable[..., Classifier], held_out: list[Image.Image]
) -> None:
    assert share_right(answers(load(), held_out), LABELS) >= 0.95


@pytest.mark.parametrize(
    ("labels", "right"),
    [(COLOURS, [colour for colour, _ in THINGS]), (SHAPES, [shape for _, shape in THINGS])],
    ids=["colours", "shapes"],
)
def test_the_same_weights_answer_what_they_are_asked(
    load: Callable[..., Classifier], held_out: list[Image.Image], labels: Sequence[str], right: Sequence[str]
) -> None:
    assert share_right(answers(load(tuple(labels)), held_out), right) >= 0.95


def test_the_order_of_the_labels_does_not_matter(load: Callable[..., Classifier], held_out: list[Image.Image]) -> None:
    one, other = answers(load(), held_out), answers(load(LABELS[::-1]), held_out)

    assert [found.label for found in one] == [found.label for found in other]
    assert [found.confidence for found in one] == pytest.approx([found.confidence for found in other], abs=1e-3)


def test_labels_are_embedded_once_and_read_from_then_on(
    load: Callable[..., Classifier], held_out: list[Image.Image], tmp_path: Path
) -> None:
    """Who exchanges the rows of the kept embeddings exchanges the answers."""
    honest = answers(load(), held_out)
    (kept,) = embedded(tmp_path)
    np.save(kept, np.load(kept)[::-1])
    mistaken = answers(load(), held_out)

    exchanged = dict(zip(LABELS, reversed(LABELS), strict=True))
    assert [found.label for found in mistaken] == [exchanged[found.label] for found in honest]


def test_another_list_of_labels_is_embedded_beside_the_first(load: Callable[..., Classifier], tmp_path: Path) -> None:
    load()
    (first,) = embedded(tmp_path)
    load(LABELS[:-1])

    assert len(embedded(tmp_path)) == 2
    assert first in embedded(tmp_path)


def test_the_contact_sheet_shows_every_drawing(tmp_path: Path) -> None:
    names, drawn = zip(*tiny_clip.shown(7), strict=True)
    sheet = tiny_clip.contact_sheet(drawn, [[Prediction(name, 99)] for name in names])

    assert len(set(names)) == 7
    assert sheet.crop((20, 8, 116, 104)).tobytes() == drawn[0].tobytes()
    assert sheet.crop((20, 152, 116, 248)).tobytes() == drawn[6].tobytes()


QUARTERS = list(itertools.product((0.27, 0.73), repeat=2))
DIFFERENT_THINGS = [("red", "circle"), ("blue", "square"), ("yellow", "triangle"), ("green", "star")]


@pytest.fixture(scope="module")
def network(weights_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Network:
    spec, cache_dir = tiny_clip.spec(), tmp_path_factory.mktemp("embedded")
    return Engine(weights_dir, find={spec.key: spec}.__getitem__, cache_dir=cache_dir).network(spec.key)


def canvas(*things: tuple[tuple[str, str], tuple[float, float]]) -> Image.Image:
    """Plain shapes with their middles at these parts of the width and height."""
    side = drawings.SIDE_PX
    picture = Image.new("RGB", (side, side), (128, 128, 128))
    for (colour, shape), (across, down) in things:
        corners = [((across + 0.26 * x) * side, (down + 0.26 * y) * side) for x, y in SHAPES[shape]]
        ImageDraw.Draw(picture).polygon(corners, fill=COLOURS[colour])
    return picture


def quarters_where_seen(network: Network, picture: Image.Image, *things: tuple[str, str]) -> list[tuple[float, float]]:
    """The quarter of the picture that the middle of each thing's heat lies in."""
    labels = [" ".join(thing) for thing in things]
    explained = Explainer(network).explain(picture, labels, on_progress=lambda _known, _total: None)
    assert explained.method == "occlusion"
    centres = (np.arange(CELLS) + 0.5) / CELLS
    middles = [[np.average(centres, weights=heat.sum(axis=axis)) for axis in (0, 1)] for heat in explained.heat]
    return [(0.27 if across < 0.5 else 0.73, 0.27 if down < 0.5 else 0.73) for across, down in middles]


@pytest.mark.parametrize("thing", DIFFERENT_THINGS, ids=" ".join)
def test_a_thing_is_seen_in_the_quarter_that_it_lies_in(network: Network, thing: tuple[str, str]) -> None:
    found = [quarters_where_seen(network, canvas((thing, quarter)), thing) for quarter in QUARTERS]

    assert found == [[quarter] for quarter in QUARTERS]


def test_two_labels_of_one_picture_are_seen_in_two_places(network: Network) -> None:
    first, last = QUARTERS[0], QUARTERS[-1]
    pairs = list(itertools.combinations(DIFFERENT_THINGS, 2))

    found = [quarters_where_seen(network, canvas((one, first), (other, last)), one, other) for one, other in pairs]

    assert [one for one, _other in found] == [first] * len(pairs)
    assert [other for _one, other in found].count(last) >= len(pairs) - 1  # a green star beside red is hard to see
