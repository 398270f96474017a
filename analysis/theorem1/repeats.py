"""Rollouts of runs, repeated from the state in which they begin: means given the past F_k.

Rollout k begins with the agents at their places, with lambda_k, eq. (16), and their own lambda^n_k, eq.
(18). Repeated with other draws it gives samples of V_R, eq. (20), and with lambda_k for all agents of V_P,
eq. (14). Going on with lambda_k for all, and for ever, gives what V_P would be for T0 to infinity. V of the
ideal policy is known: it attends the N zones with the largest multipliers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np

from analysis.intervals import mean_and_error
from cmarlsim.errors import InputError
from cmarlsim.kernels.world import Floats
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import stream
from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run

REPEATED, LONG = 64, 12
"""Repetitions of a rollout for `Values`, and of the long ones."""

SAMPLED, FORKS = 12, 200
"""Rollouts that `sampled` repeats, and repetitions of each."""

WAITED, LASTED = 4, 16
"""Rollouts with frozen multipliers: left out, and taken."""

NEARER = 0.1
"""Rollouts are repeated also with multipliers this part of the way from lambda to lambda^n."""


def forked(run: Run, lam: Floats, forks: int) -> Iterator[Run]:
    """Runs that go on from where `run` is, with `lam` in force and draws of their own."""
    for seed in stream(run.seed, "forks", run.done).integers(2**63, size=forks):
        yield run.fork(lam, int(seed))


def repeated(run: Run, lam: Floats, forks: int) -> tuple[Floats, Floats]:
    """Repeat the next rollout of a run, with multipliers `lam` in force; always with the same draws.

    Parameters
    ----------
    lam : (N, M) or (M,) array
        As `Run.fork` takes them.

    Returns
    -------
    (forks, M), (forks, M)
        Mean rewards, and lambda_{k+1}.
    """
    chunks = [fork.advance(1, keep_steps=False) for fork in forked(run, lam, forks)]
    return (
        np.concatenate([chunk.reward_mean for chunk in chunks]),
        np.concatenate([chunk.lam_ideal for chunk in chunks]),
    )


@dataclass(frozen=True, eq=False)
class Sample:
    """A rollout of a run, repeated from the state in which it begins, with the agents' own multipliers."""

    k: int
    ideal: Floats  # (M,) lambda_k
    reward: Floats  # (forks, M) mean rewards
    after: Floats  # (forks, M) lambda_{k+1}

    @property
    def square(self) -> Floats:
        """||lambda_{k+1}||^2, (forks,)."""
        return (self.after**2).sum(axis=1)

    def inner(self, c: Floats) -> Floats:
        """lambda_k^T (r - c), whose mean is that of (26), (forks,)."""
        return (self.reward - c) @ self.ideal


def sampled(
    recording: Recording, policy: Policy, rollouts: Sequence[int] | None = None, forks: int = FORKS
) -> list[Sample]:
    """Repeat rollouts of a recording of level ``rollout`` or ``step`` made with `policy`.

    Parameters
    ----------
    rollouts
        Ascending; by default some from the first that has multipliers to the last.

    Raises
    ------
    InputError
        If the run, repeated, is not that of the recording.
    """
    if rollouts is None:
        last = recording.rollouts_done - 1
        rollouts = sorted({round(k) for k in np.geomspace(1, last, SAMPLED)}) if last > 0 else []
    run, samples = Run(recording.scenario, policy, recording.seed), []
    for k in rollouts:
        if k > run.done:
            run.advance(k - run.done, keep_steps=False)
        if not np.array_equal(run.lam, recording.lam[k]):
            raise InputError(
                f"{recording.path}: cannot be repeated with this policy and this version of cmarlsim; "
                "record it again"
            )
        samples.append(Sample(k, recording.lam_ideal[k], *repeated(run, run.lam, forks)))
    return samples


@dataclass(frozen=True, eq=False)
class Values:
    """Values V, V_P and V_R of K rollouts, each repeated.

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
        attended, shared = np.zeros_like(self.lam), self.shared.mean(axis=1)
        for k, lam in enumerate(self.lam):
            attended[k, np.lexsort((shared[k], lam))[-self.N :]] = 1
        return attended

    def along(self, value: Floats) -> Floats:
        """lambda^T value / ||lambda|| for values (K, R, M) or (K, 1, M), (K, R)."""
        return np.einsum("krm,km->kr", value, self.lam) / np.linalg.norm(self.lam, axis=1)[:, None]

    def mismatch(self, value: Floats) -> Floats:
        """lambda^T (V - value) / ||lambda||: with `shared` epsilon + beta of (15), with `frozen` beta."""
        return _interval(self.along(self.ideal[:, None] - value))

    def gain(self) -> Floats:
        """lambda^T (V_R - c) / ||lambda||, of (26)."""
        return _interval(self.along(self.own - self.c))

    def distance(self, one: Floats, other: Floats) -> Floats:
        """Euclidean distance of mean values."""
        apart = one - other
        K, R, M = apart.shape
        mean, error = mean_and_error(apart.swapaxes(0, 1).reshape(R, K * M))
        norm, wide = (np.linalg.norm(part.reshape(K, M), axis=1) for part in (mean, error))
        return np.stack([norm, np.maximum(norm - wide, 0), norm + wide])

    def slope(self, value: Floats, part: float = 1.0) -> Floats:
        """||V_P - value|| by the largest difference of multipliers, L of (21); 0 where there is none."""
        norm, away = self.distance(self.shared, value), part * self.away
        return np.divide(norm, away, out=np.zeros_like(norm), where=away > 0)

    def halves(self) -> tuple[Values, Values]:
        """The first half of the rollouts, and the others."""
        middle, names = (len(self.lam) + 1) // 2, [field.name for field in fields(self)[2:]]
        first, others = (
            replace(self, **{name: getattr(self, name)[some] for name in names})
            for some in (slice(middle), slice(middle, None))
        )
        return first, others


def _interval(samples: Floats) -> Floats:
    """Means of (K, R) samples over R, and the ends of intervals for all K at once, (3, K)."""
    mean, error = mean_and_error(samples.T)
    return np.stack([mean, mean - error, mean + error])


def values_of(
    scenario: Scenario,
    policy: Policy,
    seeds: Sequence[int],
    rollouts: Sequence[int],
    advance: Callable[[int], object] = lambda seeds: None,
) -> Values:
    """Repeat rollouts (ascending, the first above 0) of runs with these seeds, where lambda_k is not 0.

    Raises
    ------
    InputError
        If lambda_k is 0 in all of them.
    """
    found: list[dict[str, Floats]] = []
    for seed in seeds:
        run = Run(scenario, policy, seed)
        for k in rollouts:
            lam = run.advance(k - run.done, keep_steps=False).lam_ideal[-1].copy()
            if lam.any():
                found.append({"lam": lam} | _repeated_values(run, lam))
        advance(1)
    if not found:
        raise InputError(
            f"scenario '{scenario.name}': the multipliers of (16) are 0 in all rollouts that were looked at: "
            "nothing to weigh; raise thresholds"
        )
    parts = {name: np.stack([each[name] for each in found]) for name in found[0]}
    return Values(scenario.agents.N, scenario.c, **parts)


def _repeated_values(run: Run, lam: Floats) -> dict[str, Floats]:
    """Fields of `Values` for the next rollout of a run, in which the ideal multipliers are `lam` (M,)."""
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
