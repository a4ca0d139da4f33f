"""Settings of a worker process that make inference fast; made once, in the child, before the first model."""

import ctypes
import os
import sys

# <malloc.h>
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

_MMAP_THRESHOLD_BYTES = 1024**3
_TRIM_THRESHOLD_BYTES = 2 * 1024**3 - 1


def prepare_worker_process(threads: int) -> None:
    """Keep freed memory in the process, and let torch use `threads` threads.

    Does not import torch: a pool expects its children to report within seconds, and the engine imports it
    with the first model. Call before that.
    """
    _keep_freed_memory()
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def _keep_freed_memory() -> None:
    """Stop glibc from returning every activation to the system.

    Eager torch frees each layer's output; with the default thresholds a batch of eight or more spends its
    time in page faults (depthwise networks run two to three times slower). Memory stays at its peak instead.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _TRIM_THRESHOLD_BYTES)
