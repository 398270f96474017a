"""Runs whose links are given: recorded, measured on a real radio, or drawn from any law."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cmarlsim.errors import InputError
from cmarlsim.graphs import footprint_edges
from cmarlsim.kernels.scene import Draws
from cmarlsim.kernels.world import Bools, Ints
from cmarlsim.policies.policy import Policy
from cmarlsim.scenario import Links, Scenario
from cmarlsim.simulation.execution import Run


def all_pairs(N: int) -> Ints:
    """Pairs (i, j), i < j, of N agents in lexicographic order, (N (N - 1) / 2, 2)."""
    return footprint_edges("complete", N)


class LinkTraceRun(Run):
    """A run of Algorithm 2 over a given trace of links, whatever the agents do.

    Start positions and actions are drawn as in any run with this seed. Given the links that a run had, it is
    that run, bit for bit; given others, it is the same policy with the same draws over these. The scenario's
    own link model plays no part.

    Parameters
    ----------
    scenario, policy, seed
        As for `cmarlsim.simulation.execution.Run`.
    links : (T, N, N) or (T, F) array of bool
        Who can talk to whom at every step; T steps are all that can be run. Matrices must be symmetric, and
        their diagonal does not count. Otherwise column f says whether the agents ``pairs[f]`` can talk.
    pairs : (F, 2) array of int, optional
        By default `all_pairs`. Pairs that are not listed never talk.

    Raises
    ------
    InputError
        If the links are not of T whole rollouts, or fit neither pairs nor team; or as
        `cmarlsim.simulation.execution.Run` does.

    Examples
    --------
    >>> import cmarlsim
    >>> scenario, policy = cmarlsim.Scenario.load("tiny"), cmarlsim.Policy.load("rank")
    >>> recording = cmarlsim.execute(scenario, policy, steps=100, seed=3)
    >>> again = LinkTraceRun(scenario, policy, 3, recording.links()).advance(10, keep_steps=False)
    >>> bool((again.lam == recording.lam[1:]).all())
    True
    """

    def __init__(
        self, scenario: Scenario, policy: Policy, seed: int, links: ArrayLike, pairs: ArrayLike | None = None
    ) -> None:
        N, T0, links = scenario.agents.N, scenario.dual.T0, np.asarray(links)
        if links.dtype != np.bool_ or links.ndim not in (2, 3) or not len(links) or len(links) % T0:
            raise InputError(
                f"links of shape {links.shape}, {links.dtype}: must be bool, (T, {N}, {N}) or (T, pairs), "
                f"T a multiple of T0 = {T0}"
            )
        up = _of_matrices(links, N) if links.ndim == 3 else _of_pairs(links, N, pairs)
        model = Links(model="bernoulli", d=scenario.links.d, p=0.5, footprint="complete")
        super().__init__(scenario.model_copy(update={"links": model}), policy, seed)
        self._up = up.reshape(-1, T0, up.shape[1])

    def _draw(self, rollouts: int) -> Draws:
        wanted = self._next_of(self._up, "links", rollouts)
        draws = super()._draw(rollouts)
        draws.link[...] = ~wanted  # an edge is active where its draw, now 0 or 1, is below p
        return draws


def _of_matrices(links: Bools, N: int) -> Bools:
    """Links (T, N, N) as columns of `all_pairs`."""
    if links.shape[1:] != (N, N) or not np.array_equal(links, links.swapaxes(1, 2)):
        raise InputError(f"links of shape {links.shape}: must be symmetric matrices of N = {N} agents")
    i, j = all_pairs(N).T
    return links[:, i, j]


def _of_pairs(links: Bools, N: int, pairs: ArrayLike | None) -> Bools:
    """Links (T, F) of chosen pairs as columns of `all_pairs`."""
    everybody = all_pairs(N)
    ends = everybody if pairs is None else np.sort(np.asarray(pairs), axis=-1)
    column = {(int(i), int(j)): f for f, (i, j) in enumerate(everybody)}
    if ends.ndim != 2 or len(ends) != links.shape[1] or ends.dtype.kind not in "iu":
        raise InputError(
            f"pairs of shape {ends.shape}: must be a pair of agents for each of {links.shape[1]} links"
        )
    listed = [tuple(pair) for pair in ends.tolist()]
    for pair in listed:
        if pair not in column or listed.count(pair) > 1:
            raise InputError(f"pairs: {list(pair)} must be two different agents of 0 to {N - 1}, listed once")
    up = np.zeros((len(links), len(everybody)), dtype=np.bool_)
    up[:, [column[pair] for pair in listed]] = links
    return up
