"""A day of people at an installation of two machines: each thing is asked of one machine, and met on the other."""

import io
from zipfile import ZipFile

from accounts.tests.letters import link_in, path_of
from benchmarks.installation.ground import Installation
from benchmarks.installation.people import Uploads, files, together
from benchmarks.installation.report import Report
from benchmarks.installation.visitors import Through
from imageanalysis.tests.application import Person
from mlmodels.tests.factories import ARCHITECTURE
from mlmodels.tests.small_checkpoints import as_safetensors, network

PASSWORD = "correct horse battery"  # noqa: S105  as every Person has it
LABELS = ("a cat", "a cup of coffee", "a rocket", "an astronaut", "a dog")
OWN_MODEL = "custom:v1"


def run(installation: Installation, people: list[Person], report: Report) -> Uploads:
    """All of it; returns what was uploaded."""
    uploads = Uploads()
    uploads.send_all(people, files(200))
    report.told("200 files of four people at once", str(uploads), broken=uploads.wrong)
    report.at_rest()
    a_model_of_staff(installation, people[0], report)
    used = Uploads()
    used.send_all(people[:1], [file for file in files(20) if file.is_whole][:6], model=OWN_MODEL, priority="high")
    report.at_rest()
    own = {person.story(pk)["results"][0]["label"] for pk, person in used.taken.items()}
    report.told(
        "labels by the model of staff", f"{len(used.taken)} pictures", broken=[] if own <= set(LABELS) else [str(own)]
    )
    what_one_asks_of_one_machine(installation, uploads, people[1], report)
    a_forgotten_password(installation, people[2], report)
    a_backup_while_work_goes_on(installation, people, report)
    return uploads


def a_model_of_staff(installation: Installation, boss: Person, report: Report) -> None:
    """Uploaded to the first machine, which does not take it; examined by the second one."""
    first, second = (Through(machine, boss) for machine in installation.machines.values())
    checkpoint = ("mine.safetensors", as_safetensors(network(len(LABELS))))
    words = {"architecture": ARCHITECTURE, "labels": "\n".join(LABELS), "description": "Five.", "version": "v1"}
    page = first.post("/admin/mlmodels/mlmodel/add/", file=checkpoint, password=PASSWORD, **words).headers["Location"]
    report.until("the exam on the other machine", lambda: "exam-state-passed" in second.get(page).text, seconds=240)
    second.post(page, is_active="on", description="Five.", _save="Save")


def what_one_asks_of_one_machine(installation: Installation, uploads: Uploads, anna: Person, report: Report) -> None:
    """The first machine's worker leaves heat maps and exports to others: the second one makes them."""
    first, second = (Through(machine, anna) for machine in installation.machines.values())
    image_id = next(pk for pk, person in uploads.taken.items() if person is anna)
    first.ask_for_heat_map(image_id)
    report.until("a heat map asked of the other machine", lambda: second.heat_map(image_id))
    first.post("/accounts/profile/data/", make="1")
    report.until("an export asked of the other machine", second.export)
    with ZipFile(io.BytesIO(second.export())) as archive:
        report.told(
            "the export",
            f"{len(archive.namelist())} files",
            broken=[archive.testzip() or ""][: bool(archive.testzip())],
        )
    first.post("/language/", language="ja", next="/")
    report.told("a language chosen on the other machine", second.language(), broken=_unless(second.language() == "ja"))
    second.post("/language/", language="en", next="/")


def a_forgotten_password(installation: Installation, boris: Person, report: Report) -> None:
    """Asked of the first machine, the link opened on the second, the new password given to the first."""
    first, second = (Through(machine) for machine in installation.machines.values())
    first.post("/accounts/password-reset/", email="boris@example.org")
    report.until("the mail with a link", lambda: len(installation.mail.received))
    opened = second.get(path_of(link_in(installation.mail.received[-1][1])))
    first.client.cookies.update(second.client.cookies)
    new = "another horse battery"
    done = first.post(opened.headers["Location"], new_password1=new, new_password2=new)
    is_out = all(Through(machine, boris).get("/").status_code == 302 for machine in installation.machines.values())
    report.told("a new password", done.headers["Location"], broken=_unless(done.status_code == 302 and is_out))


def a_backup_while_work_goes_on(installation: Installation, people: list[Person], report: Report) -> None:
    """Taken on one machine, restored elsewhere into a new database and a folder."""
    first, second = installation.machines.values()
    folder, uploads = installation.folder, Uploads()
    with together(lambda: uploads.send_all([people[0], people[1], people[3]], [f for f in files(90) if f.is_whole])):
        taken = first.manage("backup", str(folder / "backup.tar"))
    elsewhere = {"DATABASE_URL": installation.postgresql.new_database(), "STORAGE_URL": ""}
    elsewhere |= {"MEDIA_ROOT": str(folder / "restored"), "DATA_DIR": str(folder / "restored-data")}
    restored = second.manage("restore", str(folder / "backup.tar"), **elsewhere)
    failed = [done.stderr for done in (taken, restored) if done.returncode]
    report.told(
        "a backup while people upload", restored.stdout.strip().splitlines()[-2] if not failed else "", broken=failed
    )
    report.at_rest()


def _unless(holds: bool) -> list[str]:
    return [] if holds else ["is not so"]
