"""The picture of the baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from analysis.baselines.catalogue import BOUND, IDEAL, OURS, PARTITION, TIGHTENED
from analysis.baselines.measure import SHAPES, worst_margins
from analysis.baselines.tables import Results, after_events, band, smallest
from analysis.style import save_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {
    OURS: "tab:red",
    OURS + TIGHTENED: "tab:orange",
    IDEAL: "tab:blue",
    IDEAL + TIGHTENED: "tab:cyan",
    "rank-shared": "tab:purple",
    "rank-shared" + TIGHTENED: "magenta",
    "silent": "tab:brown",
    "partition-50": "tab:olive",
    PARTITION: "tab:green",
    BOUND: "black",
}
BACKGROUND = "0.6"
EVENT_LOOKS = {
    "thresholds": ("tab:purple", "o", "thresholds reversed"),
    "death": ("tab:brown", "s", "an agent dies"),
}


def colour(name: str) -> str:
    """Colour of a baseline; grey for those in the background."""
    return COLOURS.get(name, BACKGROUND)


def draw_bands(axes: Axes, bands: pd.DataFrame, y: list[float], colours: list[str], marker: str) -> None:
    """Draw for each row a line from min to max, and the mean on it."""
    for height, shade, (low, mean, high) in zip(y, colours, bands.to_numpy().tolist(), strict=True):
        axes.plot([low, high], [height, height], color=shade, linewidth=4, alpha=0.4, solid_capstyle="butt")
        axes.plot(mean, height, marker, color=shade, markersize=6)


def name_rows(axes: Axes, names: list[str]) -> None:
    """Write the names along the vertical axis, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.axvline(0, color="0.5", linewidth=0.8)
    axes.set_xlabel("smallest margin over zones (line: range over runs)")


def draw_nominal(axes: Axes, results: Results) -> None:
    """Draw the smallest margin of every baseline with its band, and the bound."""
    bands = band(smallest(results.zones))
    names = bands.index.to_list()
    draw_bands(axes, bands, [float(i) for i in range(len(names))], [colour(name) for name in names], "o")
    name_rows(axes, names)
    axes.axvline(results.bound, color=COLOURS[BOUND], linestyle="--")
    axes.set_title("the nominal case")


def draw_events(axes: Axes, results: Results) -> None:
    """Draw the smallest margin of every baseline in the second half, after either event."""
    after = after_events(results.events)
    names = [baseline.name for baseline in results.baselines]
    for shift, (event, (shade, marker, label)) in zip((-0.15, 0.15), EVENT_LOOKS.items(), strict=True):
        bands = band(after[event], "margin_after")
        heights = [names.index(name) + shift for name in bands.index]
        draw_bands(axes, bands, heights, [shade] * len(bands), marker)
        axes.plot([], [], marker, color=shade, label=label)
    name_rows(axes, names)
    axes.legend(loc="lower right")
    axes.set_title("after an event at half time")


def draw_waiting(axes: Axes, results: Results) -> None:
    """Draw the smallest margin of every baseline against its worst idleness."""
    runs = smallest(results.zones)
    for name, group in runs.groupby("baseline", sort=False):
        axes.plot(group["idleness_worst"], group["margin"], "o", color=colour(str(name)), markersize=4)
    axes.set_xscale("log")
    axes.set_ylim(-0.2, 0.45)
    axes.set_xlabel("worst idleness of a zone (steps)")
    axes.set_ylabel("smallest margin over zones")
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.set_title("margin against waiting")


def draw_capacity(axes: Axes, results: Results, shape: str) -> None:
    """Draw the smallest margin of the worst run of every baseline against the load."""
    worst = worst_margins(results.capacity, shape)
    for name in sorted(worst.index, key=lambda each: each in COLOURS):
        shown = name in COLOURS
        axes.plot(
            worst.columns,
            worst.loc[name],
            color=colour(name),
            linewidth=1.8 if shown else 0.7,
            linestyle="--" if name == BOUND else "-",
        )
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.set_ylim(bottom=-0.5)
    axes.set_xlabel("load: sum of the thresholds c")
    axes.set_ylabel("smallest margin of the worst run")
    axes.set_title(f"capacity, {shape} thresholds")


def draw_key(axes: Axes) -> None:
    """Draw which colour is which baseline."""
    for name, shade in (COLOURS | {"others": BACKGROUND}).items():
        axes.plot([], [], "--" if name == BOUND else "o-", color=shade, label=name)
    axes.set_axis_off()
    axes.legend(loc="center", title="baselines, in all panels but 'after an event'", frameon=False)


def draw(results: Results, path: Path) -> None:
    """Write the picture as `path` (PNG) and as PDF beside it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 17), layout="constrained")
    panels = figure.subplots(3, 2).ravel()
    for axes, panel in zip(panels, (draw_nominal, draw_events, draw_waiting), strict=False):
        panel(axes, results)
    for axes, shape in zip(panels[3:], SHAPES, strict=False):
        draw_capacity(axes, results, shape)
    draw_key(panels[-1])
    save_picture(figure, path.with_suffix(""), dpi=80)
