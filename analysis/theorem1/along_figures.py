"""Pictures of what happens along trajectories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from analysis.theorem1.forks import Sample
from analysis.theorem1.invariants import certificates
from analysis.theorem1.paths import MEASURED, MISS, TAIL, Paths, feasibility_errors, tightness
from cmarlsim.bounds.theorem1 import feasibility_error
from cmarlsim.bounds.verdicts import CORRECTED, PRINTED, SHARPER
from cmarlsim.recordings.recording import Recording
from cmarlsim.report.picture import colour, plain

PROMISES = {
    PRINTED: ("v", "black"),
    CORRECTED: ("<", "0.5"),
    SHARPER: ("^", "#2a7f3f"),
    MEASURED: (">", "#6a3d9a"),
}
"""Marker and colour of forms of (24)."""

LEAST_GAP = 1e-3
"""Smaller ones are drawn there."""


def draw_squares(axes: Axes, paths: Paths) -> None:
    """Running means of ||lambda_k||^2 of all runs, and bounds on them."""
    bounds, k = paths.bounds, np.arange(1, paths.K + 1)
    shown = np.unique(np.geomspace(1, paths.K, 200).round().astype(np.int64)) - 1
    for r, square in enumerate(paths.square[:, 1:]):
        mean = np.cumsum(square) / k
        label = "mean over k of $\\|\\lambda_k\\|^2$, each run" if r == 0 else None
        axes.plot(k[shown], mean[shown], color="#1f5fb4", linewidth=0.6, alpha=0.7, label=label)
    largest = (bounds.largest(k[shown]) ** 2).sum(axis=1)
    axes.plot(k[shown], largest, color="0.6", linestyle=":", label="largest possible (Lemma 5)")
    finite = bounds.running_square(bounds.largest_step, k[shown], MISS)
    axes.plot(k[shown], finite, color="#2a7f3f", label=f"finite time, probability {1 - MISS:g}")
    axes.axhline(bounds.printed_U() ** 2, color="black", linewidth=0.8, label="printed, (62)")
    axes.axhline(
        bounds.mean_square(bounds.largest_step),
        color="#2a7f3f",
        linestyle="--",
        linewidth=0.8,
        label="sharper",
    )
    top = 3 * max(float(largest.max()), bounds.printed_U() ** 2)
    axes.set(xscale="log", yscale="log", xlabel="rollouts k", ylabel="$\\|\\lambda\\|^2$")
    axes.set_ylim(top * 1e-7, top)
    _legend(axes)


def draw_samples(axes: Axes, paths: Paths, samples: Sequence[Sample]) -> None:
    """Left-hand by right-hand side of (52) in repeated rollouts; hollow where (26) does not hold there."""
    for form, marker, tint in ((PRINTED, "o", "black"), (SHARPER, "^", "#2a7f3f")):
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


def draw_promises(axes: Axes, paths: Paths) -> None:
    """Zone by zone: least satisfaction late in the runs, certificates, and what is promised."""
    bounds, at = paths.bounds, np.arange(paths.bounds.M)
    found = paths.satisfaction[:, paths.tail].min(axis=(0, 1))
    best = [certificates(run, run.lam)[paths.tail].max(axis=1).min(axis=0) for run in paths.runs]
    certified = np.min(best, axis=0)
    axes.bar(at, found, color=[colour(m) for m in range(len(at))], alpha=0.35, width=0.7)
    axes.hlines(bounds.c, at - 0.35, at + 0.35, color="black", linewidth=1.2, label="c")
    axes.plot(at, certified, "D", color="#b2182b", markersize=3.5, label="certified, best agent")
    for form, error in feasibility_errors(paths).items():
        marker, tint = PROMISES[form]
        promised = np.where(bounds.c > error, bounds.c - error, np.nan)
        axes.plot(at, promised, marker, color=tint, markersize=4, label=f"c - {error:.3f}: {form}")
    axes.set_xticks(at, [plain(zone) for zone in paths.zones])
    axes.set(ylabel=f"satisfaction, least after {TAIL:.0%} of any run")
    axes.set_ylim(0, 1.05)
    _legend(axes)


def draw_tightness(axes: Axes, run: Recording) -> None:
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


def draw(figure: Figure | SubFigure, runs: Sequence[Recording], samples: Sequence[Sample] = ()) -> None:
    """Four panels: multipliers against their bounds, (52) in single rollouts, promises, certificates."""
    paths, panels = Paths(runs), figure.subplots(2, 2)
    draw_squares(panels[0, 0], paths)
    draw_samples(panels[0, 1], paths, samples)
    draw_promises(panels[1, 0], paths)
    draw_tightness(panels[1, 1], runs[0])
    for axes in panels.flat:
        axes.grid(linewidth=0.3, color="0.9")
