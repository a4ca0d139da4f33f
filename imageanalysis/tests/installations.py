"""An installation in folders of its own, as its administrator has it: commands, and a look at what lies in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from imageanalysis.tests.application import EMBEDDED
from imageanalysis.tests.servers import ROOT

LOOK = """
import json
from pathlib import Path
from django.conf import settings
from images.models import Image
from imageanalysis.tests.invariants import violations
print(json.dumps({
    "violations": violations(Path(settings.MEDIA_ROOT)),
    "pictures": list(Image.objects.order_by("pk").values_list("filename", flat=True)),
}))
"""


def environment(folder: Path, **more: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in EMBEDDED}
    return {**own, "DATA_DIR": str(folder / "data"), "MEDIA_ROOT": str(folder / "media"), **more}


def manage(folder: Path, *argv: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *argv]
    return subprocess.run(
        command, cwd=ROOT, env=environment(folder, **more), capture_output=True, text=True, check=False
    )


def run(folder: Path, code: str, **more: str) -> str:
    """What Python code says that is run in the installation; its errors are this test's."""
    done = manage(folder, "shell", "--no-imports", "-c", code, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def seen(folder: Path, **more: str) -> dict[str, list[str]]:
    """The promises that are broken, and the names of all pictures."""
    found: dict[str, list[str]] = json.loads(run(folder, LOOK, **more))
    return found
