"""Activations of a footprint's edges in chunks: as rows of steps, or as events from an event queue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.kernels.activation import Source, begin_jumps, fill_active, jump
from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.randomness import check_seed, stream_key

CHUNK = 2**20
"""Draws, or events, that are made before they are used."""

MOST_STEPS = 2**32 - 1
MOST_EDGES_DRAWN = 2**32
"""Draws are numbered by their step and their edge in 32 bits each."""


@dataclass(frozen=True)
class Copies:
    """Copies number `first` to `first + count - 1` of a footprint side by side, with draws of their own.

    Raises
    ------
    InputError
        If these are no numbers of copies, or their edges cannot be numbered.
    """

    footprint: Footprint
    count: int = 1
    first: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or self.first < 0:
            raise InputError(f"copies: count = {self.count}, first = {self.first}: must be from 1 and 0 on")
        if (self.first + self.count) * len(self.footprint.edges) > MOST_EDGES_DRAWN:
            raise InputError(
                f"{self.footprint.name}: {self.first + self.count:,} repetitions have more than "
                f"{MOST_EDGES_DRAWN:,} edges in all: use fewer"
            )

    @property
    def ends(self) -> Ints:
        """Nodes of every edge of every copy, (count F, 2)."""
        shift = self.footprint.N * np.arange(self.count)
        return (shift[:, None, None] + self.footprint.edges).reshape(-1, 2)

    @property
    def p(self) -> Floats:
        """Probability of every edge of every copy, (count F,)."""
        return np.tile(self.footprint.p, self.count)

    def source(self, seed: int, name: str, buffer: int) -> Source:
        """Where the draws of these copies come from: the same ones, however many copies there are."""
        check_seed(seed)
        first = self.first * len(self.footprint.edges)
        return Source(stream_key(seed, name), first, np.empty(buffer))


def check_steps(steps: int) -> None:
    """Raise InputError unless so many steps can be drawn."""
    if not 1 <= steps <= MOST_STEPS:
        raise InputError(f"steps = {steps}: must be from 1 to {MOST_STEPS}")


def active_steps(copies: Copies, steps: int, seed: int) -> Iterator[tuple[int, Bools]]:
    """Draw for every edge at every step whether it is active, eq. (4).

    Yields
    ------
    int, (rows, count F) array of bool
        The first step of a chunk, and which edges are active at its steps.
    """
    check_steps(steps)
    p = copies.p
    block = max(1, min(steps, CHUNK // max(len(p), 1)))
    for first in range(0, steps, block):
        rows = min(block, steps - first)
        active = np.empty((rows, len(p)), dtype=np.bool_)
        with np.errstate(over="ignore"):  # the arithmetic is modulo 2**64
            fill_active(copies.source(seed, "activation/steps", rows), p, first, active)
        yield first, active


def active_events(copies: Copies, steps: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Draw the same in law as `active_steps`, edge by edge, as geometric jumps in an event queue.

    Yields
    ------
    (C,) and (C,) arrays
        Step and edge of the next activations, by step and, within a step, by edge.
    """
    check_steps(steps)
    p = copies.p
    with np.errstate(divide="ignore"):
        log_idle = np.log1p(-p)
    source, heap = copies.source(seed, "activation/jumps", 1), np.empty(len(p), dtype=np.int64)
    time, edge = (np.empty(max(CHUNK // 16, 2 * len(p)), dtype=np.int64) for _ in range(2))
    if not len(p):
        return
    with np.errstate(over="ignore", divide="ignore"):
        begin_jumps(source, log_idle, heap)
    while True:
        with np.errstate(over="ignore", divide="ignore"):
            count = jump(source, log_idle, heap, steps, time, edge)
        if count == 0:
            return
        yield time[:count], edge[:count]


def events_of(first: int, active: Bools) -> tuple[Ints, Ints]:
    """Step and edge of all activations in rows of steps that begin at step `first`."""
    row, edge = np.nonzero(active)
    return first + row, edge
