"""LitServe with dynamic batching: `python -m` this module PORT."""

import sys
from typing import Any

import litserve
import torch
from fastapi import UploadFile

from benchmarks.peers.servers.eager import BATCH_SIZE, IS_TUNED, Eager


class Api(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.eager = Eager()

    def decode_request(self, request: UploadFile) -> torch.Tensor:
        return self.eager.prepared(request.file.read())

    def predict(self, pixels: Any) -> Any:
        return self.eager.classified(pixels)

    def batch(self, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
        return inputs

    def unbatch(self, output: list[Any]) -> list[Any]:
        return output

    def encode_response(self, output: Any) -> Any:
        return {"labels": output}


if __name__ == "__main__":
    api = Api(max_batch_size=BATCH_SIZE, batch_timeout=0.01)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=2 if IS_TUNED else 1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="error")
