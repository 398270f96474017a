"""Proposition 4, Lemmas 3 to 5 and eq. (24): bounds on multipliers along a run, as printed and as they hold.

`docs/theorem1.md` has the proofs. Multipliers start at 0. Where a method takes `step`, it is a bound on
||c - r||^2 for the mean reward r of a rollout: M, as the paper has it, or `PathBounds.largest_step`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.kernels.world import Floats, Ints

MOST_HALVINGS = 40
"""Most halvings of theta in the bounds that hold at all times at once."""


@dataclass(frozen=True, eq=False)
class PathBounds:
    """Bounds for thresholds `c` (M,), contraction `alpha` and step size `eta` of the multipliers.

    Only `largest` holds as it is, for any policy and communication. `mean_square` and all that follows from
    it suppose (26), lambda_k^T (V_R - c) >= 0 in every rollout.

    Raises
    ------
    InputError
        From bounds that divide by it, if alpha is 0.
    """

    c: Floats
    alpha: float
    eta: float

    @property
    def M(self) -> int:
        """Number of zones."""
        return len(self.c)

    @property
    def kept(self) -> float:
        """(1 - alpha)^2, the part of ||lambda||^2 that a rollout leaves."""
        return (1 - self.alpha) ** 2

    @property
    def largest_step(self) -> float:
        """Sum of max(c_m, 1 - c_m)^2, which ||c - r||^2 cannot exceed, instead of M."""
        return float((np.maximum(self.c, 1 - self.c) ** 2).sum())

    def _contraction(self) -> float:
        if self.alpha == 0:
            raise InputError("dual.alpha = 0: the bound divides by it; give alpha > 0")
        return self.alpha

    def largest(self, k: int | Ints | None = None) -> Floats:
        """Largest multipliers that are possible after k rollouts, or ever: Lemma 5 for each zone.

        Returns
        -------
        (M,) array, or (*shape of k, M)
            eta c_m (1 - (1 - alpha)^k) / alpha; eta c_m k without contraction.
        """
        if k is None:
            return self.eta * self.c / self._contraction()
        rollouts = np.asarray(k, dtype=np.float64)[..., None]
        if self.alpha == 0:
            return self.eta * self.c * rollouts
        return self.eta * self.c * -np.expm1(rollouts * math.log1p(-self.alpha)) / self.alpha

    def printed_U(self) -> float:
        """U = eta sqrt(M / alpha) of Lemma 5 as it is printed, and the bound of (59) and (34)."""
        return self.eta * math.sqrt(self.M / self._contraction())

    def proven_U(self) -> float:
        """U = eta sqrt(M) / alpha, as the proof of Lemma 5 has it, (65)."""
        return self.eta * math.sqrt(self.M) / self._contraction()

    def next_square(self, square: Floats, step: float) -> Floats:
        """Right-hand side of (52), from ||lambda_k||^2."""
        return self.kept * square + self.eta**2 * step

    def mean_square(self, step: float, k: int | None = None) -> float:
        """Bound on E ||lambda_k||^2, (61); without k for all k, as (62) with 2 alpha - alpha^2 for alpha."""
        lost = 1 - self.kept
        if k is not None and lost == 0:
            return self.eta**2 * step * k
        self._contraction()
        return self.eta**2 * step * (1 if k is None else 1 - self.kept**k) / lost

    def running_square(self, step: float, K: int | Ints, miss: float) -> Floats:
        """Bound on mean_{k < K} ||lambda_k||^2, at all K at once, with probability 1 - `miss`.

        Proposition 4 in finite time. For any theta in (0, 1) and any chance of failure,
        ``eta^2 / ((1 - theta) g) (step + theta g ||c||^4 / (4 q M) + q M log(1 / chance) / (theta g K))``
        with q = (1 - alpha)^2 and g = 1 - q is one. The best of theta = 2^-i is taken, i = 1, 2, ..., whose
        chances miss / (i (i + 1)) add up to less than `miss`.
        """
        self._contraction()
        q, g, fourth = self.kept, 1 - self.kept, float(self.c @ self.c) ** 2
        i = np.arange(1, MOST_HALVINGS + 1)
        theta, surprise = 0.5**i, np.log(i * (i + 1) / miss)
        late = q * self.M * surprise / (theta * g * np.asarray(K, dtype=np.float64)[..., None])
        found = self.eta**2 / ((1 - theta) * g) * (step + theta * g * fourth / (4 * q * self.M) + late)
        return found.min(axis=-1)

    def shortfall(self, step: float, slack: float = 0.0) -> float:
        """Most that satisfaction can stay below thresholds in the long run: sqrt(alpha step / (2 - alpha)).

        For the Euclidean norm over zones of what is missing, so for each zone as well; (24) has
        sqrt(alpha M), `cmarlsim.bounds.theorem1.feasibility_error`.

        Parameters
        ----------
        slack
            Suppose lambda_k^T (V_R - c) >= slack ||lambda_k|| in place of (26), which has 0. If positive, the
            result is less than alpha step / (2 (1 - alpha) slack); if negative, it is at most about -slack
            more than without.
        """
        pull = (1 - self.alpha) * slack
        root = math.sqrt(pull**2 + self.alpha * (2 - self.alpha) * step)
        if pull > 0:  # the same number, without the difference of two that are nearly equal
            return self.alpha * step / (root + pull)
        return (root - pull) / (2 - self.alpha)

    def shortfall_by(self, step: float, K: int | Ints, miss: float) -> Floats:
        """The same after K rollouts, at all K at once, with probability 1 - `miss`."""
        last = np.linalg.norm(self.c) / (self._contraction() * np.asarray(K, dtype=np.float64))
        return last + self.alpha / self.eta * np.sqrt(self.running_square(step, K, miss))
