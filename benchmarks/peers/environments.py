"""A virtual environment for each peer, made once; torch and what the networks are built with are shared with ours."""

import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(sys.prefix, "peers")  # no tool of ours looks for sources in a virtual environment
SERVERS = "benchmarks.peers.servers"


@dataclass(frozen=True, slots=True)
class Environment:
    name: str  # of the package
    title: str
    version: str
    beside: tuple[str, ...]  # packages that it needs for uploads, but does not ask for
    start: tuple[str, ...]  # behind the environment's bin folder; {port} is where to listen
    ready_address: str

    @property
    def folder(self) -> Path:
        return FOLDER / f"{self.name}-{self.version}"

    def command(self, port: int) -> list[str]:
        program, *arguments = (word.format(port=port) for word in self.start)
        return [str(self.folder / "bin" / program), *arguments]

    def make(self) -> None:
        """Raises CalledProcessError with pip's words above it when the package cannot be installed."""
        is_made = self.folder / "made"
        if is_made.exists():
            return
        print(f"Making a virtual environment with {self.title} {self.version} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", self.folder], check=True)
        packages = Path(sysconfig.get_path("purelib", vars={"base": str(self.folder)}))
        (packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        pip = [str(self.folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, f"{self.name}=={self.version}", *self.beside], check=True)
        is_made.touch()


ENVIRONMENTS = (
    Environment(
        "litserve",
        "LitServe",
        "0.2.19",
        ("python-multipart",),
        ("python", "-m", f"{SERVERS}.litserve_server", "{port}"),
        "/health",
    ),
    Environment(
        "gradio",
        "Gradio",
        "6.31.0",
        (),
        ("python", "-m", f"{SERVERS}.gradio_server", "{port}"),
        "/config",
    ),
    Environment(
        "bentoml",
        "BentoML",
        "1.4.40",
        (),
        ("bentoml", "serve", f"{SERVERS}.bentoml_server:Classifier", "--host", "127.0.0.1", "--port", "{port}"),
        "/readyz",
    ),
)
