"""The figures of Lemmas 1 and 2 and of what happens along trajectories."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.style import DOUBLE, new_figure, styled
from analysis.theorem1.conditions import Constants
from analysis.theorem1.lemma1 import random_multipliers, slacks
from analysis.theorem1.paths import MEASURED, MISS, TAIL, Paths, certificates, tightness
from analysis.theorem1.repeats import NEARER, Sample, Values
from cmarlsim.bounds.theorem1 import feasibility_error, least_slack
from cmarlsim.bounds.verdicts import CORRECTED, PRINTED, SHARPER
from cmarlsim.kernels.world import Floats
from cmarlsim.recordings.recording import Recording
from cmarlsim.report.picture import colour, plain

BLUE, RED, GREEN = "#1f5fb4", "#b2182b", "#2a7f3f"

PROMISES = {
    PRINTED: ("v", "black"),
    CORRECTED: ("<", "0.5"),
    SHARPER: ("^", GREEN),
    MEASURED: (">", "#6a3d9a"),
}
"""Marker and colour of forms of (24)."""

LEAST_GAP = 1e-3
"""Gaps that are smaller are drawn as if they were this large."""


def _draw_slack(axes: Axes, values: Values, lam: Floats) -> None:
    """Lemma 1: the ideal policy's slack in random multipliers and in those that occurred, with its bounds."""
    c, N, M = values.c, values.N, len(values.c)
    random = random_multipliers(M, 0)
    for some, shade, label in ((random, "0.75", "random $\\lambda$"), (lam, BLUE, "$\\lambda$ of the runs")):
        found = slacks(some, c, N)
        axes.hist(
            found, bins=40, color=shade, alpha=0.7, weights=np.full(len(found), 1 / len(found)), label=label
        )
    axes.axvline((1 - c.max()) / math.sqrt(M), color="black", linestyle=":", label="(27)")
    axes.axvline(least_slack(c, N)[1], color=RED, linewidth=1.2, label="exact least")
    axes.set(xlabel="$\\lambda^T(V - c)\\,/\\,\\|\\lambda\\|$", ylabel="share", title="Lemma 1")


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
    own = values.gain()
    order = np.argsort(own[0])
    place = np.arange(len(order))
    ideal = slacks(values.lam, values.c, values.N)
    shared = values.along(values.shared - values.c).mean(axis=1)
    axes.plot(place, ideal[order], ".", color="0.6", markersize=3, label="V, ideal")
    axes.plot(place, shared[order], ".", color=GREEN, markersize=3, label="V$_P$, shared $\\lambda$")
    axes.fill_between(place, own[1, order], own[2, order], color=BLUE, alpha=0.25, linewidth=0)
    axes.plot(place, own[0, order], color=BLUE, label="V$_R$, own $\\lambda^n$")
    axes.axhline(0, color="black", linewidth=0.7)
    least = least_slack(values.c, values.N)[1] - constants.mismatch
    axes.axhline(
        least, color=GREEN, linestyle="--", linewidth=0.9, label="exact least $- \\epsilon - \\beta$"
    )
    axes.set(xlabel="rollouts, sorted", ylabel="$\\lambda^T(\\cdot - c)\\,/\\,\\|\\lambda\\|$", title="(26)")


def tabulate(values: Values) -> pd.DataFrame:
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
def draw_lemmas(values: Values, constants: Constants, lam: Floats) -> Figure:
    """Draw Lemma 1's slack, Assumption 2's slopes, and (26) in repeated rollouts.

    `lam` (R, M): multipliers that occurred, none of them 0.
    """
    figure = new_figure(DOUBLE, 3.3)
    left, middle, right = figure.subplots(1, 3)
    _draw_slack(left, values, lam)
    _draw_lipschitz(middle, values, constants)
    _draw_gains(right, values, constants)
    for axes in (left, middle, right):
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22))
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
    axes.axhline(
        bounds.mean_square(bounds.largest_step),
        color=GREEN,
        linestyle="--",
        linewidth=0.8,
        label="sharper",
    )
    top = 3 * max(float(largest.max()), bounds.printed_U() ** 2)
    axes.set(xscale="log", yscale="log", xlabel="rollouts k", ylabel="$\\|\\lambda\\|^2$")
    axes.set_ylim(top * 1e-7, top)
    _legend(axes)


def _draw_samples(axes: Axes, paths: Paths, samples: Sequence[Sample]) -> None:
    """Left-hand by right-hand side of (52) in repeated rollouts; hollow where (26) does not hold there."""
    for form, marker, tint in ((PRINTED, "o", "black"), (SHARPER, "^", GREEN)):
        for sample in samples:
            bound = paths.bounds.next_square(np.asarray((sample.ideal**2).sum()), paths.steps[form])
            found = sample.square / bound
            meets = sample.inner(paths.bounds.c).mean() >= 0
            error = 2 * found.std() / np.sqrt(len(found))
            axes.errorbar(
                sample.k,
                found.mean(),
                yerr=error,
                marker=marker,
                color=tint,
                markerfacecolor=tint if meets else "none",
                markersize=4,
                linewidth=0.8,
            )
        axes.plot([], [], marker, color=tint, markersize=4, label=f"(52), {form}")
    axes.plot([], [], "o", color="0.5", markerfacecolor="none", markersize=4, label="hollow: (26) fails")
    axes.axhline(1, color="black", linewidth=0.7)
    axes.set(xscale="log", xlabel="rollout k", ylabel="measured by bound")
    axes.set_ylim(bottom=0)
    _legend(axes, 3)


def _draw_promises(axes: Axes, paths: Paths) -> None:
    """Zone by zone: least satisfaction late in the runs, certificates, and what is promised."""
    bounds, at = paths.bounds, np.arange(paths.bounds.M)
    found = paths.satisfaction[:, paths.tail].min(axis=(0, 1))
    best = [certificates(run, run.lam)[paths.tail].max(axis=1).min(axis=0) for run in paths.runs]
    certified = np.min(best, axis=0)
    axes.bar(at, found, color=[colour(m) for m in range(len(at))], alpha=0.35, width=0.7)
    axes.hlines(bounds.c, at - 0.35, at + 0.35, color="black", linewidth=1.2, label="c")
    axes.plot(at, certified, "D", color=RED, markersize=3.5, label="certified, best agent")
    for form, error in paths.shortfalls.items():
        marker, tint = PROMISES[form]
        promised = np.where(bounds.c > error, bounds.c - error, np.nan)
        axes.plot(at, promised, marker, color=tint, markersize=4, label=f"c - {error:.3f}: {form}")
    axes.set_xticks(at, [plain(zone) for zone in paths.zones])
    axes.set(ylabel=f"satisfaction, least after {TAIL:.0%} of any run")
    axes.set_ylim(0, 1.05)
    _legend(axes)


def _draw_tightness(axes: Axes, run: Recording) -> None:
    """Satisfaction less certificate over time: from the best-informed agent to the worst, zone by zone."""
    table = tightness(run)
    for m, zone in enumerate(run.scenario.zones):
        gap = table[table["zone"] == zone.name].groupby("K")["gap"].agg(["min", "max"]).clip(lower=LEAST_GAP)
        axes.fill_between(gap.index, gap["min"], gap["max"], color=colour(m), alpha=0.2, linewidth=0)
        axes.plot(gap.index, gap["min"], color=colour(m), label=plain(zone.name))
    axes.axhline(
        feasibility_error(run.scenario.dual.alpha, run.scenario.M),
        color="black",
        linestyle=":",
        label="sqrt(alpha M)",
    )
    axes.set(xscale="log", yscale="log", xlabel="rollouts K", ylabel="satisfaction less certificate")
    _legend(axes, 4)


def _legend(axes: Axes, columns: int = 2) -> None:
    axes.legend(
        fontsize=6,
        ncols=columns,
        loc="lower left",
        bbox_to_anchor=(-0.05, 1),
        borderaxespad=0.2,
        columnspacing=1,
        handlelength=1.5,
        labelspacing=0.2,
    )


@styled
def draw_trajectories(runs: Sequence[Recording], samples: Sequence[Sample] = ()) -> Figure:
    """Draw four panels: multipliers against their bounds, (52) in single rollouts, promises, certificates."""
    paths, figure = Paths(runs), new_figure(DOUBLE, 6.4)
    panels = figure.subplots(2, 2)
    _draw_squares(panels[0, 0], paths)
    _draw_samples(panels[0, 1], paths, samples)
    _draw_promises(panels[1, 0], paths)
    _draw_tightness(panels[1, 1], runs[0])
    for axes in panels.flat:
        axes.grid(linewidth=0.3, color="0.9")
    return figure
