"""What holds on every path of Algorithm 2, for any policy and communication: exact, nothing is sampled."""

from __future__ import annotations

import numpy as np

from cmarlsim.bounds.certificate import certified_satisfaction
from cmarlsim.bounds.proposition4 import PathBounds
from cmarlsim.bounds.verdicts import ROUNDING
from cmarlsim.kernels.world import Floats
from cmarlsim.recordings.recording import Recording

LARGEST = "lambda_m <= eta c_m (1 - (1 - alpha)^k) / alpha, for every agent and in truth"
MISSED = "0 <= lambda_m <= lambda^n_m"
CERTIFICATE = "c - lambda^n_K / (eta K) - (alpha / eta) mean_{k < K} lambda^n_k <= satisfaction"
UNROLLED = "the same with the multipliers of (16)"
STEP = "||lambda_{k+1}|| <= ||(1 - alpha) lambda_k + eta (c - r_k)||, where ||c - r_k||^2 <= S"


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
        Of every agent, or ideal ones.

    Returns
    -------
    (K, ..., M) array
    """
    dual = recording.scenario.dual
    K = np.arange(1, len(lam)).reshape(-1, *(1 for _ in lam.shape[1:]))
    mean = np.cumsum(lam[:-1], axis=0) / K
    return certified_satisfaction(recording.scenario.c, lam[1:], mean, dual.alpha, dual.eta, K)


def slacks(recording: Recording) -> dict[str, float]:
    """By how much each invariant is met where it is met most closely, relative to the numbers compared.

    Parameters
    ----------
    recording
        Of level ``rollout`` or ``step``.

    Returns
    -------
    dict
        None is negative but by rounding, whatever the policy, the links and the draws.
    """
    bounds, lam, ideal, reward = (
        bounds_of(recording),
        recording.lam,
        recording.lam_ideal,
        recording.reward_mean,
    )
    largest = bounds.largest(np.arange(len(ideal)))
    satisfaction = recording.satisfaction("rollout")
    gap = bounds.c - reward
    moved = (((1 - bounds.alpha) * ideal[:-1] + bounds.eta * gap) ** 2).sum(axis=1)
    return {
        LARGEST: min(_slack(ideal, largest), _slack(lam, largest[:, None])),
        MISSED: min(_slack(np.zeros(1), ideal), _slack(ideal[:, None], lam)),
        CERTIFICATE: _slack(certificates(recording, lam), satisfaction[:, None]),
        UNROLLED: _slack(certificates(recording, ideal), satisfaction),
        STEP: min(
            _slack((ideal[1:] ** 2).sum(axis=1), moved),
            _slack((gap**2).sum(axis=1), np.array(bounds.largest_step)),
        ),
    }


def _slack(small: Floats, large: Floats) -> float:
    return float(((large - small) / (1 + np.abs(large))).min(initial=np.inf))


def broken(recording: Recording) -> list[str]:
    """Invariants that a recording does not meet: none, unless something is wrong with the program."""
    return [name for name, slack in slacks(recording).items() if slack < -ROUNDING]
