"""People who use an installation at once, and the files that they bring."""

import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from typing import NamedTuple

import httpx
from PIL import Image

from benchmarks.photographs import photographs
from imageanalysis.tests.application import Person
from mlmodels.tests.photographs import photograph_path

DIFFERENT = 16
TURNED, MAKER = 0x0112, 0x010F


class File(NamedTuple):
    name: str
    content: bytes
    is_whole: bool = True


def files(number: int) -> list[File]:
    """So many files of every format that is taken, and of some that are not."""
    kinds = [*(_written(content, n) for n, content in enumerate(photographs(DIFFERENT))), *_heic(), *_broken()]
    return [file._replace(name=f"{n:03}-{file.name}") for n, file in enumerate(islice(cycle(kinds), number))]


def _written(content: bytes, number: int) -> File:
    """The photograph in one of the formats; JPEGs as a phone that was held sideways writes them."""
    suffix, kind = (("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("avif", "AVIF"), ("tif", "TIFF"))[number % 5]
    exif = Image.Exif()
    exif[TURNED], exif[MAKER] = 6, "A phone"
    file = io.BytesIO()
    with Image.open(io.BytesIO(content)) as picture:
        picture.save(file, kind, **({"exif": exif} if kind == "JPEG" else {}))
    return File(f"photograph.{suffix}", file.getvalue())


def _heic() -> list[File]:
    names = ("coffee_as_1", "coffee_as_6", "chelsea_rotated")
    return [File(f"{name}.heic", photograph_path(name).read_bytes()) for name in names]


def _broken() -> list[File]:
    whole = photographs(1)[0]
    half = whole[: len(whole) // 2]
    contents = {"cut.jpg": half, "empty.png": b"", "letter.jpg": b"Dear Sir or Madam", "p.zip": b"PK\3\4"}
    return [File(name, content, is_whole=False) for name, content in contents.items()]


def send(person: Person, file: File, *, model: str = "", priority: str = "normal") -> httpx.Response:
    """One file, as the page's script sends it."""
    return person.client.post(
        "/images/upload/",
        data={"csrfmiddlewaretoken": person.token, "model": model, "priority": priority},
        files={"files": (file.name, file.content)},
        headers={"Accept": "application/json"},
    )


@contextmanager
def together(work: Callable[[], None]) -> Iterator[None]:
    """The work is done while `with` lasts, and is over after it; what it raises is raised."""
    with ThreadPoolExecutor(1) as other:
        done = other.submit(work)
        yield
        done.result()


class Uploads:
    """What was acknowledged and what was refused, of uploads of several people at once."""

    def __init__(self) -> None:
        self.taken: dict[int, Person] = {}
        self.codes: Counter[str] = Counter()
        self.wrong: list[str] = []

    def __str__(self) -> str:
        return ", ".join(f"{count} x {answer}" for answer, count in self.codes.most_common())

    def send_all(self, people: Sequence[Person], brought: Sequence[File], **wish: str) -> None:
        """Each person sends an equal share, all at the same time."""
        with ThreadPoolExecutor(len(people)) as senders:
            for n, person in enumerate(people):
                senders.submit(self._send_share, person, brought[n :: len(people)], wish)

    def _send_share(self, person: Person, share: Sequence[File], wish: dict[str, str]) -> None:
        for file in share:
            self.send(person, file, **wish)

    def send(self, person: Person, file: File, **wish: str) -> None:
        try:
            answer = send(person, file, **wish)
        except httpx.TransportError as error:
            self.codes[type(error).__name__] += 1
            return
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        said = answer.json() if is_json else {}
        refused = [error["code"] for error in said.get("errors", ())]
        self.codes[" ".join([str(answer.status_code), *refused])] += 1
        self.taken.update({image["id"]: person for image in said.get("images", ())})
        if answer.status_code not in (201, 400, 502, 503, 504) or (answer.status_code == 201) > file.is_whole:
            self.wrong.append(f"{file.name} was answered {answer.status_code}: {answer.text[:200]}")
