"""Theorem 1 and Proposition 3 against the paper's own numbers and by hand."""

import math

import numpy as np
import pytest

from cmarlsim.bounds.proposition3 import MultiplierBound
from cmarlsim.bounds.theorem1 import feasibility_error, slack, unmet_conditions

PAPER = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def test_the_papers_own_numbers_are_outside_its_theorem() -> None:
    """sqrt(alpha M) = .245, so .1 and .2 are not guaranteed."""
    assert unmet_conditions(PAPER, 5) == []
    assert (feasibility_error(0.01, 6) > PAPER).tolist() == [True, True, False, False, False, False]
    assert slack(PAPER) == pytest.approx((0.4, 0.4))
    assert slack(PAPER, 0.1) == pytest.approx((-0.2, 0.4 - 0.1 * math.sqrt(6)))


def test_conditions_that_are_not_met_are_named() -> None:
    assert unmet_conditions(np.array([1.0, 0.5]), 2) == [
        "||c||_inf = 1, must be below 1",
        "||c||_1 = 1.5, must be at most N - 1 = 1",
    ]
    assert unmet_conditions(np.full(10, 0.1), 2) == []


def test_what_happens_near_the_end_is_late() -> None:
    """One link: of T0 steps, the one l before the end is not known with probability (1 - p)^l."""
    bound = MultiplierBound(1, 0.3, 0.04, 1.0, 8)
    assert bound.late == pytest.approx([0.7**lag for lag in range(8)])
    assert bound.lateness == pytest.approx((1 - 0.7**8) / (0.3 * 8))


def test_long_rollouts_make_no_smaller_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of B in groups bound from above, and hardly more."""
    bound = MultiplierBound(3, 0.05, 0.01, 0.5, 2000)
    fine = bound._by_moments(20, None)
    monkeypatch.setattr("cmarlsim.bounds.proposition3.MOST_GROUPS", 500)
    assert fine <= bound._by_moments(20, None) <= 1.1 * fine


@pytest.mark.parametrize("alpha", [1e-300, 1e-12, 1e-7])
def test_the_bound_by_moments_scales_with_memory(alpha: float) -> None:
    """As alpha goes to 0, rollouts average out: what is left is a mean of B, eta / alpha times."""
    bound = MultiplierBound(3, 0.2, alpha, 0.5, 50)
    mean = 0.5 / alpha * bound.late.mean()
    assert mean < bound._by_moments(20, None) < 35 * mean
