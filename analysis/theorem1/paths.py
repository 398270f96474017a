"""Runs of one scenario as arrays: what holds on every path of Algorithm 2, and what is promised about them.

The invariants hold for any policy and communication; they are exact, nothing is sampled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cmarlsim.bounds.certificate import certified_satisfaction
from cmarlsim.bounds.proposition4 import PathBounds
from cmarlsim.bounds.theorem1 import feasibility_error
from cmarlsim.bounds.verdicts import CORRECTED, PRINTED, ROUNDING, SHARPER
from cmarlsim.kernels.world import Floats
from cmarlsim.recordings.recording import Recording

TAIL = 0.1
"""Part of a run after which its smallest or largest value stands for the limit."""

MISS = 1e-3
"""Chance that is left to the bounds that hold at all times at once."""

MEASURED = "measured slack"
"""Form of (24) with the slack of (26) along the runs."""

LARGEST = "lambda_m <= eta c_m (1 - (1 - alpha)^k) / alpha, for every agent and in truth"
MISSED = "0 <= lambda_m <= lambda^n_m"
CERTIFICATE = "c - lambda^n_K / (eta K) - (alpha / eta) mean_{k < K} lambda^n_k <= satisfaction"
UNROLLED = "the same with the multipliers of (16)"
STEP = "||lambda_{k+1}|| <= ||(1 - alpha) lambda_k + eta (c - r_k)||, where ||c - r_k||^2 <= S"


@dataclass(frozen=True, eq=False)
class Paths:
    """R runs of one scenario and policy, K rollouts each, recorded at level ``rollout`` or ``step``."""

    runs: Sequence[Recording]

    @cached_property
    def bounds(self) -> PathBounds:
        """Bounds for the runs' scenario."""
        return bounds_of(self.runs[0])

    @cached_property
    def K(self) -> int:
        """Rollouts of each run."""
        return self.runs[0].rollouts_done

    @cached_property
    def ideal(self) -> Floats:
        """Multipliers of (16), (R, K + 1, M)."""
        return np.stack([run.lam_ideal for run in self.runs])

    @cached_property
    def square(self) -> Floats:
        """||lambda_k||^2, (R, K + 1)."""
        return (self.ideal**2).sum(axis=2)

    @cached_property
    def running(self) -> Floats:
        """Running means of lambda_1 .. lambda_k, (R, K, M)."""
        return np.cumsum(self.ideal[:, 1:], axis=1) / np.arange(1, self.K + 1)[:, None]

    @cached_property
    def satisfaction(self) -> Floats:
        """Satisfaction after 1 .. K rollouts, (R, K, M)."""
        return np.stack([run.satisfaction("rollout") for run in self.runs])

    @cached_property
    def settled(self) -> Floats:
        """Satisfaction and lambda_K / (eta K), by which it can be less for now, (R, K, M).

        It is at least c less alpha / eta times the running mean of lambda: what (24) is about, for all K.
        """
        k = np.arange(1, self.K + 1)[:, None]
        return self.satisfaction + self.ideal[:, 1:] / (self.bounds.eta * k)

    @cached_property
    def inner(self) -> Floats:
        """Mean over k of lambda_k^T (r_k - c), (R,)."""
        reward = np.stack([run.reward_mean for run in self.runs])
        return ((reward - self.bounds.c) * self.ideal[:, :-1]).sum(axis=2).mean(axis=1)

    @cached_property
    def slack(self) -> float:
        """Largest sigma with which lambda_k^T (r_k - c) >= sigma ||lambda_k|| on average along every path."""
        size = np.sqrt(self.square[:, :-1]).mean(axis=1)
        return float(np.divide(self.inner, size, out=np.zeros_like(size), where=size > 0).min())

    @cached_property
    def tail(self) -> slice:
        """Rollouts that stand for the limit."""
        return slice(math.ceil(TAIL * self.K) - 1, None)

    @cached_property
    def zones(self) -> list[str]:
        """Names of the zones."""
        return [zone.name for zone in self.runs[0].scenario.zones]

    @cached_property
    def steps(self) -> dict[str, float]:
        """Bounds on ||c - r||^2 by the form of statement that they make."""
        return {PRINTED: float(self.bounds.M), SHARPER: self.bounds.largest_step}

    @cached_property
    def shortfalls(self) -> dict[str, float]:
        """How far satisfaction may stay below thresholds, by form of (24)."""
        bounds = self.bounds
        return {
            PRINTED: feasibility_error(bounds.alpha, bounds.M),
            CORRECTED: bounds.shortfall(bounds.M),
            SHARPER: bounds.shortfall(bounds.largest_step),
            MEASURED: bounds.shortfall(bounds.largest_step, self.slack),
        }


def bounds_of(recording: Recording) -> PathBounds:
    """Bounds for a recording's scenario."""
    dual = recording.scenario.dual
    return PathBounds(recording.scenario.c, dual.alpha, dual.eta)


def certificates(recording: Recording, lam: Floats) -> Floats:
    """What multipliers certify after 1 .. K rollouts.

    Parameters
    ----------
    recording
        Of level ``rollout`` or ``step``.
    lam : (K + 1, ..., M) array
        Multipliers of every agent, or ideal ones.

    Returns
    -------
    (K, ..., M) array
    """
    dual = recording.scenario.dual
    K = np.arange(1, len(lam)).reshape(-1, *(1 for _ in lam.shape[1:]))
    mean = np.cumsum(lam[:-1], axis=0) / K
    return certified_satisfaction(recording.scenario.c, lam[1:], mean, dual.alpha, dual.eta, K)


def invariant_slacks(recording: Recording) -> dict[str, float]:
    """Slack of each invariant where it is met most closely, relative to the numbers compared.

    No slack is negative but by rounding, whatever the policy, the links and the draws. The recording is of
    level ``rollout`` or ``step``.
    """
    bounds, lam, ideal = bounds_of(recording), recording.lam, recording.lam_ideal
    largest = bounds.largest(np.arange(len(ideal)))
    satisfaction, gap = recording.satisfaction("rollout"), bounds.c - recording.reward_mean
    moved = (((1 - bounds.alpha) * ideal[:-1] + bounds.eta * gap) ** 2).sum(axis=1)
    compared = {
        LARGEST: [(ideal, largest), (lam, largest[:, None])],
        MISSED: [(np.zeros(1), ideal), (ideal[:, None], lam)],
        CERTIFICATE: [(certificates(recording, lam), satisfaction[:, None])],
        UNROLLED: [(certificates(recording, ideal), satisfaction)],
        STEP: [((ideal[1:] ** 2).sum(axis=1), moved), ((gap**2).sum(axis=1), np.array(bounds.largest_step))],
    }
    return {name: min(_slack(*pair) for pair in pairs) for name, pairs in compared.items()}


def _slack(small: Floats, large: Floats) -> float:
    return float(((large - small) / (1 + np.abs(large))).min(initial=np.inf))


def broken(recording: Recording) -> list[str]:
    """Invariants that a recording does not meet: none, unless something is wrong with the program."""
    return [name for name, slack in invariant_slacks(recording).items() if slack < -ROUNDING]
