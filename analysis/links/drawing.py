"""The figure: what links remember, and what comes of taking them for independent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.links.fit import Fit
from analysis.links.replay import BERNOULLI, CHAIN, RECORDED, ROWS, SHIFTED
from analysis.style import DOUBLE, new_figure, styled, zone_ticks

LOOKS = {
    RECORDED: ("#111111", "o"),
    SHIFTED: ("#6a3d9a", "D"),
    ROWS: ("#2a7f3f", "s"),
    CHAIN: ("#1f5fb4", "^"),
    BERNOULLI: ("#b2182b", "v"),
}
"""Colour and marker of a kind of links."""


def _draw_memory(axes: Axes, fits: Sequence[Fit]) -> None:
    """Autocorrelation of each pair that ever changes, their mean, and what chains and eq. (4) say of it."""
    r = np.mean([fit.autocorrelation for fit in fits], axis=0)
    alive = np.max([fit.law.s for fit in fits], axis=0) > 0
    lag = np.arange(1, len(r))
    chain = np.mean([fit.law.memory ** lag[:, None] for fit in fits], axis=0)
    axes.plot(lag, r[1:, alive], color="0.75", linewidth=0.5)
    axes.plot([], [], color="0.75", linewidth=0.5, label="a pair")
    axes.plot(lag, r[1:, alive].mean(axis=1), color=LOOKS[RECORDED][0])
    axes.plot(lag, chain[:, alive].mean(axis=1), color=LOOKS[CHAIN][0])
    axes.axhline(0, color=LOOKS[BERNOULLI][0])
    axes.set(xscale="log", xlabel="lag (steps)", ylabel="autocorrelation", title="links remember")
    axes.legend(loc="upper right")


def _draw_costs(axes: Axes, costs: pd.DataFrame, prefix: str) -> None:
    """A value of every zone, for all kinds of links, with intervals."""
    mine = costs[costs["quantity"].str.startswith(prefix)]
    zones = [name.removeprefix(prefix) for name in mine["quantity"].unique()]
    bars: dict[str, Any] = {"markersize": 3, "linewidth": 0, "elinewidth": 0.8}
    at, shifts = np.arange(len(zones)), np.linspace(-0.3, 0.3, len(LOOKS))
    for shift, (kind, (colour, marker)) in zip(shifts, LOOKS.items(), strict=True):
        one = mine[mine["links"] == kind]
        apart = np.where(np.isfinite(one["low"]), one["value"] - one["low"], 0)
        axes.errorbar(at + shift, one["value"], apart, color=colour, marker=marker, label=kind, **bars)
    zone_ticks(axes, zones, rotation=30)
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.axhline(0, color="black", linewidth=0.6)


@styled
def draw(fits: Sequence[Fit], costs: pd.DataFrame) -> Figure:
    """Draw the memory of links, and what runs over them come to (`costs` from `replay.cost_table`)."""
    figure = new_figure(DOUBLE, 2.8)
    memory, margin, error = figure.subplots(1, 3)
    _draw_memory(memory, fits)
    _draw_costs(margin, costs, "margin of zone ")
    _draw_costs(error, costs, "multiplier error of zone ")
    margin.set(title="margin", ylabel="satisfaction minus c")
    error.set(title="multiplier error, worst agent", ylabel="$\\lambda^n - \\lambda$")
    for axes in (memory, margin, error):
        axes.grid(linewidth=0.3, color="0.85")
    handles, labels = error.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), title="links")
    return figure
