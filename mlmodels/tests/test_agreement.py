import numpy as np
import pytest

from mlmodels.inference.agreement import Agreement, compare

REFERENCE = np.log(np.tile(np.array([[10, 70, 20]], dtype=np.float32), (100, 1)))


def test_a_runtime_agrees_with_itself() -> None:
    assert compare(REFERENCE, REFERENCE) == Agreement(same_best=1.0, points=0.0)


def test_one_other_label_in_a_hundred_is_borne() -> None:
    found = REFERENCE.copy()
    found[0] = np.log([10.0, 20.0, 70.0])
    assert compare(found, REFERENCE).same_best == pytest.approx(0.99)


def test_the_largest_difference_of_the_best_confidence_counts() -> None:
    found = REFERENCE.copy()
    found[3] = np.log([10.0, 67.0, 23.0])
    agreement = compare(found, REFERENCE)
    assert agreement.same_best == 1.0
    assert agreement.points == pytest.approx(3, abs=1e-4)
    assert not agreement.is_close()


def test_a_tie_may_fall_either_way() -> None:
    tie = np.zeros((5, 3), dtype=np.float32)
    assert compare(tie + np.array([0, 1e-6, 0], dtype=np.float32), tie).same_best == 1.0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_outputs_that_are_not_finite_agree_with_nothing(value: float) -> None:
    found = REFERENCE.copy()
    found[99, 0] = value
    agreement = compare(found, REFERENCE)
    assert not agreement.is_close()
    assert not agreement.is_close_enough_as_asked()


@pytest.mark.parametrize(
    ("same_best", "points", "is_close", "as_asked"),
    [
        (1.0, 1.0, True, True),
        (0.99, 0.5, True, True),
        (0.98, 0.1, False, True),
        (1.0, 1.1, False, True),
        (0.8, 0.0, False, False),
    ],
)
def test_auto_takes_what_keeps_99_of_100_within_a_point(
    same_best: float, points: float, is_close: bool, as_asked: bool
) -> None:
    agreement = Agreement(same_best, points)
    assert (agreement.is_close(), agreement.is_close_enough_as_asked()) == (is_close, as_asked)
