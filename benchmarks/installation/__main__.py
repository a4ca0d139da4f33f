"""Two machines behind one proxy, used by several people at once while everything they stand on goes away in turns.

    python -m benchmarks.installation [--keep]

PostgreSQL, Redis with a password, a bucket, the documented nginx, and two machines that share nothing else: the first
one's worker is kept for urgent and high priorities and leaves the model of staff to the other (docs/scaling.md, Lanes).
Minutes; needs root on Linux. Ends with 1 when a promise was broken.
"""

import argparse
import logging
import os
import shutil
import signal
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import django


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="keep the folder with all logs")
    options = parser.parse_args()
    # Whoever is asked to stop takes servers and machines along.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("asked to stop"))
    folder = Path(tempfile.mkdtemp(prefix="installation-"))
    folder.chmod(0o755)  # PostgreSQL's user passes through
    os.environ |= {"DJANGO_SETTINGS_MODULE": "imageanalysis.settings", "DATA_DIR": str(folder / "nobody")}
    django.setup()
    for name in ("botocore", "werkzeug", "mail.log", "httpx"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        broken = import_module("benchmarks.installation.whole").broken_promises(folder)
    finally:
        if options.keep:
            print(f"logs in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(broken)} promises broken" if broken else "all promises kept")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
