"""The pictures of a film: a moment of a run, drawn over a background that is drawn only once."""

from __future__ import annotations

import numpy as np

from cmarlsim.report.building import Paper
from cmarlsim.report.film import Pixels
from cmarlsim.report.moments import Moment
from cmarlsim.report.panels import MultiplierBars, MultiplierImage, PlanPanel, SatisfactionPanel
from cmarlsim.report.picture import COLOURS, plain, shortened
from cmarlsim.scenario import Scenario

WIDTH = 8.0
"""Width of the picture, in inches of 100 pixels."""

LOWEST, HIGHEST = 2.5, 6.5
"""Inches that the plan may take from bottom to top."""

BARS_HEIGHT = 2.6
"""Inches for multipliers and satisfaction, below the plan."""

MOST_BARS = 120
"""Multipliers that are drawn as bars; of more, and of zones that share colours, there is an image."""

LONGEST_TITLE = 50
"""Most characters of a title."""


class Canvas:
    """Robots on the plan, links as lines, attended zones lit; multipliers and satisfaction so far below.

    Parameters
    ----------
    peak
        The largest multiplier that will be shown.
    """

    def __init__(self, scenario: Scenario, peak: float) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        paper = Paper(scenario, WIDTH, HIGHEST)
        across, up = paper.size
        plan_height = min(max(WIDTH * up / across, LOWEST), HIGHEST)
        height = round(50 * (plan_height + BARS_HEIGHT)) / 50  # an even number of pixels, for MP4
        figure = Figure((WIDTH, height), dpi=100, layout="constrained")
        self._agg = FigureCanvasAgg(figure)
        title = plain(shortened(scenario.name, LONGEST_TITLE))
        self.title = figure.suptitle(title, x=0.01, ha="left")
        axes = figure.subplot_mosaic(
            [["plan", "plan"], ["lam", "satisfaction"]],
            height_ratios=(plan_height, BARS_HEIGHT),
            width_ratios=(5, 4),
        )
        few = len(COLOURS) >= scenario.M and scenario.agents.N * scenario.M <= MOST_BARS
        multipliers = MultiplierBars if few else MultiplierImage
        self.T0 = scenario.dual.T0
        self.plan = PlanPanel(axes["plan"], scenario, paper)
        self.lam = multipliers(axes["lam"], scenario, peak or 1.0)
        self.satisfaction = SatisfactionPanel(axes["satisfaction"], scenario)
        self._agg.draw()
        figure.set_layout_engine("none")
        self.plan.label()
        self._agg.draw()
        edge = self.title.get_position()[1]
        self.clock = figure.text(0.99, edge, "", ha="right", va="top", fontsize="large", animated=True)
        self._background = self._agg.copy_from_bbox(figure.bbox)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels, both even."""
        width, height = self._agg.get_width_height()
        return height, width

    def draw(self, moment: Moment) -> Pixels:
        """Draw a moment; the next one is drawn into the same memory.

        Returns
        -------
        (height, width, 4) array of uint8
        """
        self._agg.restore_region(self._background)
        self.clock.set_text(f"rollout {moment.t // self.T0:,}, step {moment.t:,}")
        self._agg.figure.draw_artist(self.clock)
        for panel in (self.plan, self.lam, self.satisfaction):
            panel.show(moment)
            for artist in panel.artists:
                panel.axes.draw_artist(artist)
        return np.asarray(self._agg.buffer_rgba())
