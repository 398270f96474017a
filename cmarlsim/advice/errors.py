"""How far agents were off in a run of level ``step``."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.world import Floats
from cmarlsim.recordings.recording import Recording


def errors(recording: Recording) -> Floats:
    """Errors |lambda^n_k - lambda_k| in every rollout, (K, N, M)."""
    return np.abs(recording.lam[:-1] - recording.lam_ideal[:-1, None])


def all_agents(recording: Recording) -> float:
    """Largest error over agents and zones, on average over the rollouts of the second half."""
    error = errors(recording)
    return float(error[len(error) // 2 :].max(axis=(1, 2)).mean())


def most_missed(recording: Recording) -> float:
    """Share of the steps in which a zone was attended and an agent missed it: the largest over both."""
    T0, missed = recording.scenario.dual.T0, 0
    for first in range(0, recording.steps, T0):
        reward, estimate = (recording.read(name, first, first + T0) for name in ("reward", "estimate"))
        missed = missed + (reward[:, None] & ~estimate).sum(axis=0)
    return float(np.max(missed) / recording.steps)
