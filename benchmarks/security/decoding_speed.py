"""Pictures a second that uploads are looked at: in the web process itself, and in its decoders.

    python -m benchmarks.security.decoding_speed [--pictures 200] [--rounds 7]

As many threads as there are cores ask at once, like those of a web process; the two ways alternate.
"""

import argparse
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from benchmarks.photographs import photographs
from benchmarks.security.seed_files import written
from mlmodels.inference.decoding.look import look
from mlmodels.inference.decoding.messages import Request
from mlmodels.inference.decoding.pool import Allowance, DecoderPool

REQUEST = Request(max_pixels=250_000_000, thumbnail_side_px=640)
LARGE_PX = (4000, 3000)
THREADS = os.cpu_count() or 1


def here(content: bytes) -> None:
    look(
        content,
        max_pixels=REQUEST.max_pixels,
        thumbnail_side_px=REQUEST.thumbnail_side_px,
        strips_metadata=REQUEST.strips_metadata,
    )


def in_decoder(pool: DecoderPool, content: bytes) -> None:
    """With the copy that a file in memory is lent by."""
    with tempfile.TemporaryFile(dir="/dev/shm") as copy:
        copy.write(content)
        copy.seek(0)
        pool.look(copy.fileno(), REQUEST, owner=1)


def rate(look_at: Callable[[bytes], None], files: list[bytes]) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(look_at, files))
    return len(files) / (time.perf_counter() - began)


def compare(name: str, files: list[bytes], pool: DecoderPool, rounds: int) -> None:
    ways: list[Callable[[bytes], None]] = [here, lambda content: in_decoder(pool, content)]
    for way in ways:
        rate(way, files[: 2 * THREADS])
    rates: list[list[float]] = [[], []]
    for number in range(rounds):
        for index in (0, 1) if number % 2 else (1, 0):
            rates[index].append(rate(ways[index], files))
    ratios = [decoders / process for process, decoders in zip(*rates, strict=True)]
    process, decoders = (statistics.median(each) for each in rates)
    print(
        f"{name}: in the process {process:.1f}/s, in decoders {decoders:.1f}/s; "
        f"ratio, median {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    )


def enlarged(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as image:
        return written(image.convert("RGB").resize(LARGE_PX), "JPEG", quality=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    files = photographs(options.pictures)
    pool = DecoderPool(Allowance(processes=2 * THREADS, seconds=30, memory_bytes=2**32))
    compare("photographs of 500 x 375", files, pool, options.rounds)
    large = [enlarged(content) for content in files[:4]] * max(1, options.pictures // 20)
    compare("photographs of 12 megapixels", large, pool, options.rounds)
    pool.close()


if __name__ == "__main__":
    main()
