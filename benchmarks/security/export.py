"""What the export of one person's data costs: time, and memory that does not grow with the data.

python -m benchmarks.security.export [--pictures 200] [--megabytes 2]
"""

import argparse
import os
import resource
import tempfile
import time
from importlib import import_module
from pathlib import Path

from benchmarks import population


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--megabytes", type=int, default=2, help="of each original")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        population.settle(Path(folder))
        import_module("django.core.management").call_command("migrate", verbosity=0)
        measure(options.pictures, options.megabytes * 1024**2)


def measure(pictures: int, size_bytes: int) -> None:
    (user,) = population.people(1)
    put_rows_and_files(user, pictures, size_bytes)
    my_data = import_module("images.my_data")
    my_data.request(user)
    before, began = peak_bytes(), time.monotonic()
    my_data.make_next(task_id="benchmark")
    seconds = time.monotonic() - began
    export = my_data.of(user)
    print(f"{export.state}: {pictures} pictures, {export.size_bytes / 1e6:.0f} MB in {seconds:.1f} s")
    print(f"{export.size_bytes / 1e6 / seconds:.0f} MB a second; memory grew by {(peak_bytes() - before) / 1e6:.1f} MB")


def put_rows_and_files(user: object, pictures: int, size_bytes: int) -> None:
    """As after uploads; the export does not look into the files."""
    image = import_module("images.models").Image
    media = Path(import_module("django.conf").settings.MEDIA_ROOT)
    for n in range(pictures):
        path = media / str(n) / "original.jpg"
        path.parent.mkdir(parents=True)
        path.write_bytes(os.urandom(size_bytes))
    image.objects.bulk_create(
        image(user=user, filename=f"{n}.jpg", file_path=f"{n}/original.jpg") for n in range(pictures)
    )


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
