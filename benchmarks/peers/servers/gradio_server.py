"""Gradio with its queue and batching: `python -m` this module PORT."""

import sys
from pathlib import Path
from typing import Any

import gradio

from benchmarks.peers.servers.eager import BATCH_SIZE, IS_TUNED, Eager

eager = Eager()


def classify(files: list[str]) -> list[list[Any]]:
    """A batch of pictures' paths; a list with one list of outputs."""
    return [eager.classified([eager.prepared(Path(file).read_bytes()) for file in files])]


with gradio.Blocks() as blocks:
    picture, labels = gradio.File(), gradio.JSON()
    picture.upload(
        classify,
        picture,
        labels,
        api_name="classify",
        batch=True,
        max_batch_size=BATCH_SIZE,
        concurrency_limit=2 if IS_TUNED else 1,
    )

if __name__ == "__main__":
    blocks.queue(max_size=None).launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), quiet=True)
