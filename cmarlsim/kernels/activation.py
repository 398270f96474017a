"""Which edges of a footprint are active, eq. (4): drawn step by step, or edge by edge as jumps.

An edge that is active with probability p at every step has geometric gaps between its activations. So one
draw a gap does what one draw a step does. Each draw is numbered by its edge and step, whatever the chunks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.uniform import fill_uniforms
from cmarlsim.kernels.world import Bools, Floats, Ints

LONGEST = 2.0**38
"""A gap as long as this is never over: later steps are not simulated."""


class Source(NamedTuple):
    """Where the draws of F edges come from."""

    key: np.uint64  # of the stream
    first: int  # number of the first edge
    uniform: Floats  # buffer: (1,) for jumps, (steps of a chunk) for steps


@inner
def number_of(edge: int, t: int) -> np.uint64:
    """Number of an edge's draw at step `t` < 2**32."""
    return (np.uint64(edge) << np.uint64(32)) | np.uint64(t)


@kernel
def fill_active(source: Source, p: Floats, first: int, active: Bools) -> None:
    """Draw whether each edge is active at the steps from `first` on.

    Parameters
    ----------
    source : its buffer is as long as `active`
    p : (F,) edge probabilities
    active : (steps, F), overwritten
    """
    for e in range(len(p)):
        fill_uniforms(source.key, number_of(source.first + e, first), source.uniform)
        for row in range(len(active)):
            active[row, e] = source.uniform[row] < p[e]


@inner
def next_step(source: Source, e: int, t: int, log_idle: float) -> int:
    """Step of the first activation of edge `e` after step `t` >= -1; `log_idle` is log(1 - p)."""
    fill_uniforms(source.key, number_of(source.first + e, t + 1), source.uniform)
    return t + 1 + int(min(LONGEST, np.log1p(-source.uniform[0]) / log_idle))


@inner
def sink(heap: Ints, i: int) -> None:
    """Move entry `i` of a binary heap, least first, down to where it belongs."""
    moved, child = heap[i], 2 * i + 1
    while child + 1 < len(heap):
        child += int(heap[child + 1] < heap[child])  # no branch, for it could not be predicted
        if heap[child] >= moved:
            break
        heap[i] = heap[child]
        i, child = child, 2 * child + 1
    if child < len(heap) and heap[child] < moved:
        heap[i] = heap[child]
        i = child
    heap[i] = moved


@kernel
def begin_jumps(source: Source, log_idle: Floats, heap: Ints) -> None:
    """Fill the queue `heap` (F,) with the first activation of every edge, as t * F + e."""
    edges = len(heap)
    for e in range(edges):
        heap[e] = next_step(source, e, -1, log_idle[e]) * edges + e
    for i in range(edges // 2 - 1, -1, -1):
        sink(heap, i)


@kernel
def jump(source: Source, log_idle: Floats, heap: Ints, stop: int, time: Ints, edge: Ints) -> int:
    """Take activations before step `stop` from the queue, by step and then by edge.

    Parameters
    ----------
    log_idle : (F,) log(1 - p) of every edge
    heap : (F,) the queue, filled by `begin_jumps`
    time, edge : (C,) overwritten; C >= F, for they get whole steps only

    Returns
    -------
    int
        How many were taken; 0 if none is left before `stop`.
    """
    count, edges, t = 0, len(heap), -1
    while heap[0] < stop * edges:
        e = heap[0] % edges
        if heap[0] // edges != t:
            t = heap[0] // edges
            if count + edges > len(time):
                break
        time[count] = t
        edge[count] = e
        count += 1
        heap[0] = next_step(source, e, t, log_idle[e]) * edges + e
        sink(heap, 0)
    return count
