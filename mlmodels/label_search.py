"""Which of ImageNet's labels a searched word means: all kinds of what it names, and other names of one class.

`imagenet_groups.tsv` has one line for each general word, "dog" or 犬: its names in English and Japanese, and the
classes that are kinds of it, counted from 0 in the order of `imagenet_labels.tsv`. That order follows WordNet, so that
most groups of animals are a range or two.
"""

import csv
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from mlmodels.label_names import ImageNetClass, classes

TABLE = Path(__file__).with_name("imagenet_groups.tsv")
# From the first hiragana letter to the katakana letter of the same sound.
_TO_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}

# Only behind these an English plural has "es": "lines" are no "lin", or else violins.
_AFTER_HISSING = [(f"{last}es", last) for last in ("s", "x", "z", "ch", "sh", "o")]


def labels_meant(word: str) -> list[str]:
    """The labels, as any list writes them, of the classes that the word means.

    A general word means its kinds and nothing else: トリ no retriever. Any other word means the classes with it in
    their Japanese name or in the English one of another list, and "penguins" whatever is called "… penguin". Hiragana
    finds katakana, and names are found without the dots between their parts. Labels with the very word in them are
    left out, unless they are kinds: whoever looks for the word finds them anyway.
    """
    kinds = _kinds_of(word)
    if kinds is not None:
        return sorted(_labels(kinds))
    called = [known for known, names in _names() if _is_called(names, _folded(word))]
    return sorted(label for label in _labels(called) if word.casefold() not in label.casefold())


def labels_by_chance(word: str) -> list[str]:
    """The labels that hold the letters of a general word and are no kind of it: "hotdog" for "dog"."""
    kinds, lowered = _kinds_of(word), word.casefold()
    if kinds is None:
        return []
    others = _labels(classes()) - _labels(kinds)
    return sorted(label for label in others if lowered in label.casefold() and lowered != label.casefold())


@cache
def groups() -> dict[str, tuple[ImageNetClass, ...]]:
    """The kinds by each general word, folded."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {
        _folded(name): tuple(classes()[index] for index in _indices(row["classes"]))
        for row in rows
        for name in (row["en"] + " " + row["ja"]).split()
    }


def _indices(ranges: str) -> Iterator[int]:
    for part in ranges.split():
        first, _dash, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _kinds_of(word: str) -> tuple[ImageNetClass, ...] | None:
    """None for a word that names no group, neither as it stands nor in the singular."""
    folded = _folded(word)
    names = (folded, *_singulars(folded))
    return next((groups()[name] for name in names if name in groups()), None)


def _is_called(names: list[str], folded: str) -> bool:
    plural_of = tuple(_singulars(folded))
    return bool(folded) and any(folded in name or name.endswith(plural_of) for name in names)


def _singulars(word: str) -> Iterator[str]:
    """What an English plural may come from, most likely first."""
    for ending, singular in (("ies", "y"), ("s", ""), *_AFTER_HISSING):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            yield word.removesuffix(ending) + singular


@cache
def _names() -> list[tuple[ImageNetClass, list[str]]]:
    """The classes, each with all its names, folded."""
    return [(known, [_folded(name) for name in known]) for known in classes()]


def _labels(found: Iterable[ImageNetClass]) -> set[str]:
    return {label for known in found for label in (known.label, known.clip)}


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().translate(_TO_KATAKANA).replace("・", "").replace(" ", "")
