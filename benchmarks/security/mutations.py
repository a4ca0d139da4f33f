"""Good pictures cut off or altered, each known by its format, its number and a seed."""

import random
import struct
import zlib
from collections.abc import Iterator

from benchmarks.security import seed_files


def truncated(format_name: str, cuts: int = 20) -> Iterator[tuple[str, bytes]]:
    content = seed_files.seed_file(format_name)
    for cut in range(1, cuts + 1):
        end = round(len(content) * cut / (cuts + 1))
        yield f"{format_name} cut at {end}", content[:end]


def mutated(format_name: str, number: int, seed: int) -> bytes:
    """The file of this number: some bits flipped, bytes set, pieces doubled, moved or left out."""
    chance = random.Random(f"{format_name} {number} {seed}")  # noqa: S311
    content = bytearray(seed_files.seed_file(format_name))
    for _ in range(chance.randint(1, 12)):
        chance.choice(_MUTATIONS)(content, chance)
    return with_true_checksums(content) if format_name == "PNG" and number % 4 else bytes(content)


def with_true_checksums(content: bytearray) -> bytes:
    """A PNG whose chunks are sealed again: otherwise a checksum would stop every mutation at the door."""
    position = 8
    while position + 12 <= len(content):
        end = position + 8 + int.from_bytes(content[position : position + 4])
        content[end : end + 4] = struct.pack(">I", zlib.crc32(content[position + 4 : end]))
        position = end + 4
    return bytes(content)


def _place(content: bytearray, chance: random.Random) -> int:
    """Half of the time in the first part, where the headers are."""
    longest = max(len(content), 1)
    return chance.randrange(min(longest, 700)) if chance.random() < 0.5 else chance.randrange(longest)


def _flip(content: bytearray, chance: random.Random) -> None:
    if content:
        content[_place(content, chance)] ^= 1 << chance.randrange(8)


def _set(content: bytearray, chance: random.Random) -> None:
    if content:
        content[_place(content, chance)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))


def _set_number(content: bytearray, chance: random.Random) -> None:
    place = _place(content, chance)
    content[place : place + 4] = struct.pack(">I", chance.choice((0, 1, 2**15, 2**16, 2**31 - 1, 2**32 - 1)))


def _double(content: bytearray, chance: random.Random) -> None:
    place, length = _place(content, chance), chance.randint(1, 300)
    content[place:place] = content[place : place + length]


def _leave_out(content: bytearray, chance: random.Random) -> None:
    place = _place(content, chance)
    del content[place : place + chance.randint(1, 300)]


def _swap(content: bytearray, chance: random.Random) -> None:
    one, other, length = _place(content, chance), _place(content, chance), chance.randint(1, 64)
    content[one : one + length], content[other : other + length] = (
        content[other : other + length],
        content[one : one + length],
    )


_MUTATIONS = (_flip, _flip, _set, _set_number, _double, _leave_out, _swap)
