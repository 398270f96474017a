"""The panels of a film's picture.

What stands still is drawn when a panel is made. What changes are its `artists`, in the order of drawing; they
are left out of the background.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cmarlsim.kernels.world import Floats
from cmarlsim.report.building import Paper, draw_floorplan, level_labels
from cmarlsim.report.moments import Moment
from cmarlsim.report.picture import COLOURS, colour, zone_names
from cmarlsim.report.placing import Label, place_labels
from cmarlsim.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

ROBOT = 12.0
"""Diameter of a robot with a number, in points."""

SMALL_ROBOT = 5.0
"""Diameter of a robot without a number, in points."""

NUMBER, LEVEL = 6.0, 8.0
"""Size of print of zones' numbers, and of levels' names, in points."""

MOST_LABELS = 12
"""Up to so many agents show their numbers, and up to so many zones their names."""

MOST_TICKS = 20

MULTIPLIERS = "multipliers λ of each agent"

LONGEST_ROW = 30
"""Most characters of the names of all zones where they stand in a row."""


class PlanPanel:
    """Robots on the plan, links as lines, attended zones lit."""

    def __init__(self, axes: Axes, scenario: Scenario, paper: Paper) -> None:
        from matplotlib.collections import LineCollection, PolyCollection
        from matplotlib.colors import to_rgba_array
        from matplotlib.path import Path

        draw_floorplan(axes, scenario, paper=paper)
        axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
        self.axes, self.paper = axes, paper
        self.few = scenario.agents.N <= MOST_LABELS
        self.lit_colours = to_rgba_array([colour(m) for m in range(scenario.M)])
        self.lit: Any = PolyCollection(paper.outlines(), linewidths=0, animated=True)
        width = 2.0 if self.few else 0.8
        self.links: Any = LineCollection([], colors="rebeccapurple", linewidths=width, animated=True)
        size = ROBOT if self.few else SMALL_ROBOT
        disc = Path.circle(radius=0.5)
        self.robots = stamps(axes, [disc], size, facecolor="black", edgecolor="white", linewidths=0.8)
        named = range(scenario.agents.N if self.few else 0)
        self.numbers = stamps(axes, [written(n) for n in named], 0.7 * ROBOT, facecolor="white", linewidths=0)
        numbered = range(scenario.M if len(COLOURS) < scenario.M else 0)
        self.zones = stamps(axes, [written(m) for m in numbered], NUMBER, facecolor="black", linewidths=0)
        self.artists = [self.lit, self.links, self.zones, self.robots, self.numbers]
        for collection in self.artists:
            axes.add_collection(collection, autolim=False)

    def label(self) -> None:
        """Write the names of levels, and find places for the numbers of zones, in the final layout."""
        levels = level_labels(self.paper, LEVEL)
        numbers = []
        for m, outline in enumerate(self.paper.outlines() if len(self.zones.get_paths()) else []):
            box = (*outline.min(axis=0), *outline.max(axis=0))
            numbers.append(Label(str(m), box, True, {"fontsize": NUMBER, "color": "black"}))
        texts = place_labels(self.axes, levels + numbers)[len(levels) :]
        self.zones.set_offsets(np.reshape([text.get_position() for text in texts], (-1, 2)))
        for text in texts:
            text.remove()

    def show(self, moment: Moment) -> None:
        """Make the artists show this moment."""
        self.lit_colours[:, 3] = moment.reward
        self.lit.set_facecolor(self.lit_colours)
        position = self.paper.moved(moment.position)
        self.links.set_segments(position[np.argwhere(np.triu(moment.link))])
        seen = side_by_side(position, self.robot_width()) if self.few else position
        self.robots.set_offsets(seen)
        self.numbers.set_offsets(seen)

    def robot_width(self) -> float:
        """Width of a robot with a number, in metres of the plan."""
        pixels = ROBOT * self.axes.figure.dpi / 72
        return pixels / self.axes.bbox.width * float(np.ptp(self.axes.get_xlim()))


class MultiplierBars:
    """Each agent's multipliers as a group of bars in the zones' colours, from 0 to `peak`."""

    def __init__(self, axes: Axes, scenario: Scenario, peak: float) -> None:
        N, M = scenario.agents.N, scenario.M
        axes.set_title(MULTIPLIERS, fontsize="medium")
        axes.set(xlabel="agent n", xlim=(-0.5, N - 0.5), ylim=(0, 1.05 * peak))
        axes.set_xticks(range(0, N, math.ceil(N / MOST_TICKS)))
        width = 0.8 / M
        left = np.arange(N)[:, None] - 0.4 + width * np.arange(M)
        self.bars = Bars(axes, left.ravel(), width, [colour(m) for m in range(M)] * N)
        self.axes, self.artists = axes, [self.bars.artist]

    def show(self, moment: Moment) -> None:
        """Make the artists show this moment."""
        self.bars.set_heights(moment.lam.ravel())


class MultiplierImage:
    """Each agent's multipliers as a column of an image, coloured from 0 to `peak`."""

    def __init__(self, axes: Axes, scenario: Scenario, peak: float) -> None:
        nothing = np.zeros((scenario.M, scenario.agents.N))
        axes.set_title(MULTIPLIERS, fontsize="medium")
        axes.set(xlabel="agent n", ylabel="zone m")
        self.image = axes.imshow(nothing, vmin=0, vmax=peak, aspect="auto", animated=True)
        axes.figure.colorbar(self.image, ax=axes)
        axes.locator_params(integer=True)
        self.axes, self.artists = axes, [self.image]

    def show(self, moment: Moment) -> None:
        """Make the artists show this moment."""
        self.image.set_data(moment.lam.T)


class SatisfactionPanel:
    """Satisfaction so far as a bar for every zone, with its threshold."""

    def __init__(self, axes: Axes, scenario: Scenario) -> None:
        M = scenario.M
        axes.set_title("satisfaction so far, thresholds c", fontsize="medium")
        axes.set(xlim=(-0.6, M - 0.4), ylim=(0, 1))
        self.bars = Bars(axes, np.arange(M) - 0.4, 0.8, [colour(m) for m in range(M)])
        ends = np.arange(M) - 0.45, np.arange(M) + 0.45
        self.thresholds = axes.hlines(scenario.c, *ends, colors="black", linewidths=1.5, animated=True)
        if M > MOST_LABELS:
            axes.set_xlabel("zone m")
        else:
            names = zone_names(scenario)
            slope = 0 if len("".join(names)) <= LONGEST_ROW else 40
            axes.set_xticks(range(M), names, fontsize="small", rotation=slope)
        self.axes, self.artists = axes, [self.bars.artist, self.thresholds]

    def show(self, moment: Moment) -> None:
        """Make the artists show this moment."""
        self.bars.set_heights(moment.satisfaction)


class Bars:
    """Bars from 0 up to heights that change, all in one artist.

    Parameters
    ----------
    left
        (n,) where they begin on the x axis.
    """

    def __init__(self, axes: Axes, left: np.ndarray, width: float, colours: Sequence[str]) -> None:
        from matplotlib.collections import PolyCollection

        self.corners = np.zeros((len(left), 4, 2))
        self.corners[:, :2, 0] = left[:, None]
        self.corners[:, 2:, 0] = left[:, None] + width
        self.artist: Any = PolyCollection([], facecolors=colours, animated=True)
        axes.add_collection(self.artist, autolim=False)

    def set_heights(self, heights: Floats) -> None:
        """Set the heights, (n,)."""
        self.corners[:, 1:3, 1] = heights[:, None]
        self.artist.set_verts(self.corners)


def stamps(axes: Axes, shapes: Sequence[Path], size: float, **look: Any) -> Any:
    """Shapes, each of its own size 1, that are drawn `size` points large at offsets in metres."""
    from matplotlib.collections import PathCollection
    from matplotlib.transforms import IdentityTransform

    collection = PathCollection(shapes, [size**2], offset_transform=axes.transData, animated=True, **look)
    collection.set_transform(IdentityTransform())
    return collection


def written(n: int) -> Path:
    """A number's shape, which is drawn faster than text: 1 is the size of the font, its middle is at 0."""
    from matplotlib.path import Path
    from matplotlib.textpath import TextPath

    text = TextPath((0, 0), str(n), size=100)
    corners = text.vertices
    return Path((corners - (corners.min(axis=0) + corners.max(axis=0)) / 2) / 100, text.codes)


def side_by_side(position: Floats, width: float) -> Floats:
    """Where robots of this width, (N, 2), are seen that hold the very same place."""
    _, place, sharing = np.unique(position.round(3), axis=0, return_inverse=True, return_counts=True)
    seen = position.copy()
    for i in np.flatnonzero(sharing > 1):
        here = np.flatnonzero(place == i)
        seen[here, 0] += (np.arange(len(here)) - (len(here) - 1) / 2) * width
    return seen
