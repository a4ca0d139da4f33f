"""Links in the media folder lead nowhere: what is served and deleted is what was stored."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

SECRET = b"root:x:0:0"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "original.png").write_bytes(SECRET)
    return folder


@pytest.fixture
def stored(media_of_its_own: Path) -> Path:
    default_storage.save("one/original.png", ContentFile(b"picture"))
    return media_of_its_own / "one/original.png"


def test_a_stored_file_is_opened_and_deleted(stored: Path) -> None:
    with default_storage.open("one/original.png") as file:
        assert file.read() == b"picture"
    default_storage.delete("one/original.png")
    default_storage.delete("one")

    assert not stored.parent.exists()


@pytest.mark.parametrize("name", ["gone/original.png", "one/gone.png", "gone"])
def test_what_is_gone_is_not_found_and_need_not_be_deleted(name: str, stored: Path) -> None:
    with pytest.raises(FileNotFoundError):
        default_storage.open(name)
    default_storage.delete(name)


def test_a_file_replaced_by_a_link_is_not_found_and_only_the_link_deleted(stored: Path, secret: Path) -> None:
    stored.unlink()
    stored.symlink_to(secret / "original.png")

    with pytest.raises(FileNotFoundError):
        default_storage.open("one/original.png")
    default_storage.delete("one/original.png")

    assert not stored.is_symlink()
    assert (secret / "original.png").read_bytes() == SECRET


def test_a_folder_replaced_by_a_link_leads_nowhere(stored: Path, secret: Path) -> None:
    stored.unlink()
    stored.parent.rmdir()
    stored.parent.symlink_to(secret)

    with pytest.raises(FileNotFoundError):
        default_storage.open("one/original.png")
    default_storage.delete("one/original.png")

    assert (secret / "original.png").read_bytes() == SECRET


def test_the_media_folder_itself_may_be_a_link(stored: Path, media_of_its_own: Path, tmp_path: Path) -> None:
    media_of_its_own.rename(tmp_path / "large-disk")
    media_of_its_own.symlink_to(tmp_path / "large-disk")

    with default_storage.open("one/original.png") as file:
        assert file.read() == b"picture"


def test_a_folder_that_is_not_empty_stays(stored: Path) -> None:
    with pytest.raises(OSError, match="not empty"):
        default_storage.delete("one")

    assert stored.exists()
