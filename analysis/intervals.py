"""Errors of simulated frequencies."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from cmarlsim.bounds.verdicts import MISS
from cmarlsim.kernels.world import Floats


def wilson(successes: ArrayLike, trials: int, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's interval for a probability: its lower and upper ends, each for itself.

    It does not collapse where all or none of the trials succeeded.
    """
    from scipy.stats import norm

    z2 = norm.ppf((1 + confidence) / 2) ** 2
    share = np.asarray(successes, dtype=np.float64) / trials
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = np.sqrt(z2 * (share * (1 - share) + z2 / (4 * trials)) / trials) / (1 + z2 / trials)
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def distribution_error(trials: int, miss: float) -> float:
    """Distance that a simulated distribution function keeps from the true one, everywhere at once.

    It is larger with probability at most `miss` (Dvoretzky, Kiefer and Wolfowitz, with Massart's constant).
    """
    return math.sqrt(math.log(2 / miss) / (2 * trials))


def mean_and_error(samples: Floats) -> tuple[Floats, Floats]:
    """Means of the columns of (repetitions, J), and their errors: Student's, at `MISS` for all at once."""
    from scipy.stats import t

    repetitions, several = samples.shape
    error = samples.std(axis=0, ddof=1) / np.sqrt(repetitions)
    return samples.mean(axis=0), t.isf(MISS / 2 / several, repetitions - 1) * error
