"""Whether the models that looked at one picture say the same of it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from analysis.presentation import ModelRun
from mlmodels.label_names import class_of, column_of


class Agreement(NamedTuple):
    """How many of the models put the same label first; no label where none of them has more voices than any other.

    The label is written as the model of that name and version does; `keys` are the models that say it. `lists_differ`
    where the models chose from different labels, so that one may have had no word for what others saw.
    """

    label: str | None
    model_name: str
    model_version: str
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
        return Agreement(None, "", "", 0, len(runs), lists_differ)
    alike = [run for run in runs if _said(run) == said]
    best, keys = alike[0].ranked[0], tuple(run.key for run in alike)
    return Agreement(*_columns(best), agreeing, len(runs), lists_differ, keys)


def _columns(result: dict[str, Any]) -> tuple[str, str, str]:
    return result["label"], result["model_name"], result["model_version"]


def _said(run: ModelRun) -> str:
    """The best label in words that are the same for every model: CLIP words ImageNet's classes in its own way."""
    best = run.ranked[0]
    known = class_of(*_columns(best))
    return normalised(known.label if known else best["label"])


def normalised(label: str) -> str:
    """A label without regard to case, hyphens, underscores and the synonyms that follow its first comma."""
    return " ".join(label.partition(",")[0].replace("_", " ").replace("-", " ").casefold().split())


def _label_list(run: ModelRun) -> str:
    """What the model chose from: ImageNet's classes, or labels that staff gave to CLIP or to a model of their own."""
    _label, name, version = _columns(run.ranked[0])
    return "ImageNet" if column_of(name, version) else run.key
