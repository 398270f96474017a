"""Gaps in walls: where a wall ends and goes on, or ends just before another one."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.maps.rooms.outlines import rings_around
from cmarlsim.maps.ways.routing import line_is_free

_REACH = 1.0  # metres of a wall's outline on both sides of its end that show that it is one
_THICK = 0.65  # metres; thicker walls have corners, not ends
_OPPOSITE = 5.5  # metres; the widest gap between two ends of walls that face each other
_BESIDE = 1.6  # metres; the widest gap between the end of a wall and the side of another
_ALIGNED = 0.96  # the cosine of the greatest angle between a gap and its walls


def find_gaps(space: Bools, resolution: float) -> tuple[Floats, Bools]:
    """Gaps in the walls around free cells.

    Parameters
    ----------
    space
        Whether a cell is free, (H, W).
    resolution
        Metres a cell.

    Returns
    -------
    Floats, Bools
        Both ends of each gap in cells, (n, 2, 2), and whether two ends of walls face each other there, (n,).
    """
    tip, along = _wall_ends(space, resolution)
    ahead = tip[None] - tip[:, None]
    distance = np.linalg.norm(ahead, axis=2)
    np.fill_diagonal(distance, 1e9)
    aim = np.einsum("ijk,ik->ij", ahead, along) / distance
    beside = distance * np.sqrt(np.clip(1 - aim**2, 0, 1)) * resolution < _THICK
    facing = (aim > _ALIGNED) & beside & (distance < _OPPOSITE / resolution)
    facing &= facing.T
    gaps, faced = [], []
    for one in range(len(tip)):
        others = np.flatnonzero(facing[one])
        others = others[np.argsort(distance[one, others])]
        clear = line_is_free(space, *_between(tip[one], tip[others], 1.5))
        if clear.any():
            end: Floats | None = tip[others[np.argmax(clear)]]
        else:
            end = _next_wall(space, tip[one], along[one], _BESIDE / resolution)
        if end is not None:
            gaps.append(np.stack((tip[one], end)))
            faced.append(clear.any())
    return np.array(gaps).reshape(-1, 2, 2), np.array(faced, bool)


def _between(start: Floats, ends: Floats, margin: float) -> tuple[Floats, Floats]:
    """Both ends of lines without a margin, in cells."""
    ahead = ends - start
    step = ahead / np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-9) * margin
    return start + step, ends - step


def _next_wall(space: Bools, tip: Floats, along: Floats, reach: float) -> Floats | None:
    """Where a wall that went on beyond its end would meet another one; None: not within reach."""
    steps = np.arange(1.5, reach + 1.5, 0.5)
    column, row = np.floor(tip + steps[:, None] * along).astype(int).T
    height, width = space.shape
    held = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    free = np.zeros(len(steps), bool)
    free[held] = space[row[held], column[held]]
    if not free[:2].all() or free.all():
        return None
    return tip + steps[np.argmin(free)] * along


def _wall_ends(space: Bools, resolution: float) -> tuple[Floats, Floats]:
    """Where thin walls end, (n, 2) in cells, and the directions that they lead on, (n, 2)."""
    reach = max(round(_REACH / resolution), 3)
    tips, alongs = [np.empty((0, 2))], [np.empty((0, 2))]
    for ring in rings_around(space):
        if len(ring) < 4 * reach:
            continue
        sure, along = np.ones(len(ring), bool), np.zeros(ring.shape)
        for steps in (reach // 2, reach):
            before, after = np.roll(ring, steps, axis=0), np.roll(ring, -steps, axis=0)
            along, previous = ring - (before + after) / 2, along
            one, two = ring - before, after - ring
            sure &= one[:, 0] * two[:, 1] < one[:, 1] * two[:, 0]
            sure &= np.linalg.norm(two + one, axis=1) < _THICK / resolution + 1
        length = np.linalg.norm(along, axis=1)
        turned = (along * previous).sum(1) < _ALIGNED * length * np.linalg.norm(previous, axis=1)
        length[~sure | turned | (length < 0.4 * reach)] = 0
        for best in _peaks(length, reach):
            tips.append(ring[best : best + 1])
            alongs.append(along[best : best + 1] / length[best])
    return np.concatenate(tips), np.concatenate(alongs)


def _peaks(height: Floats, apart: int) -> list[int]:
    """The highest places of a ring, none nearer to a higher one than `apart`."""
    height = height.copy()
    peaks = []
    while (best := int(np.argmax(height))) >= 0 and height[best] > 0:
        level = np.flatnonzero(height == height[best])
        run = level[np.abs(level - best) <= apart]
        middle = int(run[len(run) // 2])
        peaks.append(middle)
        height[np.arange(middle - apart, middle + apart + 1) % len(height)] = 0
    return peaks
