import numpy as np
import pytest

from mlmodels.inference.classifier import ranked


def test_confidences_are_percents_of_the_softmax_best_first() -> None:
    logits = np.log(np.array([[1, 7, 2]], dtype=np.float32))
    (predictions,) = ranked(logits, ["one", "seven", "two"], top_k=3)
    assert [prediction.label for prediction in predictions] == ["seven", "two", "one"]
    assert [prediction.confidence for prediction in predictions] == pytest.approx([70, 20, 10], abs=1e-4)


def test_huge_logits_do_not_overflow() -> None:
    (predictions,) = ranked(np.array([[3e38, -3e38]], dtype=np.float32), ["yes", "no"], top_k=2)
    assert [prediction.confidence for prediction in predictions] == [100.0, 0.0]


def test_equal_confidences_keep_the_order_of_the_labels() -> None:
    (predictions,) = ranked(np.zeros((1, 4), dtype=np.float32), list("abcd"), top_k=4)
    assert [prediction.label for prediction in predictions] == list("abcd")


def test_no_more_labels_come_back_than_there_are() -> None:
    (predictions,) = ranked(np.zeros((1, 2), dtype=np.float32), ["a", "b"], top_k=5)
    assert len(predictions) == 2
