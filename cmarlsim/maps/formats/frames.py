"""Where the levels of an Open-RMF building lie in metres, and back."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.kernels.world import Floats
from cmarlsim.maps.draft import Remark
from cmarlsim.maps.formats.open_rmf_file import RmfFile, Storey

WIDE_SPREAD = 0.02
"""Measurements that differ by more than this part of their mean are worth a warning."""

FAR_OFF = 1e5
"""Metres from the origin, beyond which a building is moved to it, so that its coordinates stay exact."""

EQUATOR, FLATTENING = 6_378_137.0, 1 / 298.257223563
"""Radius of the earth at the equator in metres, and its flattening, WGS 84."""


def frames_of(file: RmfFile, path: Path, resolution: float | None) -> tuple[dict[str, Floats], list[Remark]]:
    """Where each level lies: for its name the (2, 3) matrix that takes (x, y, 1) of the file to metres.

    Parameters
    ----------
    resolution
        Metres a pixel of the reference level, if it has no measurements.

    Raises
    ------
    InputError
        If the scale of a level is unknown.
    """
    reference = next(storey for storey in file.storeys if storey.name == file.reference)
    if resolution is not None and (file.system != "reference_image" or reference.lines["measurements"]):
        raise InputError(f"--resolution {resolution:g}: {path.name} says how large it is; leave it out")
    if file.system != "reference_image":
        frame, remark = _of_metres(file) if file.system == "cartesian_meters" else _of_degrees(file)
        return {storey.name: frame for storey in file.storeys}, [remark]
    scale, remarks = _scale(reference, resolution)
    if scale is None:
        raise InputError(
            f"{path}: level '{reference.name}' has no measurements, so its scale is unknown: "
            "measure a distance in the traffic editor, or give --resolution, metres a pixel"
        )
    frames = {reference.name: _scaled(scale)}
    for storey in file.storeys:
        if storey is not reference:
            frames[storey.name], more = _beside(storey, reference, scale, path)
            remarks += more
    return frames, remarks


def apply(frame: Floats, points: Floats) -> Floats:
    """Points, (..., 2), through a (2, 3) matrix."""
    return np.asarray(points) @ frame[:, :2].T + frame[:, 2]


def inverse(frame: Floats) -> Floats:
    """The (2, 3) matrix that leads back."""
    back = np.linalg.inv(frame[:, :2])
    return np.column_stack([back, -back @ frame[:, 2]])


def _scaled(scale: float) -> Floats:
    """Pixels with y downwards to metres with y upwards."""
    return np.array([[scale, 0.0, 0.0], [0.0, -scale, 0.0]])


def _scale(storey: Storey, resolution: float | None) -> tuple[float | None, list[Remark]]:
    """Metres a pixel: the mean over the measurements of a level, as Open-RMF's own tools have it."""
    lengths = [math.dist(*storey.points[[line.start, line.end]]) for line in storey.lines["measurements"]]
    distances = [float(line.parameters["distance"]) for line in storey.lines["measurements"]]
    if not lengths:
        text = f"Level '{storey.name}' has no measurements; a pixel is {resolution} m, as was asked for."
        return resolution, [Remark("guessed", text)] if resolution else []
    ratios = np.array(distances) / lengths
    scale = float(ratios.mean())
    spread = float(np.ptp(ratios)) / scale
    apart = f", which differ by {spread:.1%}" if len(ratios) > 1 else ""
    many = f"{len(ratios)} measurements" if len(ratios) > 1 else "a measurement"
    text = f"A pixel of level '{storey.name}' is {scale:.6g} m, from {many}{apart}."
    return scale, [Remark("warning" if spread > WIDE_SPREAD else "found", text)]


def _beside(storey: Storey, reference: Storey, scale: float, path: Path) -> tuple[Floats, list[Remark]]:
    """Frame of another level than the reference: turned, scaled and moved so that their fiducials agree.

    As in Open-RMF's own tools the turn is the mean over pairs of fiducials, and so is the scale.
    """
    common = [name for name in reference.fiducials if name in storey.fiducials]
    flip = np.array([1.0, -1.0])
    there = np.array([reference.fiducials[name] for name in common]).reshape(-1, 2) * flip
    here = np.array([storey.fiducials[name] for name in common]).reshape(-1, 2) * flip
    first, second = np.triu_indices(len(common), 1)
    target, own = (each[second] - each[first] for each in (there, here))
    lengths = np.hypot(*own.T), np.hypot(*target.T)
    if len(first) == 0 or not np.all(np.minimum(*lengths) > 0):
        own_scale, remarks = _scale(storey, None)
        if own_scale is None:
            raise InputError(
                f"{path}: level '{storey.name}' has neither two fiducials that level '{reference.name}' has "
                "too nor measurements, so nobody knows its scale: add either in the traffic editor"
            )
        text = f"Level '{storey.name}' shares no two fiducials with '{reference.name}': its place is a guess."
        return _scaled(own_scale), [*remarks, Remark("guessed", text)]
    angles = np.arctan2(own[:, 1], own[:, 0]) - np.arctan2(target[:, 1], target[:, 0])
    turn = -math.atan2(np.sin(angles).sum(), np.cos(angles).sum())
    ratio = scale / float(np.mean(lengths[0] / lengths[1]))
    matrix = ratio * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    shift = (scale * there - here @ matrix.T).mean(axis=0)
    off = float(np.hypot(*(here @ matrix.T + shift - scale * there).T).max())
    text = (
        f"A pixel of level '{storey.name}' is {ratio:.6g} m; it is aligned with '{reference.name}' by "
        f"{len(common)} fiducials, which then lie up to {off:.2g} m apart."
    )
    return np.column_stack([matrix * flip, shift]), [Remark("warning" if off > 0.5 else "found", text)]


def _of_metres(file: RmfFile) -> tuple[Floats, Remark]:
    points = np.concatenate([storey.points for storey in file.storeys])
    corner = np.floor(points.min(axis=0)) if len(points) and np.abs(points).max() > FAR_OFF else np.zeros(2)
    moved = f", moved by {-corner[0]:g}, {-corner[1]:g}" if corner.any() else ""
    frame = np.column_stack([np.eye(2), -corner])
    return frame, Remark("found", f"Coordinates are metres{moved}.")


def _of_degrees(file: RmfFile) -> tuple[Floats, Remark]:
    """Longitude and latitude, projected on the plane that touches the earth in the middle."""
    points = np.concatenate([storey.points for storey in file.storeys])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2 if len(points) else np.zeros(2)
    squared = FLATTENING * (2 - FLATTENING)
    bend = 1 - squared * math.sin(math.radians(middle[1])) ** 2
    north = EQUATOR * (1 - squared) / bend**1.5 * math.radians(1)
    east = EQUATOR / math.sqrt(bend) * math.cos(math.radians(middle[1])) * math.radians(1)
    frame = np.array([[east, 0.0, -east * middle[0]], [0.0, north, -north * middle[1]]])
    place = f"longitude {middle[0]:.6f}, latitude {middle[1]:.6f}"
    return frame, Remark("found", f"Degrees became metres around {place}, which is the origin.")
