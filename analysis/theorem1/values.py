"""Values V, V_P and V_R of the rollouts of a run, measured by repeating them from where they begin.

Given the past F_k, rollout k begins with the agents at their places, with lambda_k, eq. (16), and their own
lambda^n_k, eq. (18). Repeated with other draws it gives samples of V_R, eq. (20), and with lambda_k for all
agents of V_P, eq. (14). Going on with lambda_k for all, and for ever, gives what V_P would be for T0 to
infinity. V of the ideal policy is known: it attends the N zones with the largest multipliers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from analysis.intervals import mean_and_error
from analysis.theorem1.forks import forked, repeated
from cmarlsim.kernels.world import Floats
from cmarlsim.policies.policy import Policy
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run

REPEATED, LONG = 64, 12
"""Repetitions of a rollout, and of the long ones."""

WAITED, LASTED = 4, 16
"""Rollouts with frozen multipliers: left out, and taken."""

NEARER = 0.1
"""Of the way from lambda to lambda^n, multipliers with which rollouts are repeated too."""


@dataclass(frozen=True, eq=False)
class Samples:
    """K rollouts, each repeated.

    Numbers on them come as (3, K): what was measured, and the ends of an interval for all K at once.
    """

    N: int
    c: Floats  # (M,)
    lam: Floats  # (K, M) lambda_k, none of them 0
    away: Floats  # (K,) max_n ||lambda^n_k - lambda_k||_inf
    own: Floats  # (K, REPEATED, M) mean rewards with lambda^n_k
    shared: Floats  # (K, REPEATED, M) with lambda_k for all
    nearer: Floats  # (K, REPEATED, M) with multipliers a tenth as far from lambda_k
    frozen: Floats  # (K, LONG, M) with lambda_k for all, for many rollouts

    @cached_property
    def ideal(self) -> Floats:
        """V of the ideal policy, (K, M). Of zones with the same multiplier it takes those nearest to V_P."""
        attended = np.zeros_like(self.lam)
        shared = self.shared.mean(axis=1)
        for k, lam in enumerate(self.lam):
            attended[k, np.lexsort((shared[k], lam))[-self.N :]] = 1
        return attended

    def along(self, value: Floats) -> Floats:
        """lambda^T value / ||lambda|| for values (K, R, M) or (K, 1, M), (K, R)."""
        return np.einsum("krm,km->kr", value, self.lam) / np.linalg.norm(self.lam, axis=1)[:, None]

    def mismatch(self, value: Floats) -> Floats:
        """lambda^T (V - value) / ||lambda||: with `shared` epsilon + beta of (15), with `frozen` beta."""
        return interval(self.along(self.ideal[:, None] - value))

    def gain(self) -> Floats:
        """lambda^T (V_R - c) / ||lambda||, of (26)."""
        return interval(self.along(self.own - self.c))

    def distance(self, one: Floats, other: Floats) -> Floats:
        """Euclidean distance of mean values."""
        apart = one - other
        K, R, M = apart.shape
        mean, error = mean_and_error(apart.swapaxes(0, 1).reshape(R, K * M))
        norm, wide = (np.linalg.norm(part.reshape(K, M), axis=1) for part in (mean, error))
        return np.stack([norm, np.maximum(norm - wide, 0), norm + wide])

    def slope(self, value: Floats, part: float = 1.0) -> Floats:
        """||V_P - value|| by the largest difference of multipliers, L of (21); 0 where there is none."""
        away = part * self.away
        return np.divide(
            self.distance(self.shared, value), away, out=np.zeros((3, len(away))), where=away > 0
        )

    def halves(self) -> tuple[Samples, Samples]:
        """The first half of the rollouts, and the others."""
        middle = (len(self.lam) + 1) // 2
        return self._some(slice(middle)), self._some(slice(middle, None))

    def _some(self, which: slice) -> Samples:
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        return Samples(**{name: part if name in ("N", "c") else part[which] for name, part in parts.items()})


def interval(samples: Floats) -> Floats:
    """Means of (K, R) samples over R, and the ends of intervals for all K at once, (3, K)."""
    mean, error = mean_and_error(samples.T)
    return np.stack([mean, mean - error, mean + error])


def largest(numbers: Floats) -> tuple[float, float, float]:
    """The largest of what was measured, (3, K), with its interval."""
    measured, low, high = numbers.max(axis=1)
    return float(measured), float(low), float(high)


def smallest(numbers: Floats) -> tuple[float, float, float]:
    """The smallest of what was measured, (3, K), with its interval."""
    measured, low, high = numbers.min(axis=1)
    return float(measured), float(low), float(high)


def sample(scenario: Scenario, policy: Policy, seed: int, rollouts: Sequence[int]) -> list[dict[str, Floats]]:
    """Repeat rollouts of a run: those asked for (ascending, the first above 0), if lambda_k is not 0 there.

    Returns
    -------
    list of dict
        By the names of `Samples`, each without its first axis.
    """
    run, found = Run(scenario, policy, seed), []
    for k in rollouts:
        lam = run.advance(k - run.done, keep_steps=False).lam_ideal[-1].copy()
        if lam.any():
            found.append({"lam": lam} | _repeated(run, lam))
    return found


def _repeated(run: Run, lam: Floats) -> dict[str, Floats]:
    """Repeat the next rollout of a run, in which the ideal multipliers are `lam` (M,)."""
    own = run.lam
    kinds = {"own": own, "shared": lam, "nearer": lam + NEARER * (own - lam)}
    found = {name: repeated(run, used, REPEATED)[0] for name, used in kinds.items()}
    found["frozen"] = np.stack([_for_long(fork) for fork in forked(run, lam, LONG)])
    return found | {"away": np.abs(own - lam).max()}


def _for_long(run: Run) -> Floats:
    """Mean rewards, (M,), of many rollouts in all of which multipliers stay as they are."""
    lam, total = run.lam, np.zeros(run.scenario.M)
    for k in range(WAITED + LASTED):
        reward = run.advance(1, keep_steps=False).reward_mean[0]
        run.lam = lam
        if k >= WAITED:
            total += reward / LASTED
    return total


def collect(scenario: Scenario, parts: Sequence[dict[str, Floats]]) -> Samples:
    """Put repeated rollouts together."""
    stacked = {name: np.stack([part[name] for part in parts]) for name in parts[0]}
    return Samples(scenario.agents.N, scenario.c, **stacked)
