"""The floor plan of a run's picture: where agents were, and how well each zone was covered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cmarlsim.recordings.recording import Recording
from cmarlsim.report.picture import colour, draw_floorplan, zone_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NAMES = 8
"""Up to so many zones are drawn with their names and colours; of more there are numbers and margins."""

SMALLEST_DISC, SMALLEST_NUMBER = 2.0, 3.0
"""Radius in points that a zone's disc has at least, and that it needs for its number."""

OCCUPATION_STEPS = 40_000
"""Length of a run in the paper; of longer ones the end is drawn."""


def draw_plan(axes: Axes, recordings: Sequence[Recording], points: float) -> None:
    """Draw the floor plan, with names of few zones or margins of many, and where agents were.

    Parameters
    ----------
    points
        About how large a metre is drawn, in points of print.
    """
    scenario = recordings[0].scenario
    few = scenario.M <= MOST_NAMES
    draw_floorplan(axes, scenario, 1.2 if few else 0.6)
    if recordings[0].level == "step":
        dots = draw_occupation(axes, recordings[0], min(2.2, points / 3))
        if few:
            bar = axes.figure.colorbar(
                dots, ax=axes, label="share of agent-steps", shrink=0.8, format="{x:g} %"
            )
            bar.minorticks_off()
        else:
            axes.set_title("positions of agents (dots): the darker, the longer held")
    if not few:
        draw_margins(axes, recordings, points)
        return
    for m, (zone, name) in enumerate(zip(scenario.zones, zone_names(scenario), strict=True)):
        x, y = zone.center
        axes.text(x, y + 1.1 * zone.radius, name, color=colour(m), ha="center", va="bottom")


def draw_margins(axes: Axes, recordings: Sequence[Recording], points: float) -> None:
    """Draw each zone in the colour of its margin, the mean of all runs, with its number where that fits."""
    from matplotlib.patches import Circle

    shades = margin_shades()
    looks: Any = {"shrink": 0.8, "extend": "both", "ticks": (-0.5, 0.0, 0.5)}
    axes.figure.colorbar(shades, ax=axes, label="margin of each zone (discs)", **looks)
    margin = np.mean([recording.margin() for recording in recordings], axis=0)
    for m, zone in enumerate(recordings[0].scenario.zones):
        radius = max(zone.radius, SMALLEST_DISC / points)
        shade = shades.to_rgba(margin[m])
        axes.add_patch(
            Circle(zone.center, radius, facecolor=shade, edgecolor="black", linewidth=0.4, zorder=4)
        )
        if radius * points > SMALLEST_NUMBER:
            axes.text(
                *zone.center,
                str(m),
                color="white" if abs(margin[m]) > 0.3 else "black",
                fontsize=min(6.0, radius * points),
                ha="center",
                va="center_baseline",
                zorder=5,
            )


def margin_shades() -> Any:
    """Colours of margins, the same in the plan and in the map: white at 0, blue above it and red below."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    return ScalarMappable(Normalize(-0.5, 0.5), "RdBu")


def draw_occupation(axes: Axes, recording: Recording, size: float) -> Any:
    """Draw how often each position was held during the last steps, all agents together.

    Parameters
    ----------
    size
        Diameter of a dot in points.

    Returns
    -------
    matplotlib.collections.PathCollection
        The dots, whose values are percentages of agent-steps.
    """
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap, LogNorm

    points = recording.read("position", -OCCUPATION_STEPS).round(3)
    points = points.view(np.complex128).ravel()  # x + iy: one number a point sorts ten times faster
    places, counts = np.unique(points, return_counts=True)
    order = np.argsort(counts)
    percent = 100 * counts[order] / len(points)
    x, y = places[order].real, places[order].imag
    norm = LogNorm(min(1.0, percent.min()), 100.0)
    shades = ListedColormap(colormaps["viridis_r"](np.linspace(0.15, 1.0, 256)))  # print loses the palest
    return axes.scatter(x, y, c=percent, s=size**2, linewidths=0, cmap=shades, norm=norm, zorder=3)
