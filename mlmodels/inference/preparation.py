"""Decodes and preprocesses pictures on a few threads while the batch before them runs."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from mlmodels.inference.classifier import Classifier
from mlmodels.inference.pictures import PictureError, decode

Source = Callable[[], BinaryIO]
Input = NDArray[np.float32]


class Preparation:
    """A pool of threads for one process; make it after the fork, close it or use it in a `with`.

    Reading, decoding and resizing release the interpreter's lock, so threads do help; the network itself stays on the
    caller's thread, where torch is fastest.
    """

    def __init__(self, *, max_pixels: int, threads: int) -> None:
        self._max_pixels = max_pixels
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="preparation")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def batches(
        self, classifier: Classifier, sources: Sequence[Source], *, batch_size: int
    ) -> Iterator[list[Input | PictureError | OSError]]:
        """The inputs of `sources` in their order, `batch_size` at a time; in place of a picture that cannot be read or
        decoded stands what went wrong. While the caller is busy with one batch, the next one is prepared, never more.
        """
        waiting = (self._submitted(classifier, chunk) for chunk in _chunks(sources, batch_size))
        current = next(waiting, [])
        while current:
            following = next(waiting, [])
            yield [_outcome(future) for future in current]
            current = following

    def _submitted(self, classifier: Classifier, sources: Sequence[Source]) -> list[Future[Input]]:
        return [self._pool.submit(self._input, classifier, source) for source in sources]

    def _input(self, classifier: Classifier, source: Source) -> Input:
        with source() as file:
            picture = decode(file, max_pixels=self._max_pixels, at_least_px=classifier.decode_at_least_px)
        return classifier.preprocess(picture)


def _chunks(sources: Sequence[Source], size: int) -> Iterator[Sequence[Source]]:
    for start in range(0, len(sources), size):
        yield sources[start : start + size]


def _outcome(future: Future[Input]) -> Input | PictureError | OSError:
    try:
        return future.result()
    except (PictureError, OSError) as error:
        return error
