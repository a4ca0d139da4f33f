"""Trains a CLIP of two tiny towers on drawings until it knows a red circle, and shows what it says about new ones.

    python -m mlmodels.tests.tiny_clip [--sheet FILE.jpg | --into FOLDER]

The loss, the tokenizer and the prompts are open_clip's own; half a minute of one core. Its checkpoint goes the way of
every other one: safetensors with a checksum in the folder of weights, through the engine.
"""

import argparse
import itertools
import math
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import open_clip
import torch
from PIL import Image, ImageDraw, ImageFont

from mlmodels.inference import zero_shot
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.classifier import Classifier, Prediction
from mlmodels.inference.engine import Engine
from mlmodels.inference.weights import StoredWeights
from mlmodels.tests import seeded_weights
from mlmodels.tests.drawings import COLOURS, LABELS, SHAPES, SIDE_PX, THINGS, drawing, set_of_all

# CLIP's own kind of ResNet as its picture tower: a vision transformer of this size tells colours apart after a few
# thousand drawings, and no shapes.
ARCHITECTURE = "tiny-clip"
open_clip.add_model_config(Path(__file__).with_name("data") / f"{ARCHITECTURE}.json")

SEED = 5
DIFFERENT_SETS, SETS_PER_STEP, STEPS = 250, 2, 700
LEARNING_RATE = 4e-3
LARGEST_LOGIT_SCALE = math.log(100)  # as in the paper and in open_clip's own training


def spec(labels: Sequence[str] = LABELS, *, version: str = "drawings") -> ModelSpec:
    """The tiny CLIP as a model that looks for these labels."""
    weights = StoredWeights("tiny-clip.safetensors")
    return ModelSpec(
        "clip", version, library="open_clip", architecture=ARCHITECTURE, weights=weights, labels=tuple(labels)
    )


def trained() -> torch.nn.Module:
    """A model of open_clip that has seen a few thousand drawings, in evaluation mode."""
    with torch.random.fork_rng(), _one_thread():
        torch.manual_seed(SEED)
        model, _, transform = open_clip.create_model_and_transforms(ARCHITECTURE, load_weights=False)
        chance = random.Random(SEED)
        sets = [
            torch.stack([transform(picture) for picture in set_of_all(chance)]).to(memory_format=torch.channels_last)
            for _ in range(DIFFERENT_SETS)
        ]
        _train(model.train().to(memory_format=torch.channels_last), sets, _captions(), chance)
    return model.eval().to(memory_format=torch.contiguous_format)


@contextmanager
def _one_thread() -> Iterator[None]:
    """For networks this small a second thread gains nothing, and the sums would depend on the number of cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _captions() -> torch.Tensor:
    """Tokens, shape (labels, templates, length): things, colours and shapes in each of open_clip's prompts."""
    texts = [template(label) for label in (*LABELS, *COLOURS, *SHAPES) for template in zero_shot.TEMPLATES]
    tokens: torch.Tensor = open_clip.get_tokenizer(ARCHITECTURE)(texts)
    return tokens.unflatten(0, (-1, len(zero_shot.TEMPLATES)))


def _train(model: torch.nn.Module, sets: Sequence[torch.Tensor], captions: torch.Tensor, chance: random.Random) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.05, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=STEPS, pct_start=0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        seen = [_turned(chance.choice(sets), chance) for _ in range(SETS_PER_STEP)]
        said = torch.stack([chance.choice(list(prompts)) for prompts in captions])
        _loss(model, seen, said).backward()
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            model.get_parameter("logit_scale").clamp_(0, LARGEST_LOGIT_SCALE)


def _turned(pictures: torch.Tensor, chance: random.Random) -> torch.Tensor:
    turned = pictures.rot90(chance.randrange(4), (2, 3))
    return turned.flip(3) if chance.random() < 0.5 else turned


def _loss(model: torch.nn.Module, sets: Sequence[torch.Tensor], captions: torch.Tensor) -> torch.Tensor:
    """Mean of CLIP's loss over groups in which every caption fits one picture only: all things, the colours of each
    shape, and the shapes of each colour."""
    pictures = model.encode_image(torch.cat(list(sets)), normalize=True)
    texts = model.encode_text(captions, normalize=True).split([len(LABELS), len(COLOURS), len(SHAPES)])
    grids = pictures.unflatten(0, (len(sets), len(COLOURS), len(SHAPES)))
    of_things = _mean_loss(model, grids.flatten(1, 2), texts[0])
    of_colours = _mean_loss(model, grids.transpose(1, 2).flatten(0, 1), texts[1])
    of_shapes = _mean_loss(model, grids.flatten(0, 1), texts[2])
    return of_things + (of_colours + of_shapes) / 2


def _mean_loss(model: torch.nn.Module, groups: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
    loss, scale = open_clip.ClipLoss(), model.get_parameter("logit_scale").exp()
    return torch.stack([loss(group, texts, scale) for group in groups]).mean()


def shown(count: int, seed: int = 2) -> Iterator[tuple[str, Image.Image]]:
    """New drawings with what is on them."""
    chance = random.Random(seed)
    things = itertools.islice(itertools.cycle(chance.sample(THINGS, len(THINGS))), count)
    for colour, shape in things:
        yield f"{colour} {shape}", drawing(colour, shape, chance)


def contact_sheet(
    pictures: Sequence[Image.Image], answers: Sequence[Sequence[Prediction]], *, columns: int = 6
) -> Image.Image:
    """The drawings with their first labels below."""
    cell_width_px, cell_height_px = SIDE_PX + 40, SIDE_PX + 48
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * cell_width_px, rows * cell_height_px), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for number, (picture, answer) in enumerate(zip(pictures, answers, strict=True)):
        left, top = number % columns * cell_width_px, number // columns * cell_height_px
        sheet.paste(picture, (left + 20, top + 8))
        words = f"{answer[0].label}\n{answer[0].confidence:.1f} %"
        middle = (left + cell_width_px / 2, top + SIDE_PX + 26)
        pen.multiline_text(middle, words, "#222", font, anchor="mm", align="center")
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheet", type=Path, help="save the drawings with the answers as one picture")
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="only write the checkpoint, into this folder")
    options = parser.parse_args()
    if options.into:
        seeded_weights.written(spec(), options.into, trained())
        return
    with tempfile.TemporaryDirectory() as folder:
        seeded_weights.written(spec(), Path(folder), trained())
        classifier = Engine(Path(folder), find=lambda _key: spec()).load(spec().key)
        show(classifier, options.sheet)


def show(classifier: Classifier, sheet: Path | None) -> None:
    """Print what it says about new drawings, and draw it."""
    names, pictures = zip(*shown(12), strict=True)
    answers = classifier.classify([classifier.preprocess(picture) for picture in pictures], top_k=3)
    for name, answer in zip(names, answers, strict=True):
        found = ", ".join(f"{each.label} {each.confidence:.1f} %" for each in answer)
        print(f"{'right' if answer[0].label == name else 'WRONG'}  {name:16}  {found}")
    if sheet:
        contact_sheet(pictures, answers).save(sheet, quality=85, optimize=True)


if __name__ == "__main__":
    main()
