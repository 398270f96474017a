"""Names on a plan that do not lie over each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cmarlsim.report.picture import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LETTER, LINE = 0.56, 1.15
"""Width of a letter and height of a line, as parts of the size of print."""

SMALLEST = 3.0
"""Points; smaller print cannot be read in any magnification that a picture allows."""

HALO = 1.5
"""Points of white around letters, so that lines do not cross them."""

PLACES = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (0, 2), (0, -2))
"""Where a label may go: so many of its widths and heights from its point."""


class Labels:
    """Puts names on the axes of a plan, each where nothing is written yet.

    Parameters
    ----------
    points
        How large a metre is drawn, in points of print.
    """

    def __init__(self, axes: Axes, points: float) -> None:
        self._axes, self._points = axes, points
        self._taken: list[tuple[float, float, float, float]] = []

    def add(
        self, text: str, x: float, y: float, size: float, width: float | None = None, **looks: Any
    ) -> bool:
        """Write a text at, or beside, a point in metres, in print of this size, or smaller.

        Parameters
        ----------
        width
            Metres that it should not exceed: the print becomes smaller for that.

        Returns
        -------
        bool
            Whether there was a free place for it.
        """
        from matplotlib.patheffects import withStroke

        if width is not None:
            size = min(size, width * self._points / (LETTER * len(text)))
        if size < SMALLEST:
            return False
        across, up = LETTER * size * len(text) / self._points, LINE * size / self._points
        for right, higher in PLACES:
            place = (x + right * 0.6 * across, y + higher * up)
            box = (place[0] - across / 2, place[1] - up / 2, place[0] + across / 2, place[1] + up / 2)
            if not any(_overlap(box, other) for other in self._taken):
                self._taken.append(box)
                label = self._axes.text(*place, plain(text), fontsize=size, ha="center", va="center", **looks)
                label.set_path_effects([withStroke(linewidth=HALO, foreground="white", alpha=0.7)])
                return True
        return False


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
