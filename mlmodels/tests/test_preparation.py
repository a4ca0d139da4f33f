import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from mlmodels.inference.pictures import PictureError
from mlmodels.inference.preparation import Preparation, Source
from mlmodels.inference.torch_classifier import TorchClassifier
from mlmodels.tests.photographs import MAX_PIXELS, photograph_path
from mlmodels.tests.test_torch_classifier import seen

NAMES = ["coffee", "chelsea", "rocket", "astronaut", "camera"]


@pytest.fixture
def preparation() -> Iterator[Preparation]:
    with Preparation(max_pixels=MAX_PIXELS, threads=2) as running:
        yield running


def source(path: Path) -> Source:
    return lambda: path.open("rb")


@pytest.mark.parametrize("batch_size", [1, 2, 5, 9])
def test_inputs_come_in_order_and_in_batches(
    preparation: Preparation, efficientnet: TorchClassifier, batch_size: int
) -> None:
    sources = {name: source(photograph_path(name)) for name in NAMES}
    batches = list(preparation.batches(efficientnet, sources, batch_size=batch_size))

    assert [len(batch) for batch in batches][:-1] == [batch_size] * (len(batches) - 1)
    found_by_name = [pair for batch in batches for pair in batch.items()]
    assert [name for name, _found in found_by_name] == NAMES
    for name, found in found_by_name:
        np.testing.assert_array_equal(found, seen(efficientnet, name))


def test_nothing_to_prepare_is_no_batch(preparation: Preparation, efficientnet: TorchClassifier) -> None:
    assert list(preparation.batches(efficientnet, {}, batch_size=4)) == []


def test_a_bad_picture_spoils_no_other(preparation: Preparation, efficientnet: TorchClassifier, tmp_path: Path) -> None:
    good = source(photograph_path("coffee"))
    sources = [good, lambda: io.BytesIO(b"no picture"), source(tmp_path / "gone.jpg"), good]
    (batch,) = preparation.batches(efficientnet, dict(enumerate(sources)), batch_size=4)

    assert [type(found) for found in batch.values()] == [np.ndarray, PictureError, FileNotFoundError, np.ndarray]


def test_the_next_batch_is_prepared_meanwhile_and_no_more(
    preparation: Preparation, efficientnet: TorchClassifier
) -> None:
    opened = [threading.Event() for _ in range(6)]
    content = photograph_path("coffee").read_bytes()

    def opening(number: int) -> Source:
        def open_it() -> BinaryIO:
            opened[number].set()
            return io.BytesIO(content)

        return open_it

    batches = preparation.batches(efficientnet, {number: opening(number) for number in range(6)}, batch_size=2)
    next(batches)

    assert all(event.wait(20) for event in opened[:4])
    assert not any(event.is_set() for event in opened[4:])
    assert len(list(batches)) == 2


def test_pixels_are_counted_before_they_are_decoded(efficientnet: TorchClassifier) -> None:
    with Preparation(max_pixels=100, threads=1) as strict:
        (batch,) = strict.batches(efficientnet, {"coffee": source(photograph_path("coffee"))}, batch_size=1)
    found = batch["coffee"]
    assert isinstance(found, PictureError)
    assert found.code == "too_many_pixels"


def test_a_run_that_is_given_up_leaves_nothing_to_prepare(efficientnet: TorchClassifier) -> None:
    opened: list[int] = []
    content = photograph_path("coffee").read_bytes()
    may_open, is_opening = threading.Event(), threading.Event()

    def opening(number: int) -> Source:
        def open_it() -> BinaryIO:
            if number:
                is_opening.set()
                assert may_open.wait(20)
            opened.append(number)
            return io.BytesIO(content)

        return open_it

    with Preparation(max_pixels=MAX_PIXELS, threads=1) as running:
        batches = running.batches(efficientnet, {number: opening(number) for number in range(9)}, batch_size=1)
        next(batches)
        assert is_opening.wait(20)
        batches.close()
        may_open.set()
        again = running.batches(efficientnet, {0: opening(0)}, batch_size=1)
        assert len(list(again)) == 1

    assert opened == [0, 1, 0]
