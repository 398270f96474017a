"""Means given the past: the same state, gone on from many times with other draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.kernels.world import Floats
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import stream
from cmarlsim.recordings.recording import Recording
from cmarlsim.simulation.execution import Run

FORKS = 200
"""Repetitions of a rollout."""


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


def sample_rollouts(
    recording: Recording, policy: Policy, rollouts: Sequence[int], forks: int = FORKS
) -> list[Sample]:
    """Repeat rollouts of a recording of level ``rollout`` or ``step``, made with `policy`.

    Parameters
    ----------
    rollouts
        Which, ascending.

    Raises
    ------
    InputError
        If the run, repeated, is not that of the recording.
    """
    run, ideal, lam = Run(recording.scenario, policy, recording.seed), recording.lam_ideal, recording.lam
    samples = []
    for k in rollouts:
        if k > run.done:
            run.advance(k - run.done, keep_steps=False)
        if not np.array_equal(run.lam, lam[k]):
            raise InputError(
                f"{recording.path}: cannot be repeated with this policy and this version of cmarlsim; "
                "record it again"
            )
        samples.append(Sample(k, ideal[k], *repeated(run, run.lam, forks)))
    return samples


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
    reward, after = (
        np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in ("reward_mean", "lam_ideal")
    )
    return reward, after


def forked(run: Run, lam: Floats, forks: int) -> Iterator[Run]:
    """Runs that go on from where `run` is, with `lam` in force and draws of their own."""
    for seed in stream(run.seed, "forks", run.done).integers(2**63, size=forks):
        yield run.fork(lam, int(seed))
