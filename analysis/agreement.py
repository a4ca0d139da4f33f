"""Whether the models that looked at one picture say the same of it."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from analysis.presentation import ModelRun
from mlmodels.label_names import class_of
from mlmodels.models import MLModel


class Agreement(NamedTuple):
    """How many of the models put the same label first; no label where none of them has more voices than any other.

    The label is written as the model of `model_name` does; `keys` are the models that say it. `lists_differ` where the
    models chose from different labels, so that one may have had no word for what others saw.
    """

    label: str | None
    model_name: str
    agreeing: int
    models: int
    lists_differ: bool
    keys: tuple[str, ...] = ()


def agreement(runs: Sequence[ModelRun]) -> Agreement | None:
    """The agreement of the runs' first labels; None unless at least two models have answered."""
    if len(runs) < 2:
        return None
    voices = Counter(map(_said, runs)).most_common(2)
    (said, agreeing), lists_differ = voices[0], len(set(map(_label_list, runs))) > 1
    if agreeing == 1 or [count for _said, count in voices] == [agreeing, agreeing]:
        return Agreement(None, "", 0, len(runs), lists_differ)
    alike = [run for run in runs if _said(run) == said]
    best, keys = alike[0].ranked[0], tuple(run.key for run in alike)
    return Agreement(best["label"], best["model_name"], agreeing, len(runs), lists_differ, keys)


def _said(run: ModelRun) -> str:
    """The best label in words that are the same for every model: CLIP words ImageNet's classes in its own way."""
    best = run.ranked[0]
    known = class_of(best["label"], best["model_name"])
    return normalised(known.label if known else best["label"])


def normalised(label: str) -> str:
    """A label without regard to case, hyphens, underscores and the synonyms that follow its first comma."""
    return " ".join(label.partition(",")[0].replace("_", " ").replace("-", " ").casefold().split())


def _label_list(run: ModelRun) -> str:
    """What the model chose from: ImageNet's classes, or labels that staff gave to CLIP or to a model of their own."""
    names = (MLModel.Name.CLIP, MLModel.Name.CUSTOM)
    may_be_own = any(run.ranked[0]["model_name"] == name for name in names)
    is_own = may_be_own and not all(class_of(result["label"], result["model_name"]) for result in run.ranked)
    return run.key if is_own else "ImageNet"
