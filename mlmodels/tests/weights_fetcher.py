"""Downloads into one target, as tests do it: short pauses, and everything that was shown is remembered."""

from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pytest

from mlmodels.download import Patience, download
from mlmodels.partial_file import FetchError, PartialFile
from mlmodels.tests.weights_server import seeded_bytes

CONTENT = seeded_bytes(300_000)
DIGEST = sha256(CONTENT).hexdigest()
PATIENCE = Patience(stall_seconds=20, total_seconds=120, retries=3, pause_seconds=0)
IMPATIENCE = replace(PATIENCE, stall_seconds=1, retries=1)


@dataclass
class Fetcher:
    """Downloads into one target, and remembers what was shown."""

    target: Path
    progress: list[tuple[int, int | None]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def fetch(self, url: str, *, digest: str = DIGEST, patience: Patience = PATIENCE) -> None:
        with PartialFile(self.target) as part:
            download(
                url,
                part,
                sha256=digest,
                on_progress=lambda done_bytes, total_bytes: self.progress.append((done_bytes, total_bytes)),
                on_notice=self.notices.append,
                patience=patience,
            )
            part.move_into_place()

    def refused(self, url: str, *, digest: str = DIGEST, patience: Patience = PATIENCE) -> FetchError:
        with pytest.raises(FetchError) as refused:
            self.fetch(url, digest=digest, patience=patience)
        return refused.value

    @property
    def files(self) -> dict[str, int]:
        return {path.name: path.stat().st_size for path in self.target.parent.iterdir()}


def assert_in_place(fetcher: Fetcher) -> None:
    """The file, the digest that `sha256sum --check` understands, and nothing else."""
    assert fetcher.target.read_bytes() == CONTENT
    assert fetcher.target.with_name("network.pth.sha256").read_text() == f"{DIGEST}  network.pth\n"
    assert set(fetcher.files) == {"network.pth", "network.pth.sha256"}
