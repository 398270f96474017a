"""The steps of a batch of episodes, gathered per visited (episode, tile) pair.

In an episode the multipliers are constant, so the policy is a table of L tiles and its gradient over T0
steps collapses to one weight per (visited tile, action).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.episodes import Experience
from cmarlsim.kernels.network import Singles
from cmarlsim.kernels.world import Floats, Ints


class Visits(NamedTuple):
    """A row for each visited (episode, tile) pair; there is room for R = B min(L, T0) rows.

    The rows of an episode follow each other.
    """

    end: Ints  # (B,) the first row after those of each episode
    row: Ints  # (B, T0) the row of every step
    q: Floats  # (B, T0) the return-to-go of every step: local Q, eq. (12), sampled
    tile: Ints  # (R,)
    steps: Floats  # (R, M) how often each action was taken
    total_q: Floats  # (R, M) sum of `q` over these steps
    value: Singles  # (R,) the baseline's
    row_of: Ints  # (L,) buffer: the row of a tile in the present episode, -1 while it has none


def new_visits(episodes: int, T0: int, tiles: int, zones: int) -> Visits:
    """Room for the visits of a batch."""
    rows = episodes * min(tiles, T0)
    return Visits(
        end=np.zeros(episodes, dtype=np.int64),
        row=np.zeros((episodes, T0), dtype=np.int64),
        q=np.zeros((episodes, T0)),
        tile=np.zeros(rows, dtype=np.int64),
        steps=np.zeros((rows, zones)),
        total_q=np.zeros((rows, zones)),
        value=np.zeros(rows, dtype=np.float32),
        row_of=np.zeros(tiles, dtype=np.int64),
    )


@kernel
def rows_of(visits: Visits, b: int) -> tuple[int, int]:
    """First row of episode `b`, and the first row after its rows."""
    return (visits.end[b - 1] if b > 0 else 0), visits.end[b]


@inner
def row_for(visits: Visits, tile: int, free: int) -> int:
    """The row of `tile` in the present episode; the row `free`, emptied, if it has none yet."""
    if visits.row_of[tile] < 0:
        visits.row_of[tile] = free
        visits.tile[free] = tile
        for a in range(visits.steps.shape[1]):
            visits.steps[free, a] = 0.0
            visits.total_q[free, a] = 0.0
    return visits.row_of[tile]


@kernel
def gather(experience: Experience, discount: float, visits: Visits) -> None:
    """Sample local Q, eq. (12), of every step of `experience`, and gather the steps per row.

    Local Q up to scale is the mean discounted reward from a step on, to the end of the episode::

        q_t = sum over j of discount^j reward_{t + j} / sum over j of discount^j
    """
    end = 0
    for b in range(len(experience.reward)):
        for tile in range(len(visits.row_of)):
            visits.row_of[tile] = -1
        tail, weight = 0.0, 0.0
        for t in range(experience.reward.shape[1] - 1, -1, -1):
            tail = experience.reward[b, t] + discount * tail
            weight = 1.0 + discount * weight
            row, action = row_for(visits, experience.tile[b, t], end), experience.action[b, t]
            end = max(end, row + 1)
            visits.q[b, t] = tail / weight
            visits.row[b, t] = row
            visits.steps[row, action] += 1.0
            visits.total_q[row, action] += tail / weight
        visits.end[b] = end
