"""Gossip over a footprint: what every node knows of chosen sources, by either of two engines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.footprints.activations import Copies, active_events, active_steps
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.kernels.spreading import Knowledge, spread_by_activations, spread_by_steps
from cmarlsim.kernels.world import Bools, Ints

Engine = Literal["auto", "events", "steps"]

CROSSOVER = 0.02
"""Mean edge probability below which jumping is the faster engine; `docs/footprints.md` has measurements."""

EDGES_AT_ONCE = 2**12
"""Repetitions of small footprints are simulated side by side, up to so many edges."""

MOST_BYTES = 2**33
"""Memory that the freshness of all nodes may take."""


class Gossip:
    """Max-gossip, eq. (17), of `sources` over copies of a footprint, fed with activations.

    `steps` and `events` take the same activations in two forms and give the same, bit for bit.

    Parameters
    ----------
    sources
        Nodes whose observations are followed; all by default.

    Raises
    ------
    InputError
        If a source is no node, or is listed twice, or memory would not suffice.
    """

    def __init__(self, copies: Copies, sources: Sequence[int] | None = None) -> None:
        N = copies.footprint.N
        self.copies, self.sources = copies, list(range(N)) if sources is None else list(sources)
        unknown = [s for s in self.sources if not 0 <= s < N]
        if unknown or len(set(self.sources)) != len(self.sources):
            raise InputError(f"sources = {self.sources}: must be different nodes of 0 to {N - 1}")
        shape = (copies.count * N, len(self.sources))
        if 16 * shape[0] * shape[1] > MOST_BYTES:
            raise InputError(
                f"freshness of {shape[1]:,} sources at {shape[0]:,} nodes is more than "
                f"{MOST_BYTES / 1e9:.0f} GB: name fewer sources"
            )
        column = np.full(N, -1)
        column[self.sources] = range(len(self.sources))
        self._ends = copies.ends
        self._knowledge = Knowledge(
            fresh=np.full(shape, -1),
            before=np.full(shape, -1),
            saved=np.full(shape[0], -1),
            column=np.tile(column, copies.count),
        )

    def steps(self, chunks: Iterable[tuple[int, Bools]]) -> None:
        """Go through steps one by one: from a first step on, which edges are active, (steps, edges)."""
        for first, active in chunks:
            spread_by_steps(self._ends, active, first, self._knowledge)

    def events(self, chunks: Iterable[tuple[Ints, Ints]]) -> None:
        """Go from activation to activation: step and edge of each, in order, in chunks of whole steps."""
        for time, edge in chunks:
            spread_by_activations(self._ends, time, edge, self._knowledge)

    def fresh(self, t: int) -> Ints:
        """Latest step whose observation by a source is known at the end of step `t`.

        Returns
        -------
        (copies, N, sources) array
            -1 where nothing is known.
        """
        shape = (self.copies.count, self.copies.footprint.N, len(self.sources))
        fresh = self._knowledge.fresh.reshape(shape).copy()
        fresh[:, self.sources, range(len(self.sources))] = t
        return fresh


def spread(
    copies: Copies, steps: int, seed: int, sources: Sequence[int] | None = None, engine: Engine = "auto"
) -> Ints:
    """Simulate gossip from step 0 on and return `Gossip.fresh` at the end of the last step.

    Parameters
    ----------
    engine
        ``steps`` draws every edge at every step, ``events`` jumps; they agree in law, not in draws. ``auto``
        is the one that is faster at the footprint's mean p.

    Raises
    ------
    InputError
        As `Gossip`, or if there is no such engine.
    """
    if engine not in get_args(Engine):
        raise InputError(f"engine = '{engine}': must be one of {', '.join(get_args(Engine))}")
    gossip, p = Gossip(copies, sources), copies.footprint.p
    if engine == "events" or (engine == "auto" and p.sum() < CROSSOVER * len(p)):
        gossip.events(active_events(copies, steps, seed))
    else:
        gossip.steps(active_steps(copies, steps, seed))
    return gossip.fresh(steps - 1)


def count_ages(
    footprint: Footprint, source: int, steps: int, repetitions: int, seed: int, engine: Engine = "auto"
) -> Ints:
    """How old what a node knows of one source is at the end of `steps` steps, counted over repetitions.

    At lag l, about step tau = t - l, a node knows what the source observed if the age is at most l. So one
    repetition is a draw for every lag below `steps`; lags of one repetition depend on each other.

    Returns
    -------
    (steps + 1, N) array
        Repetitions in which a node's age was 0, 1, ...; the last row: in which it knew nothing yet.
    """
    batch = max(1, EDGES_AT_ONCE // max(len(footprint.edges), 1))
    counts = np.zeros((steps + 1, footprint.N), dtype=np.int64)
    for first in range(0, repetitions, batch):
        copies = Copies(footprint, min(batch, repetitions - first), first)
        age = steps - 1 - spread(copies, steps, seed, [source], engine)[:, :, 0]
        for n in range(footprint.N):
            counts[:, n] += np.bincount(age[:, n], minlength=steps + 1)
    return counts
