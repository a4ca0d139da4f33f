"""Writes requirements.lock and requirements-torch.lock: every package of an image with its version and its hashes.

PyTorch and what it brings stand apart, because an image for CPUs takes PyTorch's own smaller builds of these versions.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Written by `make lock` from requirements.txt, for Python 3.11 and newer. Do not edit.\n"
OF_TORCH = re.compile(r"(torch|torchvision|triton|nvidia-[\w-]+|cuda-[\w-]+)==")


def resolved() -> list[str]:
    """One text for each package: its line, and the lines of its hashes."""
    options = [
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "--quiet",
    ]
    command = [sys.executable, "-m", "uv", "pip", "compile", *options, "requirements.txt"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return re.findall(r"^[A-Za-z0-9].*(?:\n[ ]+.*)*\n", done.stdout, re.MULTILINE)


def main() -> None:
    packages = resolved()
    for name, is_of_torch in (("requirements.lock", False), ("requirements-torch.lock", True)):
        chosen = [package for package in packages if bool(OF_TORCH.match(package)) == is_of_torch]
        (ROOT / name).write_text(HEADER + "".join(chosen), encoding="utf-8")
        print(f"{name}: {len(chosen)} packages, {sum(package.count('--hash') for package in chosen)} hashes")


if __name__ == "__main__":
    main()
