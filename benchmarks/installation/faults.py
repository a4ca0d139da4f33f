"""What goes away while people upload: a machine, Redis with all it holds, PostgreSQL, the bucket; and a wrong clock."""

import signal
import time
from collections.abc import Callable

from benchmarks.installation.ground import FAKETIME, Installation, Machine
from benchmarks.installation.people import Uploads, files, together
from benchmarks.installation.report import Report
from benchmarks.installation.visitors import Through
from imageanalysis.tests.application import Person

UNDER_WAY = 10
AWAY_SECONDS = 40  # longer than three retries take
PAGES = ("/", "/images/upload/", "/accounts/profile/", "/readyz")


def run(installation: Installation, people: list[Person], report: Report) -> None:
    first, second = installation.machines.values()
    visitor = people[-1]
    faults: dict[str, Callable[[], None]] = {
        "the whole second machine is lost": lambda: lose(second, first, visitor, report),
        "the whole first machine is lost": lambda: lose(first, second, visitor, report),
        "Redis goes, and comes back empty": lambda: redis(installation, visitor, report),
        "PostgreSQL stops": lambda: postgresql(installation, signal.SIGINT, visitor, report),
        "PostgreSQL dies": lambda: postgresql(installation, signal.SIGQUIT, visitor, report),
        "the bucket goes": lambda: bucket(installation, visitor, report),
        "the second machine's clock is an hour ahead": lambda: ahead(second, visitor, report),
    }
    for name, fault in faults.items():
        while_people_upload(name, fault, people, report)


def while_people_upload(name: str, fault: Callable[[], None], people: list[Person], report: Report) -> None:
    uploads = Uploads()
    brought = [file for file in files(80) if file.is_whole]
    with together(lambda: uploads.send_all(people, brought)):
        report.until("pictures arrive", lambda: len(uploads.taken) >= UNDER_WAY)
        fault()
    report.told(name, str(uploads), broken=uploads.wrong)
    report.accepted |= uploads.taken
    report.at_rest()
    report.invariants()


def pages(person: Person, report: Report, *, allowed: tuple[int, ...] = (200,)) -> None:
    """What somebody meets meanwhile, and how soon."""
    for path in PAGES:
        began = time.monotonic()
        answer = person.client.get(path)
        seconds = time.monotonic() - began
        is_well = answer.status_code in (*allowed, *((503,) if path == "/readyz" else ())) and seconds < 10
        report.told(
            f"  {path}", f"{answer.status_code} in {seconds:.2f} s", broken=[] if is_well else [answer.text[:200]]
        )


def lose(machine: Machine, other: Machine, person: Person, report: Report) -> None:
    machine.lose()
    pages(person, report)
    report.until("the others take it for dead", lambda: report.workers(other) == 1)
    machine.start()
    machine.wait_until_welcome()


def redis(installation: Installation, person: Person, report: Report) -> None:
    installation.redis.stop()
    pages(person, report)
    installation.redis.start()


def postgresql(installation: Installation, how: signal.Signals, person: Person, report: Report) -> None:
    installation.postgresql.end(how)
    pages(person, report, allowed=(503,))
    installation.postgresql.launch()
    report.until("pages are back", lambda: person.client.get("/").is_success)


def bucket(installation: Installation, person: Person, report: Report) -> None:
    """For longer than three retries take; and what waits is tried meanwhile, by a machine that comes back."""
    first, second = installation.machines.values()
    second.lose()
    report.until("pictures wait", report.active)
    installation.bucket.stop()
    back_at = time.monotonic() + AWAY_SECONDS
    pages(person, report)
    image_id = next(pk for pk, owner in report.accepted.items() if owner is person)
    answer = person.client.get(f"/images/{image_id}/file/")
    told = answer.status_code == 503 and "Retry-After" in answer.headers
    report.told("  a picture", str(answer.status_code), broken=[] if told else [answer.text[:200]])
    examined = first.manage("doctor")
    report.told("  the doctor", str(examined.returncode), broken=[] if examined.returncode else ["finds nothing"])
    second.start()
    second.wait_until_welcome()
    while time.monotonic() < back_at:
        time.sleep(1)
    installation.bucket.launch()


def ahead(machine: Machine, person: Person, report: Report) -> None:
    """Its worker may take nobody for dead, its pages sign nobody out, and its times are the database's."""
    if not FAKETIME:
        report.told("  left out", "libfaketime is not installed (Debian: apt-get install faketime)")
        return
    machine.lose()
    machine.start(clock="+1h")
    machine.wait_until_welcome()
    page = Through(machine, person).get("/")
    report.told("  a page of that machine", str(page.status_code), broken=[] if page.is_success else [page.text[:200]])
