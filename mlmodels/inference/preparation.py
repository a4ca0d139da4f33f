"""Decodes and preprocesses pictures on a few threads while the batch before them runs."""

from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from mlmodels.inference.classifier import Classifier
from mlmodels.inference.pictures import PictureError, decode

Source = Callable[[], BinaryIO]
Input = NDArray[np.float32]
Outcome = Input | PictureError | OSError
Key = TypeVar("Key")


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
        self, classifier: Classifier, sources: Mapping[Key, Source], *, batch_size: int
    ) -> Generator[dict[Key, Outcome]]:
        """The inputs of `sources` in their order, `batch_size` at a time; in place of a picture that cannot be read or
        decoded stands what went wrong. While the caller is busy with one batch, the next one is prepared, never more;
        close the iterator to let go of that one.
        """
        waiting = (self._submitted(classifier, chunk) for chunk in _chunks(sources, batch_size))
        current = next(waiting, {})
        following: dict[Key, Future[Input]] = {}
        try:
            while current:
                following = next(waiting, {})
                yield {key: _outcome(future) for key, future in current.items()}
                current = following
        finally:
            for future in (*current.values(), *following.values()):
                future.cancel()

    def _submitted(self, classifier: Classifier, sources: Mapping[Key, Source]) -> dict[Key, Future[Input]]:
        return {key: self._pool.submit(self._input, classifier, source) for key, source in sources.items()}

    def _input(self, classifier: Classifier, source: Source) -> Input:
        with source() as file:
            picture = decode(file, max_pixels=self._max_pixels, at_least_px=classifier.decode_at_least_px)
        return classifier.preprocess(picture)


def _chunks(sources: Mapping[Key, Source], size: int) -> Iterator[Mapping[Key, Source]]:
    remaining = iter(sources.items())
    while chunk := dict(islice(remaining, size)):
        yield chunk


def _outcome(future: Future[Input]) -> Outcome:
    try:
        return future.result()
    except (PictureError, OSError) as error:
        return error
