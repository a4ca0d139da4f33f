"""Mutated and cut-off pictures before real decoders: each is seen or refused, nothing dies, nothing hangs.

    python -m benchmarks.security.fuzz [--mutations 1000] [--pictures 10] [--seed 1]

Truncations are held against an oracle: a file is refused exactly when Pillow alone cannot load it. A mutation is named
by its format, number and seed, and can be made again by `mutations.mutated`.
"""

import argparse
import io
import struct
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pi_heif
from PIL import Image

from benchmarks.photographs import photographs
from benchmarks.security import seed_files
from benchmarks.security.mutations import mutated
from mlmodels.inference.decoding.messages import Request
from mlmodels.inference.decoding.pool import Allowance, DecoderError, DecoderPool
from mlmodels.inference.pictures import PictureError

CUTS = 20
REQUEST = Request(max_pixels=250_000_000, thumbnail_side_px=640)
STRIPPING = Request(max_pixels=250_000_000, thumbnail_side_px=640, strips_metadata=True)
_RAISED = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, RuntimeError)


@dataclass
class Tally:
    outcomes: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def look(pool: DecoderPool, content: bytes, request: Request) -> str:
    """What became of it: "seen", a refusal's code, or "!" and what should never come about."""
    with tempfile.TemporaryFile(dir="/dev/shm") as file:
        file.write(content)
        file.seek(0)
        try:
            pool.look(file.fileno(), request, owner=1)
        except PictureError as error:
            return error.code
        except DecoderError as error:
            return f"!{error.code}"
    return "seen"


def pillow_loads(content: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
    except (*_RAISED, struct.error, zlib.error):
        return False
    return True


def fuzz(pool: DecoderPool, format_name: str, numbers: Sequence[int], seed: int) -> Tally:
    """Every other one with the wish to remove what it tells beside its picture."""
    tally = Tally()

    def attempt(number: int) -> tuple[int, str, float]:
        content = mutated(format_name, number, seed)
        began = time.perf_counter()
        outcome = look(pool, content, STRIPPING if number % 2 else REQUEST)
        return number, outcome, (time.perf_counter() - began) * 1000

    with ThreadPoolExecutor(2) as threads:
        for number, outcome, took_ms in threads.map(attempt, numbers):
            tally.outcomes[outcome] += 1
            tally.milliseconds.append(took_ms)
            if outcome.startswith("!"):
                tally.broken.append(f"{format_name} {number} {seed}: {outcome}")
    return tally


def cut_files(format_name: str, pictures: int) -> Iterator[bytes]:
    if format_name == "HEIF":  # Pillow cannot write it
        sources = [seed_files.seed_file("HEIF")]
    else:
        options = {"save_all": True} if format_name == "MPO" else {}
        sources = []
        for content in photographs(pictures):
            with Image.open(io.BytesIO(content)) as image:
                sources.append(seed_files.written(image.convert("RGB"), format_name, **options))
    for source in sources:
        for cut in range(1, CUTS + 1):
            yield source[: round(len(source) * cut / (CUTS + 1))]


def disagreements(pool: DecoderPool, format_name: str, pictures: int) -> tuple[int, list[int]]:
    """How many cut files there were, and the lengths of those about which decoder and oracle differ."""
    pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    cut = list(cut_files(format_name, pictures))
    differing = [len(each) for each in cut if (look(pool, each, REQUEST) == "seen") != pillow_loads(each)]
    return len(cut), differing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutations", type=int, default=1000, help="of each format")
    parser.add_argument("--pictures", type=int, default=10, help=f"to cut in {CUTS} places")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pool = DecoderPool(Allowance(processes=4, seconds=30, memory_bytes=2**32))
    for format_name in seed_files.FORMATS:
        tally = fuzz(pool, format_name, range(options.mutations), options.seed)
        cut, differing = disagreements(pool, format_name, options.pictures)
        times = sorted(tally.milliseconds)
        print(
            f"{format_name:5} {dict(tally.outcomes)}; ms median {times[len(times) // 2]:.0f}, max {times[-1]:.0f}; "
            f"cut {cut}, disagreements {differing}; broken {tally.broken}",
            flush=True,
        )
    pool.close()


if __name__ == "__main__":
    main()
