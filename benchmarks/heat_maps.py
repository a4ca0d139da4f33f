"""What heat maps cost: `python -m benchmarks.heat_maps`.

For each model of the catalogue the time of one pass forward of one picture in plain torch on one thread, and that of
the maps of five labels once the model is loaded; and the longest time between two looks at the queue, which a picture
that comes in between may have to wait. Weights that do not come with a package are drawn from a seed: untrained
networks are as fast as trained ones. The least of several turns, a pass and the maps in turn, so that a busy machine
favours neither.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from mlmodels.inference import catalogue
from mlmodels.inference.catalogue import ModelSpec
from mlmodels.inference.engine import Engine
from mlmodels.inference.golden_pictures import golden_pictures
from mlmodels.inference.heat.explaining import Explainer
from mlmodels.inference.heat.explanation import Scores
from mlmodels.inference.networks import Network
from mlmodels.tests import seeded_weights

LABELS_A_PICTURE = 5


def network_of(spec: ModelSpec, folder: Path) -> Network:
    """The network with its own weights if they come with a package, else with seeded ones."""
    if catalogue.weights_path(spec, folder) is None:
        seeded_weights.seeded(spec.key, folder)
    return Engine(folder, cache_dir=folder).network(spec.key)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measured(network: Network, key: str, turns: int) -> None:
    explainer, (picture, *_others) = Explainer(network), golden_pictures(1)
    pixels = torch.from_numpy(network.preprocessing.apply(picture))[None]
    labels = list(network.labels[:LABELS_A_PICTURE])
    moments: list[list[float]] = []

    def note(_known: Sequence[Scores], _total: int) -> None:
        moments[-1].append(time.perf_counter())

    def forward() -> None:
        with torch.inference_mode():
            network.module(pixels)

    def maps() -> None:
        moments.append([time.perf_counter()])
        explainer.explain(picture, labels, on_progress=note)

    forward()
    turn = [(seconds(forward), seconds(maps)) for _ in range(turns)]
    once, all_maps = (min(times) for times in zip(*turn, strict=True))
    steps = min(max(b - a for a, b in zip(each, [*each[1:], each[0] + all_maps], strict=True)) for each in moments)
    print(
        f"{key:20} {1000 * once:7.0f} ms forward  {1000 * all_maps:7.0f} ms maps  {all_maps / once:5.1f} passes"
        f"  steps aside within {1000 * steps:5.0f} ms",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    turns = parser.parse_args().turns
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        for spec in catalogue.MODELS.values():
            measured(network_of(spec, Path(folder)), spec.key, turns)


if __name__ == "__main__":
    main()
