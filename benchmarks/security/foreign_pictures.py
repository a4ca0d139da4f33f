"""Whether the time of an answer tells that a picture exists which belongs to somebody else.

    python -m benchmarks.security.foreign_pictures [--tries 2000]

A person asks, in turns and in random order, for another person's picture and for one that never was, at each address
that a picture has. 0.5 tells nothing (see benchmarks.security.enumeration).
"""

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.photographs import photographs
from benchmarks.security.enumeration import auc
from imageanalysis.tests.application import Application, Person

ADDRESSES = ("", "timeline/", "results.json", "file/", "thumbnail/")
NEVER_WAS = 9


def asked(person: Person, address: str) -> float:
    began = time.perf_counter()
    status = person.client.get(address).status_code
    seconds = time.perf_counter() - began
    assert status == 404, (address, status)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=2000)
    tries = parser.parse_args().tries
    print("| address | somebody's, median | nobody's, median | AUC |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, Application(Path(folder)) as application:
        Person(application.url, "administrator")
        owner, stranger = Person(application.url, "owner"), Person(application.url, "stranger")
        picture = owner.upload("picture.jpg", photographs(1)[0])["id"]
        for address in ADDRESSES:
            seconds: dict[int, list[float]] = {picture: [], NEVER_WAS: []}
            for _ in range(tries):
                for number in random.sample(sorted(seconds), 2):
                    seconds[number].append(asked(stranger, f"/images/{number}/{address}"))
            somebodys, nobodys = seconds[picture], seconds[NEVER_WAS]
            medians = " | ".join(f"{1000 * statistics.median(values):.2f} ms" for values in (somebodys, nobodys))
            print(f"| `/images/…/{address}` | {medians} | {auc(somebodys, nobodys):.3f} |", flush=True)


if __name__ == "__main__":
    main()
