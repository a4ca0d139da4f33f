"""Whether the models that looked at one picture say the same of it."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from analysis.presentation import ModelRun
from mlmodels.models import MLModel


class Agreement(NamedTuple):
    """How many of the models put the same label first; no label where none of them has more voices than any other.

    `lists_differ` where the models chose from different labels, so that one may have had no word for what others saw.
    """

    label: str | None
    agreeing: int
    models: int
    lists_differ: bool


def agreement(runs: Sequence[ModelRun]) -> Agreement | None:
    """The agreement of the runs' first labels; None unless at least two models have answered."""
    if len(runs) < 2:
        return None
    written: dict[str, str] = {}
    for run in runs:
        written.setdefault(normalised(run.ranked[0]["label"]), run.ranked[0]["label"])
    voices = Counter(normalised(run.ranked[0]["label"]) for run in runs).most_common(2)
    (label, agreeing), lists_differ = voices[0], len({_label_list(run) for run in runs}) > 1
    if agreeing == 1 or [count for _label, count in voices] == [agreeing, agreeing]:
        return Agreement(None, 0, len(runs), lists_differ)
    return Agreement(written[label], agreeing, len(runs), lists_differ)


def normalised(label: str) -> str:
    """A label without regard to case, hyphens, underscores and the synonyms that follow its first comma."""
    return " ".join(label.partition(",")[0].replace("_", " ").replace("-", " ").casefold().split())


def _label_list(run: ModelRun) -> str:
    """What the model chose from: CLIP writes ImageNet's classes in words of its own, every custom model has its own."""
    name: str = run.ranked[0]["model_name"]
    own = {MLModel.Name.CUSTOM.value: run.key, MLModel.Name.CLIP.value: name}
    return own.get(name, "ImageNet")
