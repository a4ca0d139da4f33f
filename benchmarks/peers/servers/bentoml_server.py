"""BentoML with adaptive batching: `bentoml serve benchmarks.peers.servers.bentoml_server:Classifier --port PORT`."""

from pathlib import Path
from typing import Any

import bentoml

from benchmarks.peers.servers.eager import BATCH_SIZE, IS_TUNED, Eager


@bentoml.service(workers=2 if IS_TUNED else 1, traffic={"timeout": 120})
class Classifier:
    def __init__(self) -> None:
        self.eager = Eager()

    @bentoml.api(batchable=True, max_batch_size=BATCH_SIZE, max_latency_ms=10_000)  # type: ignore[untyped-decorator]
    def classify(self, files: list[Path]) -> list[dict[str, Any]]:
        pixels = [self.eager.prepared(Path(file).read_bytes()) for file in files]
        return [{"labels": labels} for labels in self.eager.classified(pixels)]
