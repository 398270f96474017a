"""Theorem 1: what it asks and promises, eq. (23) to (25), and Lemma 1 as it holds.

`docs/theorem1.md` has the proofs.
"""

from __future__ import annotations

import math

import numpy as np

from cmarlsim.bounds.verdicts import ROUNDING
from cmarlsim.kernels.world import Floats


def unmet_conditions(c: Floats, N: int) -> list[str]:
    """What Theorem 1 asks of thresholds `c` (M,) and a team of N, and does not find; empty if all is well."""
    most, total = float(np.max(c)), float(np.sum(c))
    found = []
    if most >= 1:
        found.append(f"||c||_inf = {most:g}, must be below 1")
    if total > N - 1 + ROUNDING:
        found.append(f"||c||_1 = {total:g}, must be at most N - 1 = {N - 1}")
    return found


def feasibility_error(alpha: float, M: int) -> float:
    """Error sqrt(alpha M) of eq. (24): by so much Theorem 1 allows satisfaction to stay below thresholds."""
    return math.sqrt(alpha * M)


def least_slack(c: Floats, N: int) -> tuple[float, float]:
    """Least lambda^T (V - c) of N ideal agents, over all lambda >= 0, by ||lambda||_inf and by ||lambda||.

    Lemma 1 as it holds, whether c meets its conditions or not. As long as the order of the multipliers stays
    the same, V does, so that lambda^T (V - c) is linear there, and any lambda is a sum of indicators of its
    largest j zones, j = 1 .. M. Of these the worst has the j largest thresholds: min(j, N) less their sum.
    Where that is negative for some j, the second value is below 0 too, but need not be the least.
    """
    j = np.arange(1, len(c) + 1)
    gained = np.minimum(j, N) - np.cumsum(np.sort(c)[::-1])
    return float(gained.min()), float((gained / np.sqrt(j)).min())


def slack(c: Floats, mismatch: float = 0.0) -> tuple[float, float]:
    """Delta: 1 - ||c||_inf - M (epsilon + beta) of eq. (23), and with sqrt(M), as Proposition 4 has it.

    `mismatch` is epsilon + beta of Assumption 1. Where delta is not positive, nothing is promised.
    """
    room = 1 - float(np.max(c))
    return room - len(c) * mismatch, room - math.sqrt(len(c)) * mismatch
