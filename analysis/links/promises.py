"""What Proposition 3 promises for links with a fitted p, and what its proof gives with each link's own p."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np

from cmarlsim.bounds.proposition3 import MultiplierBound
from cmarlsim.errors import InputError
from cmarlsim.footprints.footprint import Footprint, strongest
from cmarlsim.footprints.passages import edges_of, quickest_path
from cmarlsim.footprints.proposition2 import sum_of_geometrics
from cmarlsim.kernels.world import Floats
from cmarlsim.scenario import Dual


class Promise(NamedTuple):
    """Bounds on the mean error of an agent's multipliers, for all rollouts.

    They need no more of a link than that it is up with its chance at least, whatever happened before.
    """

    printed: float  # (22), of the part of the footprint for which it is least
    one_zone: float  # in each zone, along the quickest path from any agent
    one_agent: float  # in the max norm over zones, the same


def late(footprint: Footprint, T0: int) -> Floats:
    """Largest chance that what an agent observed 0, 1, ... steps before a rollout's end is not known then.

    News takes a sum of geometric times along the path with the least mean.

    Returns
    -------
    (T0, N, N) array
        By lag, who is told, and who observed.
    """
    found = np.zeros((T0, footprint.N, footprint.N))
    for source, agent in permutations(range(footprint.N), 2):
        path = quickest_path(footprint, 1 / footprint.p, source, agent)
        found[:, agent, source] = 1 - sum_of_geometrics(footprint.p[edges_of(footprint, path)], T0 - 1)
    return found


def promise(name: str, N: int, pairs: np.ndarray, chance: Floats, dual: Dual) -> Promise:
    """Promise for links of `pairs` (F, 2) that are up with chance (F,) at least.

    All bounds are infinite where links that have a chance do not connect all agents.

    Raises
    ------
    InputError
        If alpha is 0, by which (22) divides.
    """
    try:
        footprint = Footprint(name, N, pairs[chance > 0], chance[chance > 0])
    except InputError:
        return Promise(np.inf, np.inf, np.inf)
    best = strongest(footprint)
    bound = MultiplierBound(best.diameter, float(best.p.min()), dual.alpha, dual.eta, dual.T0)
    scale, missed = bound.weight() * dual.eta / dual.T0, late(footprint, dual.T0)
    of_any = np.minimum(1, missed.sum(axis=2))  # of one zone after the other, one agent's or another's news
    return Promise(
        printed=bound.printed(),
        one_zone=scale * float(missed.sum(axis=0).max()),
        one_agent=scale * float(of_any.sum(axis=0).max()),
    )


def mean_of(promises: Sequence[Promise]) -> Promise:
    """Bounds on means over recordings, each with its own links."""
    return Promise(*map(float, np.mean(promises, axis=0)))
