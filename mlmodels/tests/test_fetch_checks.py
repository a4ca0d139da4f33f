"""What is not the published file, or does not come from a safe place, does not stay."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlmodels.tests.weights_fetcher import CONTENT, DIGEST, PATIENCE, Fetcher, assert_in_place
from mlmodels.tests.weights_server import Answer, WeightsServer, seeded_bytes


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with WeightsServer() as running:
        yield running


@pytest.fixture
def fetcher(tmp_path: Path) -> Fetcher:
    folder = tmp_path / "weights"
    folder.mkdir()
    return Fetcher(folder / "network.pth")


def test_another_file_than_the_digest_says_is_refused_and_deleted(server: WeightsServer, fetcher: Fetcher) -> None:
    error = fetcher.refused(server.publish("a.pth", seeded_bytes(300_000, seed=2)))

    assert error.code == "wrong_hash"
    assert DIGEST[:16] in str(error)
    assert fetcher.files == {}


def test_the_first_digits_of_a_digest_are_enough(server: WeightsServer, fetcher: Fetcher) -> None:
    fetcher.fetch(server.publish("a.pth", CONTENT), digest=DIGEST[:8])
    assert_in_place(fetcher)


def test_a_file_that_nothing_can_be_compared_with_is_not_fetched(server: WeightsServer, fetcher: Fetcher) -> None:
    assert fetcher.refused(server.publish("a.pth", CONTENT), digest="").code == "unverifiable"
    assert fetcher.files == {}


def linked(server: WeightsServer, digest: str, size_bytes: int) -> str:
    """An address that answers as the Hugging Face hub does: the redirect says what the file is."""
    there = server.publish("blob", CONTENT)
    headers = {"X-Linked-ETag": f'"{digest}"', "X-Linked-Size": str(size_bytes)}
    return server.publish("resolve/main/a.safetensors", b"", [Answer(redirect_to=there, headers=headers)] * 9)


def test_the_digest_that_the_hub_announces_is_compared(server: WeightsServer, fetcher: Fetcher) -> None:
    fetcher.fetch(linked(server, DIGEST, len(CONTENT)), digest="")
    assert_in_place(fetcher)


def test_a_file_behind_the_hub_that_is_not_the_announced_one_is_refused(
    server: WeightsServer, fetcher: Fetcher
) -> None:
    assert fetcher.refused(linked(server, "0" * 64, len(CONTENT)), digest="").code == "wrong_hash"
    assert fetcher.files == {}


def test_a_size_that_is_not_the_announced_one_is_refused_before_the_download(
    server: WeightsServer, fetcher: Fetcher
) -> None:
    error = fetcher.refused(linked(server, DIGEST, len(CONTENT) + 1), digest="")

    assert error.code == "size_mismatch"
    assert fetcher.progress == []


def test_a_download_behind_a_redirect_goes_on_too(server: WeightsServer, fetcher: Fetcher) -> None:
    url = linked(server, DIGEST, len(CONTENT))
    server.files["/blob"].answers.append(Answer(cut_after_bytes=100_000))
    fetcher.fetch(url, digest="")

    assert_in_place(fetcher)
    assert server.sent_bytes == [0, 100_000, 0, 200_000]


def test_a_hub_that_announces_another_file_meanwhile_is_asked_for_everything(
    server: WeightsServer, fetcher: Fetcher
) -> None:
    url = linked(server, "0" * 64, len(CONTENT))
    server.files["/blob"].answers.append(Answer(cut_after_bytes=100_000))
    fetcher.refused(url, digest="", patience=replace(PATIENCE, retries=0))
    fetcher.fetch(linked(server, DIGEST, len(CONTENT)), digest="")

    assert_in_place(fetcher)
    assert [asked for asked in server.asked_ranges if asked] == ["bytes=100000-"] * 2


def test_redirects_without_an_end_are_refused(server: WeightsServer, fetcher: Fetcher) -> None:
    url = server.publish("a.pth", CONTENT, [Answer(redirect_to="/a.pth")] * 99)

    assert fetcher.refused(url).code == "refused"


@pytest.mark.parametrize("elsewhere", ["http://example.org/a.pth", "ftp://example.org/a.pth", "file:///etc/passwd"])
def test_a_redirect_to_an_unsafe_address_is_not_followed(
    server: WeightsServer, fetcher: Fetcher, elsewhere: str
) -> None:
    error = fetcher.refused(server.publish("a.pth", CONTENT, [Answer(redirect_to=elsewhere)]))

    assert error.code in {"insecure", "refused"}
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "url", ["http://example.org/a.pth", "ftp://127.0.0.1/a.pth", "file:///etc/passwd", "data:,a", "a.pth", ""]
)
def test_only_https_is_spoken_to_the_world(fetcher: Fetcher, url: str) -> None:
    assert fetcher.refused(url).code == "insecure"


def test_a_length_short_of_the_truth_is_found_out_by_the_digest(server: WeightsServer, fetcher: Fetcher) -> None:
    error = fetcher.refused(server.publish("a.pth", CONTENT, [Answer(claimed_bytes=1000)]))

    assert error.code == "wrong_hash"
    assert fetcher.files == {}


def test_a_file_larger_than_the_disk_is_refused_before_its_first_byte(server: WeightsServer, fetcher: Fetcher) -> None:
    error = fetcher.refused(server.publish("a.pth", CONTENT, [Answer(claimed_bytes=10**16)]))

    assert error.code == "disk_full"
    assert fetcher.progress == []
    assert fetcher.files == {}


def test_a_folder_that_cannot_be_written_is_named(server: WeightsServer, tmp_path: Path) -> None:
    error = Fetcher(tmp_path / "no" / "such" / "network.pth").refused(server.publish("a.pth", CONTENT))

    assert error.code == "not_writable"
    assert server.requests == []
