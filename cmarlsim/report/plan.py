"""The floor plan of a run's picture: where agents were, and how well each zone was covered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cmarlsim.recordings.recording import Recording
from cmarlsim.report.building import Paper, draw_floorplan, level_labels
from cmarlsim.report.picture import colour, zone_names
from cmarlsim.report.placing import Label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NAMES = 8
"""Up to so many zones are drawn with their names and colours; of more there are numbers and margins."""

SMALLEST_ZONE = 2.0
"""Half the width in points that a zone has at least."""

SHADED = 2.5
"""Where zones in the colours of their margins lie: over walls, under dots."""

NUMBER, LEVEL = 5.0, 6.0
"""Size of print of zones' numbers, and of levels' names."""

LARGEST_DOT = 2.2
"""Points."""

OCCUPATION_STEPS = 40_000
"""Length of a run in the paper; of longer ones the end is drawn."""


def draw_plan(axes: Axes, recordings: Sequence[Recording], paper: Paper) -> list[Label]:
    """Draw the floor plan, zones in their colours, or many in those of their margins, and where agents were.

    Returns
    -------
    list of Label
        What is to be written on it when the layout is final: names, or numbers of many zones.
    """
    scenario = recordings[0].scenario
    few = scenario.M <= MOST_NAMES
    draw_floorplan(axes, scenario, 1.2 if few else 0.6, paper)
    if recordings[0].level == "step":
        dots = draw_occupation(axes, recordings[0], paper)
        if few:
            bar = axes.figure.colorbar(
                dots, ax=axes, label="share of agent-steps", shrink=0.8, format="{x:g} %"
            )
            bar.minorticks_off()
        else:
            axes.figure.suptitle("positions of agents (dots): the darker, the longer held", fontsize=8)
    if not few:
        draw_margins(axes, recordings, paper)
    names = zone_names(scenario) if few else [str(m) for m in range(scenario.M)]
    labels = level_labels(paper, LEVEL)
    for m, (name, outline) in enumerate(zip(names, paper.outlines(), strict=True)):
        box = (*outline.min(axis=0), *outline.max(axis=0))
        look: dict[str, Any] = {"color": colour(m)} if few else {"fontsize": NUMBER}
        labels.append(Label(name, box, not few, look | {"path_effects": halo(), "zorder": 5}))
    return labels


def halo() -> list[Any]:
    """Path effects that set print off from what is behind it."""
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=1.2, foreground="white")]


def draw_margins(axes: Axes, recordings: Sequence[Recording], paper: Paper) -> None:
    """Draw each zone in the colour of its margin, the mean of all runs."""
    from matplotlib.collections import PolyCollection

    shades = margin_shades()
    looks: Any = {"shrink": 0.8, "extend": "both", "ticks": (-0.5, 0.0, 0.5)}
    axes.figure.colorbar(shades, ax=axes, label="margin of each zone", **looks)
    margin = np.mean([recording.margin() for recording in recordings], axis=0)
    outlines = []
    for outline in paper.outlines():
        middle, half = (outline.min(axis=0) + outline.max(axis=0)) / 2, np.ptp(outline, axis=0).max() / 2
        outlines.append(middle + (outline - middle) * max(1.0, SMALLEST_ZONE / paper.scale / half))
    look: Any = {"edgecolors": "black", "linewidths": 0.4, "zorder": SHADED}
    axes.add_collection(PolyCollection(outlines, facecolors=shades.to_rgba(margin), **look))


def margin_shades() -> Any:
    """Colours of margins, the same in the plan and in the map: white at 0, blue above it and red below."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    return ScalarMappable(Normalize(-0.5, 0.5), "RdBu")


def draw_occupation(axes: Axes, recording: Recording, paper: Paper) -> Any:
    """Draw how often each position was held during the last steps, all agents together.

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
    x, y = paper.moved(np.column_stack([places[order].real, places[order].imag])).T
    size = min(LARGEST_DOT, paper.scale / 3)
    norm = LogNorm(min(1.0, percent.min()), 100.0)
    shades = ListedColormap(colormaps["viridis_r"](np.linspace(0.15, 1.0, 256)))  # print loses the palest
    return axes.scatter(x, y, c=percent, s=size**2, linewidths=0, cmap=shades, norm=norm, zorder=3)
