"""Doors: where one room of a map leads to another."""

from __future__ import annotations

from collections import Counter

import numpy as np

from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.maps.draft import Door
from cmarlsim.maps.raster import Raster

_NARROWEST = 0.6  # metres of a door, if there is a wider one between the same rooms


def find_doors(
    raster: Raster, inside: Bools, label: Ints, names: list[str]
) -> tuple[tuple[Door, ...], Ints, Floats]:
    """Doors between rooms, the rooms on both sides, (D, 2), and the clearest place in each in metres, (D, 2).

    Parameters
    ----------
    raster
        The plan.
    inside
        Whether a cell is free and belongs to the building, (H, W).
    label
        The room of each cell, (H, W); -1: none.
    names
        The rooms' names.
    """
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    pair, middle, level = _borders(np.where(inside, label, -1), depth)
    touched = np.zeros_like(inside)
    column, row = np.floor(middle).astype(int).T
    touched[row, column] = True
    stretch, _ = ndimage.label(ndimage.binary_dilation(touched, np.ones((3, 3))))
    _, door = np.unique(np.column_stack((pair, stretch[row, column])), axis=0, return_inverse=True)
    doors, rooms, clearest = [], [], []
    seen: Counter[str] = Counter()
    for own in _passable(pair, level, door.ravel(), _NARROWEST / 2 / raster.resolution):
        points = middle[own]
        across = points - points.mean(0)
        along = across @ np.linalg.svd(across, full_matrices=False)[2][0]
        one, two = pair[own[0]]
        name = f"{names[one]} - {names[two]}"
        seen[name] += 1
        ends = points[[int(np.argmin(along)), int(np.argmax(along))]]
        doors.append(Door(name if seen[name] == 1 else f"{name} ({seen[name]})", raster.to_metres(ends)))
        rooms.append((one, two))
        best = own[np.flatnonzero(level[own] >= level[own].max() - 0.5)]
        clearest.append(middle[best[len(best) // 2]])
    return (
        tuple(doors),
        np.array(rooms, int).reshape(-1, 2),
        raster.to_metres(np.array(clearest).reshape(-1, 2)),
    )


def _passable(pair: Ints, level: Floats, door: Ints, least: float) -> list[Ints]:
    """The cells of each door that is deep enough, and of the deepest between two rooms if none is."""
    cells = [np.flatnonzero(door == number) for number in range(door.max(initial=-1) + 1)]
    deepest: dict[tuple[int, ...], float] = {}
    for own in cells:
        rooms = tuple(pair[own[0]].tolist())
        deepest[rooms] = max(deepest.get(rooms, 0.0), level[own].max())
    return [own for own in cells if level[own].max() >= min(least, deepest[tuple(pair[own[0]].tolist())])]


def _borders(label: Ints, depth: Floats) -> tuple[Ints, Floats, Floats]:
    """Cells of one room beside another room's: both rooms, the cell's middle in cells, and its depth."""
    pairs, middles, levels = [], [], []
    for one, two in ((np.s_[1:, :], np.s_[:-1, :]), (np.s_[:, 1:], np.s_[:, :-1])):
        a, b = label[one], label[two]
        touching = (a != b) & (a >= 0) & (b >= 0)
        shift = (one[0].start or 0, one[1].start or 0)
        first = a < b
        cell = np.argwhere(touching) + np.where(first[touching][:, None], shift, 0)
        pairs.append(np.sort(np.column_stack((a[touching], b[touching])), axis=1))
        middles.append(cell[:, ::-1] + 0.5)
        levels.append(depth[cell[:, 0], cell[:, 1]])
    return np.concatenate(pairs), np.concatenate(middles), np.concatenate(levels)
