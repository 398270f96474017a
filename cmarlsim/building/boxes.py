"""Rectangles [x_min, y_min, x_max, y_max] around things, and which of them meet."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.plans import list_meeting
from cmarlsim.kernels.world import TOLERANCE, Floats, Ints


def boxes_around(segments: Floats) -> Floats:
    """The rectangles around segments, (S, 4) from the x and y of both ends (S, 4)."""
    ends = segments.reshape(-1, 2, 2)
    return np.hstack([ends.min(axis=1), ends.max(axis=1)])


def meeting(a: Floats, b: Floats) -> Ints:
    """Indices of all pairs of a rectangle of a (A, 4) and one of b (B, 4) that meet, (pairs, 2).

    Borders belong to them, within `TOLERANCE`. The pairs are in the order of a.
    """
    order = np.argsort(b[:, 0], kind="stable")
    b = b[order]
    widest = (b[:, 2] - b[:, 0]).max(initial=0.0)
    first = np.searchsorted(b[:, 0], a[:, 0] - widest - 2 * TOLERANCE)
    last = np.searchsorted(b[:, 0], a[:, 2] + 2 * TOLERANCE)
    pairs = np.empty((4 * (len(a) + len(b)), 2), dtype=np.int64)
    count = list_meeting(a, b, first, last, pairs)
    if count > len(pairs):
        pairs = np.empty((count, 2), dtype=np.int64)
        list_meeting(a, b, first, last, pairs)
    return np.stack([pairs[:count, 0], order[pairs[:count, 1]]], axis=1)
