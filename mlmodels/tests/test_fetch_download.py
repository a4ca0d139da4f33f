"""One file over real HTTP, from a server that does everything that servers and networks do."""

import errno
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlmodels.download import download
from mlmodels.partial_file import Origin, PartialFile
from mlmodels.tests.weights_fetcher import CONTENT, DIGEST, IMPATIENCE, PATIENCE, Fetcher, assert_in_place
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


def test_a_good_server_needs_one_request(server: WeightsServer, fetcher: Fetcher) -> None:
    fetcher.fetch(server.publish("a.pth", CONTENT))

    assert_in_place(fetcher)
    assert server.sent_bytes == [len(CONTENT)]
    assert fetcher.notices == []


def test_progress_never_goes_down_and_ends_at_the_whole(server: WeightsServer, fetcher: Fetcher) -> None:
    fetcher.fetch(server.publish("a.pth", CONTENT, [Answer(cut_after_bytes=100_000)]))

    done = [done_bytes for done_bytes, _total in fetcher.progress]
    assert done == sorted(done)
    assert fetcher.progress[0] == (0, len(CONTENT))
    assert fetcher.progress[-1] == (len(CONTENT), len(CONTENT))


def test_a_cut_connection_goes_on_where_it_broke(server: WeightsServer, fetcher: Fetcher) -> None:
    fetcher.fetch(server.publish("a.pth", CONTENT, [Answer(cut_after_bytes=100_000), Answer(cut_after_bytes=50_000)]))

    assert_in_place(fetcher)
    assert server.asked_ranges == ["", "bytes=100000-", "bytes=150000-"]
    assert server.sent_bytes == [100_000, 50_000, 150_000]
    assert len(fetcher.notices) == 2


def test_a_reset_connection_is_tried_again(server: WeightsServer, fetcher: Fetcher) -> None:
    fetcher.fetch(server.publish("a.pth", CONTENT, [Answer(cut_after_bytes=100_000, reset=True)]))

    assert_in_place(fetcher)


def test_a_cut_answer_without_a_length_is_found_out_by_its_digest(server: WeightsServer, fetcher: Fetcher) -> None:
    url = server.publish("a.pth", CONTENT, [Answer(cut_after_bytes=100_000, says_length=False)])

    assert fetcher.refused(url).code == "wrong_hash"
    assert fetcher.files == {}


def test_an_answer_without_a_length_is_taken_to_its_end(server: WeightsServer, fetcher: Fetcher) -> None:
    fetcher.fetch(server.publish("a.pth", CONTENT, [Answer(says_length=False)]))

    assert_in_place(fetcher)
    assert {total_bytes for _done, total_bytes in fetcher.progress} == {None}


def test_a_server_that_ignores_ranges_starts_anew(server: WeightsServer, fetcher: Fetcher) -> None:
    fetcher.fetch(server.publish("a.pth", CONTENT, [Answer(cut_after_bytes=100_000), Answer(ignores_range=True)]))

    assert_in_place(fetcher)
    assert server.sent_bytes == [100_000, len(CONTENT)]


def test_a_server_that_sends_other_bytes_than_asked_for_is_asked_for_everything(
    server: WeightsServer, fetcher: Fetcher
) -> None:
    fetcher.fetch(server.publish("a.pth", CONTENT, [Answer(cut_after_bytes=100_000), Answer(shifts_range_bytes=7)]))

    assert_in_place(fetcher)
    assert server.asked_ranges == ["", "bytes=100000-", ""]


def test_the_validator_of_the_first_answer_guards_the_rest(server: WeightsServer, fetcher: Fetcher) -> None:
    fetcher.fetch(server.publish("a.pth", CONTENT, [Answer(cut_after_bytes=100_000)], etag='"one"'))

    assert server.requests[1].headers["If-Range"] == '"one"'


def test_a_weak_etag_is_no_guard_but_a_date_is(server: WeightsServer, fetcher: Fetcher) -> None:
    date = {"Last-Modified": "Mon, 02 Nov 2020 10:00:00 GMT"}
    answers = [Answer(cut_after_bytes=100_000, headers=date), Answer(headers=date)]
    fetcher.fetch(server.publish("a.pth", CONTENT, answers, etag='W/"one"'))

    assert_in_place(fetcher)
    assert server.requests[1].headers["If-Range"] == date["Last-Modified"]
    assert server.sent_bytes == [100_000, 200_000]


def test_a_file_that_changed_upstream_meanwhile_is_fetched_from_its_beginning(
    server: WeightsServer, fetcher: Fetcher
) -> None:
    before = seeded_bytes(len(CONTENT), seed=2)
    url = server.publish("a.pth", before, [Answer(cut_after_bytes=100_000)] * 4)
    server.files["/a.pth"].answers.extend([Answer(status=404)])
    fetcher.refused(url, patience=replace(PATIENCE, retries=0))
    server.publish("a.pth", CONTENT)
    fetcher.fetch(url)

    assert_in_place(fetcher)
    assert server.sent_bytes == [100_000, len(CONTENT)]


def test_a_shorter_file_than_what_is_here_is_fetched_from_its_beginning(
    server: WeightsServer, fetcher: Fetcher
) -> None:
    url = server.publish("a.pth", CONTENT * 3, [Answer(cut_after_bytes=600_000)], etag="")
    fetcher.refused(url, patience=replace(PATIENCE, retries=0))
    server.publish("a.pth", CONTENT, etag="")
    fetcher.fetch(url)

    assert_in_place(fetcher)


def test_bytes_from_another_address_are_not_gone_on_from(server: WeightsServer, fetcher: Fetcher) -> None:
    url = server.publish("old.pth", seeded_bytes(300_000, seed=2), [Answer(cut_after_bytes=100_000)])
    fetcher.refused(url, patience=replace(PATIENCE, retries=0))
    fetcher.fetch(server.publish("new.pth", CONTENT))

    assert_in_place(fetcher)
    assert server.asked_ranges == ["", ""]


def test_a_whole_file_from_another_address_is_not_taken_for_this_one(server: WeightsServer, fetcher: Fetcher) -> None:
    old = seeded_bytes(300_000, seed=2)
    with PartialFile(fetcher.target) as part:
        part.start_anew(Origin(url=server.publish("old.pth", old), total_bytes=len(old)))
        part.append(old)
    fetcher.fetch(server.publish("new.pth", CONTENT))

    assert_in_place(fetcher)


def test_a_download_that_was_stopped_before_it_was_moved_needs_no_network(
    server: WeightsServer, fetcher: Fetcher
) -> None:
    url = server.publish("a.pth", CONTENT)
    with PartialFile(fetcher.target) as part:
        download(
            url,
            part,
            sha256=DIGEST,
            on_progress=lambda done, total: None,
            on_notice=fetcher.notices.append,
            patience=PATIENCE,
        )
    fetcher.fetch(url)

    assert_in_place(fetcher)
    assert len(server.requests) == 1


@pytest.mark.parametrize("rubbish", ["", "{", "[]", '{"url": 1, "what": 2}', "\udc80"])
def test_an_unreadable_note_about_the_beginning_costs_a_new_start_only(
    server: WeightsServer, fetcher: Fetcher, rubbish: str
) -> None:
    fetcher.target.with_name("network.pth.part").write_bytes(CONTENT[:1000])
    fetcher.target.with_name("network.pth.part.json").write_bytes(rubbish.encode(errors="surrogateescape"))
    fetcher.fetch(server.publish("a.pth", CONTENT))

    assert_in_place(fetcher)
    assert server.asked_ranges == [""]


@pytest.mark.parametrize(("status", "code"), [(404, "not_found"), (410, "not_found"), (403, "refused")])
def test_a_final_no_is_not_asked_about_again(server: WeightsServer, fetcher: Fetcher, status: int, code: str) -> None:
    error = fetcher.refused(server.publish("a.pth", CONTENT, [Answer(status=status)]))

    assert error.code == code
    assert str(status) in str(error)
    assert len(server.requests) == 1
    assert fetcher.files == {}


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_a_server_in_trouble_is_asked_again(server: WeightsServer, fetcher: Fetcher, status: int) -> None:
    fetcher.fetch(server.publish("a.pth", CONTENT, [Answer(status=status)] * 3))

    assert_in_place(fetcher)
    assert len(fetcher.notices) == 3


def test_a_server_that_stays_in_trouble_is_given_up(server: WeightsServer, fetcher: Fetcher) -> None:
    error = fetcher.refused(server.publish("a.pth", CONTENT, [Answer(status=503)] * 9))

    assert error.code == "refused"
    assert len(server.requests) == 1 + PATIENCE.retries


def test_the_time_that_a_server_asks_for_counts_against_the_whole(server: WeightsServer, fetcher: Fetcher) -> None:
    busy = Answer(status=503, headers={"Retry-After": "3600"})
    error = fetcher.refused(server.publish("a.pth", CONTENT, [busy]), patience=replace(PATIENCE, total_seconds=30))

    assert error.code == "refused"
    assert len(server.requests) == 1


def test_a_silent_server_is_left_and_asked_for_the_rest(server: WeightsServer, fetcher: Fetcher) -> None:
    fetcher.fetch(server.publish("a.pth", CONTENT, [Answer(stall_after_bytes=100_000)]), patience=IMPATIENCE)

    assert_in_place(fetcher)
    assert server.asked_ranges == ["", "bytes=100000-"]


def test_a_server_that_stays_silent_is_given_up_and_its_bytes_are_kept(server: WeightsServer, fetcher: Fetcher) -> None:
    url = server.publish("a.pth", CONTENT, [Answer(stall_after_bytes=100_000), *[Answer(stall_after_bytes=0)] * 9])
    error = fetcher.refused(url, patience=IMPATIENCE)

    assert error.code == "stalled"
    assert fetcher.files["network.pth.part"] == 100_000


def test_a_download_has_an_end_in_time_even_when_bytes_drip(server: WeightsServer, fetcher: Fetcher) -> None:
    error = fetcher.refused(server.publish("a.pth", CONTENT), patience=replace(PATIENCE, total_seconds=-1))

    assert error.code == "timeout"
    assert 0 < fetcher.files["network.pth.part"] <= len(CONTENT)


def test_a_length_beyond_the_truth_ends_as_a_cut_connection(server: WeightsServer, fetcher: Fetcher) -> None:
    url = server.publish("a.pth", CONTENT, [Answer(claimed_bytes=len(CONTENT) + 9, ignores_range=True)] * 9)
    error = fetcher.refused(url)

    assert error.code == "cut_off"
    assert len(server.requests) == 1 + PATIENCE.retries


def test_no_server_at_all_is_said_in_one_sentence(fetcher: Fetcher) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, but nobody listens
        error = fetcher.refused(f"http://127.0.0.1:{unused.getsockname()[1]}/a.pth")

    assert error.code == "no_network"
    assert os.strerror(errno.ECONNREFUSED) in str(error)
    assert len(fetcher.notices) == PATIENCE.retries


def test_an_address_without_a_name_server_is_given_up_at_once(fetcher: Fetcher) -> None:
    error = fetcher.refused("https://weights.invalid/a.pth")  # RFC 6761: never resolves

    assert error.code == "no_network"
    assert fetcher.notices == []
