"""What can be seen of a run at its steps, read from a recording piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.recordings.recording import Recording

MOST_ROWS = 1000
"""Steps that are read at once."""

MOST_ENTRIES = 2**24
"""Links, or multipliers, that are read at once."""


class Moment(NamedTuple):
    """A run at step t: as recorded, and how satisfied the zones are so far."""

    t: int
    position: Floats
    """(N, 2) metres"""
    link: Bools
    """(N, N)"""
    reward: Bools
    """(M,) which zones are attended, eq. (1)"""
    lam: Floats
    """(N, M) in force during this rollout, eq. (18)"""
    satisfaction: Floats
    """(M,) mean of `reward` over the steps 0 to t"""


def moments(recording: Recording, steps: range) -> Iterator[Moment]:
    """Moments of a recording at level ``step``, of which a bounded number is held in memory at once."""
    scenario = recording.scenario
    N, T0 = scenario.agents.N, scenario.dual.T0
    rows = max(1, min(MOST_ROWS, MOST_ENTRIES // (N * max(N, scenario.M))))
    count, stop = _attended(recording, steps.start), steps[-1] + 1
    for begin in range(steps.start, stop, rows):
        end = min(begin + rows, stop)
        reward = recording.read("reward", begin, end)
        position, link = recording.read("position", begin, end), recording.links(begin, end)
        lam = recording.read("lam", begin // T0, (end - 1) // T0 + 1)
        for t in range(begin, end):
            row = t - begin
            count = count + reward[row]
            if t in steps:
                mine = lam[t // T0 - begin // T0]
                yield Moment(t, position[row], link[row], reward[row], mine, count / (t + 1))


def _attended(recording: Recording, steps: int) -> Floats:
    """Number of the first `steps` steps in which each zone was attended, (M,)."""
    T0 = recording.scenario.dual.T0
    whole = np.rint(recording.read("reward_mean", 0, steps // T0) * T0).sum(axis=0)
    return whole + recording.read("reward", steps // T0 * T0, steps).sum(axis=0)


def largest_multiplier(recording: Recording, steps: range) -> float:
    """The largest multiplier of all agents and zones in the rollouts of these steps."""
    T0 = recording.scenario.dual.T0
    return max(recording.read("lam", k, k + 1).max() for k in sorted({t // T0 for t in steps}))
