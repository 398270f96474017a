"""Where labels go, so that none lies over another and all are on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cmarlsim.kernels.world import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RINGS = 40
"""How far labels may go from what they name, in heights of their own."""

PAD = 1.0
"""Points between a label and what it names, and between two labels."""

DIRECTIONS = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Above first, then below, and so on."""


class Label(NamedTuple):
    """What is to be written at a thing on the plan."""

    text: str
    box: tuple[float, float, float, float]  # around the thing, in metres
    inside: bool  # whether it may stand in the middle of the thing
    look: dict[str, Any]  # arguments of `Axes.text`


def place_labels(axes: Axes, labels: Sequence[Label]) -> list[Any]:
    """Write labels at the things that they name, within the axes.

    The figure must have its final layout: `Figure.draw_without_rendering`. From a label that must go farther
    a line leads to its thing.

    Returns
    -------
    list of matplotlib.text.Text
        In the order of the labels.
    """
    written = [axes.text(0, 0, label.text, ha="center", va="center", **label.look) for label in labels]
    if not written:
        return []
    figure: Any = axes.figure.figure  # of a panel, the page
    pad = PAD * figure.dpi / 72
    sizes = np.array([[*each.get_window_extent().size] for each in written]) + pad
    boxes = np.array([axes.transData.transform(np.reshape(label.box, (2, 2))).ravel() for label in labels])
    page = np.array([*axes.bbox.min, *axes.bbox.max])
    centers = placed(boxes, sizes, np.array([label.inside for label in labels]), page)
    back = axes.transData.inverted()
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
    for text, label, center, box, size in zip(written, labels, centers, boxes, sizes, strict=True):
        x, y = back.transform(center)
        text.set_position((float(x), float(y)))
        text.set_in_layout(False)
        middle = (box[:2] + box[2:]) / 2
        apart = np.abs(center - middle) - (box[2:] - box[:2]) / 2 - size / 2
        if apart.max() > size[1] / 2:
            ends = back.transform([middle, center])
            axes.plot(
                *ends.T, color=label.look.get("color", "black"), linewidth=0.3, zorder=text.zorder - 0.1
            )
    return written


def keep_on_page(axes: Axes) -> None:
    """Make axes narrower on the left where their labels are off the page.

    That happens where a plan fills its room both ways: then constrained layout does not settle.
    """
    tight, page = axes.get_tightbbox(), axes.figure.bbox
    off = 0.0 if tight is None else max(0.0, page.x0 - float(tight.x0)) / page.width
    x, y, width, height = axes.get_position(original=True).bounds
    axes.set_position((x + off, y, width - off, height))
    axes.apply_aspect()


def placed(boxes: Floats, sizes: Floats, inside: Floats, page: Floats) -> Floats:
    """Centres of labels beside their things, none over another where there is room.

    Parameters
    ----------
    boxes : (n, 4) array
        Around each thing: x_min, y_min, x_max, y_max.
    sizes : (n, 2) array
        Of each label.
    inside : (n,) array of bool
        Whether it may stand in the middle of its thing.
    page : (4,) array
        What all labels must lie in.

    Returns
    -------
    (n, 2) array
        The first place that is free, from near to far; where none is, the one that covers least.
    """
    centers, taken = np.empty((len(boxes), 2)), np.empty((0, 4))
    for i, (box, size) in enumerate(zip(boxes, sizes, strict=True)):
        low, high = page[:2] + size / 2, np.maximum(page[:2] + size / 2, page[2:] - size / 2)
        tried = np.clip(_candidates(box, size, bool(inside[i])), low, high)
        around = np.hstack([tried - size / 2, tried + size / 2])
        covered = _covered(around, taken)
        best = int(covered.argmin())
        centers[i] = tried[best]
        taken = np.vstack([taken, around[best]])
    return centers


def _candidates(box: Floats, size: Floats, inside: bool) -> Floats:
    """Centres of a label of `size` around a box, (n, 2), from near to far."""
    middle, reach = (box[:2] + box[2:]) / 2, (box[2:] - box[:2] + size) / 2
    rings = np.arange(RINGS)[:, None, None] * np.maximum(size[1], size / 3)
    around = middle + (reach + rings) * np.array(DIRECTIONS)
    first = middle[None] if inside else np.empty((0, 2))
    return np.concatenate([first, around.reshape(-1, 2)])


def _covered(boxes: Floats, taken: Floats) -> Floats:
    """How much of boxes (n, 4) others (k, 4) cover, (n,)."""
    low = np.maximum(boxes[:, None, :2], taken[:, :2])
    high = np.minimum(boxes[:, None, 2:], taken[:, 2:])
    return np.asarray(np.maximum(high - low, 0.0).prod(axis=2).sum(axis=1))
