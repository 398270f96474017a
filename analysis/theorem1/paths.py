"""Runs of one scenario as arrays, and what is promised about them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.theorem1.invariants import bounds_of, certificates
from cmarlsim.bounds.proposition4 import PathBounds
from cmarlsim.bounds.theorem1 import feasibility_error
from cmarlsim.bounds.verdicts import CORRECTED, PRINTED, SHARPER
from cmarlsim.kernels.world import Floats
from cmarlsim.recordings.recording import Recording

TAIL = 0.1
"""Part of a run after which its smallest or largest value stands for the limit."""

MISS = 1e-3
"""Chance that is left to the bounds that hold at all times at once."""

MEASURED = "measured slack"
"""Form of (24) with the slack of (26) along the runs."""


@dataclass(frozen=True, eq=False)
class Paths:
    """Runs of one scenario, equally long; R runs of K rollouts."""

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
        """After 1 .. K rollouts, (R, K, M)."""
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


def feasibility_errors(paths: Paths) -> dict[str, float]:
    """By how much satisfaction may stay below thresholds, by form of (24)."""
    bounds = paths.bounds
    return {
        PRINTED: feasibility_error(bounds.alpha, bounds.M),
        CORRECTED: bounds.shortfall(bounds.M),
        SHARPER: bounds.shortfall(bounds.largest_step),
        MEASURED: bounds.shortfall(bounds.largest_step, paths.slack),
    }


def tightness(run: Recording) -> pd.DataFrame:
    """Satisfaction and certificates over time.

    Returns
    -------
    pd.DataFrame
        Columns K (rollouts done), zone, n, satisfaction, certificate, gap (the first less the second), and
        promise (c - sqrt(alpha M)).
    """
    scenario, found, satisfaction = run.scenario, certificates(run, run.lam), run.satisfaction("rollout")
    N, M = scenario.agents.N, scenario.M
    K = np.unique(np.geomspace(1, run.rollouts_done, 80).round().astype(np.int64))
    held = np.repeat(satisfaction[K - 1, None], N, axis=1)
    promise = scenario.c - feasibility_error(scenario.dual.alpha, M)
    return pd.DataFrame(
        {
            "K": np.repeat(K, N * M),
            "zone": np.tile([zone.name for zone in scenario.zones], len(K) * N),
            "n": np.tile(np.repeat(np.arange(N), M), len(K)),
            "satisfaction": held.ravel(),
            "certificate": found[K - 1].ravel(),
            "gap": (held - found[K - 1]).ravel(),
            "promise": np.tile(promise, len(K) * N),
        }
    )
