"""The figure: what links did, and what comes of taking them for independent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.links.fit import Fit, pair_names, pooled_spells
from analysis.links.replay import BERNOULLI, CHAIN, RECORDED, ROWS, SHIFTED
from analysis.style import DOUBLE, new_figure, styled

LOOKS = {
    RECORDED: ("#111111", "o"),
    SHIFTED: ("#6a3d9a", "D"),
    ROWS: ("#2a7f3f", "s"),
    CHAIN: ("#1f5fb4", "^"),
    BERNOULLI: ("#b2182b", "v"),
}
"""Colour and marker of a kind of links."""

MEASURED, CHAINS, IID = (LOOKS[kind][0] for kind in (RECORDED, CHAIN, BERNOULLI))

FEW_PAIRS = 30
"""The most pairs whose names are on the axes."""


def liveliest(fits: Sequence[Fit]) -> int:
    """The pair that goes up most often."""
    return int(np.sum([fit.law.s for fit in fits], axis=0).argmax())


def survival(length: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Share of the lengths that are larger than each of `steps`."""
    return 1 - np.searchsorted(np.sort(length), steps, side="right") / len(length)


def _draw_shares(axes: Axes, fits: Sequence[Fit]) -> None:
    p = np.array([fit.law.p for fit in fits])
    order = p.mean(axis=0).argsort()[::-1]
    place, mean = np.arange(len(order)), p.mean(axis=0)[order]
    axes.vlines(place, p.min(axis=0)[order], p.max(axis=0)[order], color="0.7", linewidth=3)
    axes.plot(place, mean, "o", color=MEASURED, markersize=3.5)
    names = np.array(pair_names(fits[0].N))[order]
    shown = place if len(place) <= FEW_PAIRS else place[:0]
    axes.set_xticks(shown, names[shown], rotation=90)
    axes.set(yscale="log", ylabel="share of steps up, p", title="pairs are not alike")


def _draw_dwell(axes: Axes, fits: Sequence[Fit]) -> None:
    f = liveliest(fits)
    p = float(np.mean([fit.law.p[f] for fit in fits]))
    for length, ends, state, line in zip(
        pooled_spells(fits, f), (1 - p, p), ("up", "down"), ("-", "--"), strict=True
    ):
        if not len(length):
            continue
        steps = np.unique(np.geomspace(1, max(length.max(), 2), 60).astype(np.int64))
        for values, colour, label in (
            (survival(length, steps), MEASURED, state),
            ((1 - 1 / length.mean()) ** steps, CHAINS, None),
            ((1 - ends) ** steps, IID, None),
        ):
            axes.plot(steps, values, line, color=colour, label=label)
    axes.set_title(f"times up and down of pair {pair_names(fits[0].N)[f]}")
    if axes.lines:
        axes.set(xscale="log", yscale="log", xlabel="steps", ylabel="chance to last longer")
        axes.set_ylim(bottom=1e-3, top=1.5)
        axes.legend(loc="lower left", handlelength=1.6)


def _draw_memory(axes: Axes, fits: Sequence[Fit]) -> None:
    r = np.mean([fit.autocorrelation for fit in fits], axis=0)
    alive = np.max([fit.law.s for fit in fits], axis=0) > 0
    lag = np.arange(1, len(r))
    chain = np.mean([fit.law.memory ** lag[:, None] for fit in fits], axis=0)
    axes.plot(lag, r[1:, alive], color="0.75", linewidth=0.5)
    axes.plot([], [], color="0.75", linewidth=0.5, label="a pair")
    if alive.any():
        axes.plot(lag, r[1:, alive].mean(axis=1), color=MEASURED)
        axes.plot(lag, chain[:, alive].mean(axis=1), color=CHAINS)
    axes.axhline(0, color=IID)
    axes.set(xscale="log", xlabel="lag (steps)", ylabel="autocorrelation", title="links remember")
    axes.legend(loc="upper right")


def _draw_correlation(figure: Figure, axes: Axes, fits: Sequence[Fit]) -> None:
    matrix = np.mean([fit.correlation for fit in fits], axis=0)
    np.fill_diagonal(matrix, np.nan)
    picture = axes.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
    names = pair_names(fits[0].N)
    shown = np.arange(len(names) if len(names) <= FEW_PAIRS else 0)
    axes.set_xticks(shown, [names[f] for f in shown], rotation=90)
    axes.set_yticks(shown, [names[f] for f in shown])
    axes.set_title("correlation of pairs")
    figure.colorbar(picture, ax=axes, shrink=0.85)


def _draw_costs(axes: Axes, costs: pd.DataFrame, prefix: str) -> None:
    """A value of every zone, for all kinds of links, with intervals."""
    mine = costs[costs["quantity"].str.startswith(prefix)]
    zones = [name.removeprefix(prefix) for name in mine["quantity"].unique()]
    for shift, (kind, (colour, marker)) in zip(
        np.linspace(-0.3, 0.3, len(LOOKS)), LOOKS.items(), strict=True
    ):
        one = mine[mine["links"] == kind]
        apart = np.where(np.isfinite(one["low"]), one["value"] - one["low"], 0)
        axes.errorbar(
            np.arange(len(zones)) + shift,
            one["value"],
            apart,
            color=colour,
            marker=marker,
            markersize=3,
            linewidth=0,
            elinewidth=0.8,
            label=kind,
        )
    axes.set_xticks(np.arange(len(zones)), zones, rotation=30)
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    axes.axhline(0, color="black", linewidth=0.6)


@styled
def draw(fits: Sequence[Fit], costs: pd.DataFrame, promised: float) -> Figure:
    """Draw links above, and below what runs over them come to.

    Parameters
    ----------
    costs
        From `replay.cost_table`.
    promised
        Bound on the error of each agent and zone over independent links; left out if far beyond the picture.
    """
    figure = new_figure(DOUBLE, 5.4)
    axes = figure.subplots(2, 3)
    _draw_shares(axes[0, 0], fits)
    _draw_dwell(axes[0, 1], fits)
    _draw_memory(axes[0, 2], fits)
    _draw_correlation(figure, axes[1, 0], fits)
    _draw_costs(axes[1, 1], costs, "margin of zone ")
    _draw_costs(axes[1, 2], costs, "multiplier error of zone ")
    axes[1, 1].set(title="margin", ylabel="satisfaction minus c")
    axes[1, 2].set(title="multiplier error, worst agent", ylabel="$\\lambda^n - \\lambda$")
    top = axes[1, 2].get_ylim()[1]
    if promised <= 2 * top:
        axes[1, 2].axhline(promised, color=IID, linestyle=":", label="promised for bernoulli")
    for each in (axes[0, 0], axes[0, 1], axes[0, 2], axes[1, 1], axes[1, 2]):
        each.grid(linewidth=0.3, color="0.85")
    handles, labels = axes[1, 2].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), title="links")
    return figure
