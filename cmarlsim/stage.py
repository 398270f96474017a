"""The pictures of a film: a moment of a run, drawn over a background that is drawn only once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cmarlsim.film import Pixels
from cmarlsim.kernels.world import Floats
from cmarlsim.moments import Moment
from cmarlsim.picture import colour, draw_floorplan, plain
from cmarlsim.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection

WIDTH = 8.0
"""Of the picture, in inches of 100 pixels."""

LOWEST, HIGHEST = 2.5, 6.5
"""Inches that the plan may take from bottom to top."""

BARS_HEIGHT = 2.6
"""Inches for multipliers and satisfaction."""

ROBOT = 12.0
"""Diameter of a robot, in points; where there are many they are smaller."""

MOST_BARS = 120
"""Multipliers that are drawn as bars; where there are more, they are an image."""

MOST_LABELS = 12
"""Up to so many agents have their numbers drawn, and zones their names."""

LONGEST_NAME, LONGEST_TITLE = 12, 50


class Bars:
    """Bars from 0 up to heights that change, all in one artist.

    Parameters
    ----------
    centre
        (n,) where they stand on the x axis.
    width
        Of each.
    """

    def __init__(self, axes: Axes, centre: Floats, width: float, colours: Sequence[str]) -> None:
        from matplotlib.collections import PolyCollection

        self.corners = np.zeros((len(centre), 4, 2))
        self.corners[:, :2, 0] = (centre - width / 2)[:, None]
        self.corners[:, 2:, 0] = (centre + width / 2)[:, None]
        self.artist = PolyCollection(list(self.corners), facecolors=colours, animated=True)
        axes.add_collection(self.artist, autolim=False)
        axes.set_xlim(centre[0] - width, centre[-1] + width)

    def set_heights(self, height: Floats) -> None:
        """Set the heights, (n,)."""
        self.corners[:, 1:3, 1] = height[:, None]
        self.artist.set_verts(self.corners)


class Stage:
    """Robots on the plan, links as lines, attended zones lit; multipliers and satisfaction so far below.

    Parameters
    ----------
    peak
        The largest multiplier that will be shown.
    """

    def __init__(self, scenario: Scenario, peak: float) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.scenario = scenario
        boxes = scenario.floorplan.tile_boxes()
        right, top = boxes[:, 2:].max(axis=0) - boxes[:, :2].min(axis=0)
        plan_height = min(max(WIDTH * top / right, LOWEST), HIGHEST)
        height = round(50 * (plan_height + BARS_HEIGHT)) / 50  # an even number of pixels, for MP4
        figure = Figure((WIDTH, height), dpi=100, layout="constrained")
        self._canvas = FigureCanvasAgg(figure)
        axes = figure.subplot_mosaic(
            [["plan", "plan"], ["lam", "satisfaction"]],
            height_ratios=(plan_height, BARS_HEIGHT),
            width_ratios=(5, 4),
        )
        self._add_plan(axes["plan"])
        self._add_multipliers(axes["lam"], peak or 1.0)
        self._add_satisfaction(axes["satisfaction"])
        self._canvas.draw()
        figure.set_layout_engine("none")
        across = axes["plan"].transData.inverted().transform([(0, 0), (ROBOT * figure.dpi / 72, 0)])
        self._robot_width = across[1, 0] - across[0, 0]
        self._background = self._canvas.copy_from_bbox(figure.bbox)

    def _add_plan(self, axes: Axes) -> None:
        from matplotlib.collections import LineCollection, PatchCollection
        from matplotlib.colors import to_rgba_array
        from matplotlib.patches import Circle

        N, zones = self.scenario.agents.N, self.scenario.zones
        draw_floorplan(axes, self.scenario)
        axes.set_xlim(axes.get_xlim())
        axes.set_ylim(axes.get_ylim())
        axes.set_title(plain(shortened(self.scenario.name, LONGEST_TITLE)), loc="left")
        self.clock = axes.set_title("step", loc="right", animated=True)
        self.lit_colours = to_rgba_array([colour(m) for m in range(self.scenario.M)])
        discs = [Circle(zone.center, zone.radius) for zone in zones]
        self.lit = axes.add_collection(PatchCollection(discs, linewidths=0, animated=True), autolim=False)
        few = N <= MOST_LABELS
        self.links = LineCollection([], colors="rebeccapurple", linewidths=2 if few else 0.6, animated=True)
        axes.add_collection(self.links, autolim=False)
        spots, size = np.zeros((N, 2)), ROBOT if few else ROBOT / 3
        look = {"color": "black", "edgecolor": "white", "linewidths": 0.8, "animated": True}
        self.robots = axes.scatter(*spots.T, s=size**2, **look)
        self.numbers = axes.add_collection(numbers(N if few else 0, axes), autolim=False)

    def _add_multipliers(self, axes: Axes, peak: float) -> None:
        N, M = self.scenario.agents.N, self.scenario.M
        axes.set_title("multipliers λ of each agent", fontsize="medium")
        axes.set_xlabel("agent n")
        self.lam_bars, self.lam_image = None, None
        if N * M > MOST_BARS:
            self.lam_image = axes.imshow(np.zeros((M, N)), vmin=0, vmax=peak, aspect="auto", animated=True)
            axes.figure.colorbar(self.lam_image, ax=axes)
            axes.set_ylabel("zone m")
            return
        width = 0.8 / M
        inside = (np.arange(M) - (M - 1) / 2) * width
        centre = (np.arange(N)[:, None] + inside).ravel()
        self.lam_bars = Bars(axes, centre, width, [colour(m) for m in range(M)] * N)
        axes.set_xticks(range(N))
        axes.set_ylim(0, 1.05 * peak)

    def _add_satisfaction(self, axes: Axes) -> None:
        zones, M = self.scenario.zones, self.scenario.M
        axes.set_title("satisfaction so far, thresholds c", fontsize="medium")
        self.satisfaction_bars = Bars(axes, np.arange(M), 0.8, [colour(m) for m in range(M)])
        ends = np.arange(M) - 0.45, np.arange(M) + 0.45
        self.thresholds = axes.hlines(self.scenario.c, *ends, colors="black", linewidths=1.5, animated=True)
        axes.set_ylim(0, 1)
        if M > MOST_LABELS:
            axes.set_xlabel("zone m")
            return
        names = [plain(shortened(zone.name, LONGEST_NAME)) for zone in zones]
        room = sum(map(len, names)) <= 30
        axes.set_xticks(range(M), names, fontsize="small", rotation=0 if room else 40)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels, both even."""
        width, height = self._canvas.get_width_height()
        return height, width

    def artists(self) -> list[Artist]:
        """What changes from moment to moment, in the order of drawing."""
        multipliers = self.lam_bars.artist if self.lam_bars else self.lam_image
        plan = [self.lit, self.links, self.robots, self.numbers, self.clock]
        return [*plan, multipliers, self.satisfaction_bars.artist, self.thresholds]

    def draw(self, moment: Moment) -> Pixels:
        """Draw a moment; the next one is drawn into the same memory.

        Returns
        -------
        (height, width, 4) array of uint8
        """
        self.lit_colours[:, 3] = moment.reward
        self.lit.set_facecolor(self.lit_colours)
        self.links.set_segments(moment.position[np.argwhere(np.triu(moment.link))])
        spots = side_by_side(moment.position, self._robot_width)
        self.robots.set_offsets(spots)
        self.numbers.set_offsets(spots)
        if self.lam_bars:
            self.lam_bars.set_heights(moment.lam.ravel())
        else:
            self.lam_image.set_data(moment.lam.T)
        self.satisfaction_bars.set_heights(moment.satisfaction)
        self.clock.set_text(f"rollout {moment.t // self.scenario.dual.T0:,}, step {moment.t:,}")
        self._canvas.restore_region(self._background)
        for artist in self.artists():
            artist.axes.draw_artist(artist)
        return np.asarray(self._canvas.buffer_rgba())


def side_by_side(position: Floats, width: float) -> Floats:
    """Positions (N, 2) at which robots of this width can be seen that hold the very same place."""
    places, place = np.unique(position.round(3), axis=0, return_inverse=True)
    spots = position.copy()
    for i in np.flatnonzero(np.bincount(place) > 1):
        here = np.flatnonzero(place == i)
        spots[here, 0] += (np.arange(len(here)) - (len(here) - 1) / 2) * width
    return spots


def numbers(N: int, axes: Axes) -> PathCollection:
    """The numbers of N agents as shapes, which are drawn faster than text."""
    from matplotlib.collections import PathCollection
    from matplotlib.textpath import TextPath
    from matplotlib.transforms import Affine2D, IdentityTransform

    shapes = []
    for n in range(N):
        shape = TextPath((0, 0), str(n), size=0.7 * ROBOT)
        x, y = shape.vertices.min(axis=0) + np.ptp(shape.vertices, axis=0) / 2
        shapes.append(Affine2D().translate(-x, -y).transform_path(shape))
    look = {"facecolor": "white", "linewidths": 0, "animated": True}
    collection = PathCollection(shapes, [1.0], offset_transform=axes.transData, **look)
    collection.set_transform(IdentityTransform())
    return collection


def shortened(name: str, most: int) -> str:
    """A name of at most `most` characters."""
    return name if len(name) <= most else name[: most - 1] + "…"
