"""The whole of it: two machines are started, a day of people goes by, then everything goes away in turns."""

from pathlib import Path

from benchmarks.installation import day, faults
from benchmarks.installation.ground import Installation
from benchmarks.installation.report import Report
from imageanalysis.tests.application import Person

MACHINES = {"anton": {"WORKER_PRIORITIES": "urgent,high", "WORKER_MODELS": "-custom"}, "berta": {}}
PEOPLE = ("boss", "anna", "boris", "chika")  # the first is the administrator


def broken_promises(folder: Path) -> list[str]:
    with Installation(folder, MACHINES) as installation:
        report = Report(installation)
        for machine in installation.machines.values():  # at once, on an empty database
            machine.start()
        for machine in installation.machines.values():
            machine.wait_until_welcome()
        installation.open_the_door()
        people = [Person(installation.nginx.url, name) for name in PEOPLE]
        report.accepted |= day.run(installation, people, report).taken
        report.invariants()
        boss, anna, _boris, chika = people  # Boris has another password since, and is signed in nowhere
        faults.run(installation, [boss, anna, chika], report)
        return report.broken
