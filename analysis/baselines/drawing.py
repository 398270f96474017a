"""The picture of the baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.ticker import LogLocator, NullFormatter

from analysis.baselines.catalogue import BOUND, IDEAL, OURS, RULE, TIGHTENED, dwell_times
from analysis.baselines.measure import SHAPES, worst_margins
from analysis.baselines.tables import Results, after_events, band, smallest
from analysis.style import save_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOOKS: dict[str, dict[str, Any]] = {
    OURS: {"color": "tab:red"},
    OURS + TIGHTENED: {"color": "tab:orange"},
    IDEAL: {"color": "tab:blue"},
    IDEAL + TIGHTENED: {"color": "tab:cyan"},
    RULE: {"color": "tab:pink"},
    "rank-shared": {"color": "tab:purple"},
    "rank-shared" + TIGHTENED: {"color": "magenta"},
    "oracle": {"color": "darkslategrey"},
    "schedule": {"color": "darkslategrey", "linestyle": ":", "marker": "D"},
    "silent": {"color": "tab:brown"},
}
BEHIND: dict[str, Any] = {"color": "0.6", "linewidth": 0.7}
BOUND_LOOK: dict[str, Any] = {"color": "black", "linestyle": "--", "marker": ""}
EVENT_LOOKS = {
    "thresholds": ("tab:purple", "o", "thresholds reversed"),
    "death": ("tab:brown", "s", "an agent dies"),
}


def looks_of(results: Results) -> dict[str, dict[str, Any]]:
    """Colour, line and marker of the baselines that are not in the background."""
    partitions = [f"partition-{longest}" for longest in dwell_times(results.scenario)]
    shades = zip(partitions, ("tab:olive", "tab:green"), strict=True)
    looks = LOOKS | {name: {"color": shade} for name, shade in shades}
    shown = {name: look for name, look in looks.items() if name in results.names}
    return {
        name: {"linewidth": 1.8, "marker": "o"} | look for name, look in (shown | {BOUND: BOUND_LOOK}).items()
    }


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
    bands, looks = band(smallest(results.zones)), looks_of(results)
    names = bands.index.to_list()
    colours = [looks.get(name, BEHIND)["color"] for name in names]
    draw_bands(axes, bands, [float(i) for i in range(len(names))], colours, "o")
    name_rows(axes, names)
    axes.axvline(results.bound, color="black", linestyle="--")
    axes.set_title("the nominal case")


def draw_events(axes: Axes, results: Results) -> None:
    """Draw the smallest margin of every baseline in the second half, after either event."""
    after = after_events(results.events)
    names = results.names
    for shift, (event, (shade, marker, label)) in zip((-0.15, 0.15), EVENT_LOOKS.items(), strict=True):
        if event not in after:
            continue
        bands = band(after[event], "margin_after")
        heights = [names.index(str(name)) + shift for name in bands.index]
        draw_bands(axes, bands, heights, [shade] * len(bands), marker)
        axes.plot([], [], marker, color=shade, label=label)
    name_rows(axes, names)
    axes.legend(loc="lower right")
    axes.set_title("after an event at half time")


def draw_waiting(axes: Axes, results: Results) -> None:
    """Draw the smallest margin of every baseline against its worst idleness."""
    runs, looks = smallest(results.zones), looks_of(results)
    for name, group in runs.groupby("baseline", sort=False):
        look = BEHIND | {"marker": "o"} | looks.get(str(name), {}) | {"linestyle": "", "markersize": 4}
        axes.plot(group["idleness_worst"], group["margin"], **look)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(max(-0.2 - 0.2 * results.bound, float(runs["margin"].min()) - 0.02), results.bound + 0.05)
    axes.set_xlabel("worst idleness of a zone (steps)")
    axes.set_ylabel("smallest margin over zones")
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.set_title("margin against waiting")


def draw_capacity(axes: Axes, results: Results, shape: str) -> None:
    """Draw the smallest margin of the worst run of every baseline against the load."""
    worst, looks = worst_margins(results.capacity, shape), looks_of(results)
    for name in sorted(worst.index, key=lambda each: each in looks):
        look = looks.get(name, BEHIND)
        axes.plot(worst.columns, worst.loc[name], **look | {"markersize": 3})
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.set_ylim(bottom=max(-0.5, float(worst.to_numpy().min()) - 0.02))
    axes.set_xlabel("load: sum of the thresholds c")
    axes.set_ylabel("smallest margin of the worst run")
    axes.set_title(f"capacity, {shape} thresholds")


def draw_key(axes: Axes, results: Results) -> None:
    """Draw which colour is which baseline."""
    for name, look in (looks_of(results) | {"others": BEHIND}).items():
        axes.plot([], [], **look, label=name)
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
    draw_key(panels[-1], results)
    save_picture(figure, path.with_suffix(""), dpi=80)
