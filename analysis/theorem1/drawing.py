"""The figures of Assumption 2 and (26), and of what is promised along trajectories."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.style import DOUBLE, new_figure, styled, zone_ticks
from analysis.theorem1.conditions import Constants
from analysis.theorem1.lemma1 import slacks
from analysis.theorem1.paths import MEASURED, MISS, TAIL, Paths, certificates
from analysis.theorem1.repeats import NEARER, Values
from cmarlsim.bounds.theorem1 import least_slack
from cmarlsim.bounds.verdicts import CORRECTED, PRINTED, SHARPER
from cmarlsim.report.picture import colour

BLUE, RED, GREEN = "#1f5fb4", "#b2182b", "#2a7f3f"

PROMISES = {
    PRINTED: ("v", "black"),
    CORRECTED: ("<", "0.5"),
    SHARPER: ("^", GREEN),
    MEASURED: (">", "#6a3d9a"),
}
"""Marker and colour of forms of (24)."""


def _draw_lipschitz(axes: Axes, values: Values, constants: Constants) -> None:
    """Assumption 2: how far values are apart, over how far multipliers are."""
    for mean, part, shade, label in (
        (values.own, 1.0, BLUE, "as they occur"),
        (values.nearer, NEARER, GREEN, f"at {NEARER:g} of the distance"),
    ):
        away, (norm, low, high) = part * values.away, values.distance(values.shared, mean)
        some = (away > 0) & (norm > 0)
        bars = np.stack([norm - low, high - norm])[:, some]
        axes.errorbar(
            away[some], norm[some], bars, fmt="o", color=shade, markersize=2.5, linewidth=0.5, label=label
        )
    if constants.L > 0 and values.away.any():
        x = np.array([values.away[values.away > 0].min() * NEARER, values.away.max()])
        axes.plot(x, constants.L * x, color=RED, linewidth=0.9, label=f"L = {constants.L:.2g}")
    axes.set(xscale="log", yscale="log", ylim=(1e-2, 2 * math.sqrt(values.N)))
    axes.set(
        xlabel="max$_n \\|\\lambda^n - \\lambda\\|_\\infty$", ylabel="$\\|V_P - V_R\\|$", title="Assumption 2"
    )


def _draw_gains(axes: Axes, values: Values, constants: Constants) -> None:
    """(26) with the ideal policy, with shared and with own multipliers, rollouts in the order of the last."""
    own, table = values.gain(), lemma_table(values)
    order = np.argsort(own[0])
    place = np.arange(len(order))
    axes.plot(place, table["gain_ideal"][order], ".", color="0.6", markersize=3, label="V, ideal")
    axes.plot(
        place, table["gain_shared"][order], ".", color=GREEN, markersize=3, label="V$_P$, shared $\\lambda$"
    )
    axes.fill_between(place, own[1, order], own[2, order], color=BLUE, alpha=0.25, linewidth=0)
    axes.plot(place, own[0, order], color=BLUE, label="V$_R$, own $\\lambda^n$")
    axes.axhline(0, color="black", linewidth=0.7)
    least = least_slack(values.c, values.N)[1] - constants.mismatch
    axes.axhline(
        least, color=GREEN, linestyle="--", linewidth=0.9, label="exact least $- \\epsilon - \\beta$"
    )
    axes.set(xlabel="rollouts, sorted", ylabel="$\\lambda^T(\\cdot - c)\\,/\\,\\|\\lambda\\|$", title="(26)")


def lemma_table(values: Values) -> pd.DataFrame:
    """Numbers of the figure of the lemmas, one row a repeated rollout."""
    columns = {
        "away": values.away,
        "apart": values.distance(values.shared, values.own)[0],
        "apart_nearer": values.distance(values.shared, values.nearer)[0],
        "gain_ideal": slacks(values.lam, values.c, values.N),
        "gain_shared": values.along(values.shared - values.c).mean(axis=1),
        "gain_own": values.gain()[0],
    }
    return pd.DataFrame(columns)


@styled
def draw_lemmas(values: Values, constants: Constants) -> Figure:
    """Draw Assumption 2's slopes, and (26) in repeated rollouts."""
    figure = new_figure(DOUBLE, 3.3)
    left, right = figure.subplots(1, 2)
    _draw_lipschitz(left, values, constants)
    _draw_gains(right, values, constants)
    for axes in (left, right):
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)
    return figure


def _draw_squares(axes: Axes, paths: Paths) -> None:
    """Running means of ||lambda_k||^2 of all runs, and bounds on them."""
    bounds, k = paths.bounds, np.arange(1, paths.K + 1)
    shown = np.unique(np.geomspace(1, paths.K, 200).round().astype(np.int64)) - 1
    for r, square in enumerate(paths.square[:, 1:]):
        mean = np.cumsum(square) / k
        label = "mean over k of $\\|\\lambda_k\\|^2$, each run" if r == 0 else None
        axes.plot(k[shown], mean[shown], color=BLUE, linewidth=0.6, alpha=0.7, label=label)
    largest = (bounds.largest(k[shown]) ** 2).sum(axis=1)
    axes.plot(k[shown], largest, color="0.6", linestyle=":", label="largest possible (Lemma 5)")
    finite = bounds.running_square(bounds.largest_step, k[shown], MISS)
    axes.plot(k[shown], finite, color=GREEN, label=f"finite time, probability {1 - MISS:g}")
    axes.axhline(bounds.printed_U() ** 2, color="black", linewidth=0.8, label="printed, (62)")
    sharper = bounds.mean_square(bounds.largest_step)
    axes.axhline(sharper, color=GREEN, linestyle="--", linewidth=0.8, label="sharper")
    top = 3 * max(float(largest.max()), bounds.printed_U() ** 2)
    axes.set(xscale="log", yscale="log", xlabel="rollouts k", ylabel="$\\|\\lambda\\|^2$")
    axes.set_ylim(top * 1e-7, top)


def promise_table(paths: Paths) -> pd.DataFrame:
    """Numbers of the figure of trajectories, one row a zone.

    Columns: zone, c, satisfaction and certified (by the best-informed agent), each the least late in any run,
    and what (24) promises in each form.
    """
    best = [certificates(run, run.lam)[paths.tail].max(axis=1).min(axis=0) for run in paths.runs]
    columns = {
        "zone": paths.zones,
        "c": paths.bounds.c,
        "satisfaction": paths.satisfaction[:, paths.tail].min(axis=(0, 1)),
        "certified": np.min(best, axis=0),
    }
    return pd.DataFrame(columns | {form: paths.bounds.c - error for form, error in paths.shortfalls.items()})


def _draw_promises(axes: Axes, paths: Paths) -> None:
    table = promise_table(paths)
    at = np.arange(len(table))
    axes.bar(at, table["satisfaction"], color=[colour(m) for m in range(len(table))], alpha=0.35, width=0.7)
    axes.hlines(table["c"], at - 0.35, at + 0.35, color="black", linewidth=1.2, label="c")
    axes.plot(at, table["certified"], "D", color=RED, markersize=3.5, label="certified, best agent")
    for form, error in paths.shortfalls.items():
        marker, tint = PROMISES[form]
        promised = table[form].where(table[form] > 0)
        axes.plot(at, promised, marker, color=tint, markersize=4, label=f"c - {error:.3f}: {form}")
    zone_ticks(axes, paths.zones)
    axes.set(ylabel=f"satisfaction, least after {TAIL:.0%} of any run")
    axes.set_ylim(0, 1.05)


@styled
def draw_trajectories(paths: Paths) -> Figure:
    """Draw multipliers against their bounds, and satisfaction against thresholds, promises, certificates."""
    figure = new_figure(DOUBLE, 3.4)
    left, right = figure.subplots(1, 2)
    _draw_squares(left, paths)
    _draw_promises(right, paths)
    for axes in (left, right):
        axes.grid(linewidth=0.3, color="0.9")
        axes.legend(fontsize=6, ncols=2, loc="lower left", bbox_to_anchor=(-0.05, 1), handlelength=1.5)
    return figure
