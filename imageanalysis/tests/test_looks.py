"""What a worker looks after by itself while its connection to the database is lost."""

import os
import subprocess
import sys
from pathlib import Path

from imageanalysis.tests.servers import ROOT, PostgreSQL


def test_a_lost_connection_breaks_off_one_look_and_no_worker(postgresql: PostgreSQL, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "imageanalysis.settings",
        "DATA_DIR": str(tmp_path),
        "MEDIA_ROOT": str(tmp_path / "media"),
        "DATABASE_URL": postgresql.new_database(),
    }
    looking = [sys.executable, "-m", "imageanalysis.tests.looking_worker"]

    ended = subprocess.run(looking, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    looks = ended.stdout.split("\n")[:-1]
    assert ended.returncode == 0, f"after {looks}: {ended.stderr}"
    assert len(looks) == 14
    assert all(line.endswith(" True") for line in looks), "every look asks the database"
    assert ended.stderr.count("the database did not answer") == 14, "once each: the next look is well"
