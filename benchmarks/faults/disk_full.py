"""The disk of the media is full for a while: uploads are refused with a sentence and leave nothing, then go on."""

import subprocess
from pathlib import Path

import httpx

from benchmarks.faults.harness import Figures, Ground
from benchmarks.faults.postgresql_outage import is_up
from imageanalysis.tests.application import Person
from imageanalysis.tests.processes import until
from images.models import Image

DISK_BYTES = 2 * 1024**2


def run(ground: Ground) -> Figures:
    """On a small file system of its own; where mounting is not allowed the scenario says so."""
    disk = ground.folder / "disk"
    disk.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        return {"left out": "this user may not mount a small disk"}
    try:
        return fill_and_free(ground, disk)
    finally:
        Image.objects.all().delete()
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill_and_free(ground: Ground, disk: Path) -> Figures:
    with ground.web(MEDIA_ROOT=str(disk)) as web:
        until(lambda: is_up(web.url), "the web server does not answer")
        person = Person(web.url, f"filler{disk.stat().st_ino}")
        filler = disk / "filler"
        filler.write_bytes(bytes(DISK_BYTES - 200_000))
        answers = [post(person, ground.files[n % 16]) for n in range(12)]
        stored = [answer for answer in answers if answer.status_code == 201]
        refused = [answer for answer in answers if answer.status_code != 201]
        filler.unlink()
        healed = post(person, ground.files[0])
    files = {str(path.relative_to(disk)) for path in disk.rglob("*") if path.is_file()}
    named = {name for names in Image.objects.values_list("file_path", "thumbnail_path") for name in names}
    broken = [f"{len(files ^ named)} files without rows or rows without files"] if files != named else []
    broken += [f"refused with {answer.status_code}: {answer.text[:80]}" for answer in refused if not is_told(answer)]
    broken += [] if healed.status_code == 201 else ["uploads do not go on when there is room again"]
    return {"stored": len(stored), "refused": len(refused), "broken": broken}


def post(person: Person, content: bytes) -> httpx.Response:
    return person.client.post(
        "/images/upload/",
        data={"csrfmiddlewaretoken": person.token},
        files={"files": ("photograph.jpg", content)},
        headers={"Accept": "application/json"},
    )


def is_told(answer: httpx.Response) -> bool:
    return answer.status_code == 400 and answer.json()["errors"][0]["code"] == "not_stored"
