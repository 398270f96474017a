"""The figure of Lemmas 1 and 2."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.style import DOUBLE, new_figure, styled
from analysis.theorem1.lemma1 import random_multipliers, slacks
from analysis.theorem1.lemma2 import Constants
from analysis.theorem1.values import NEARER, Samples
from cmarlsim.bounds.theorem1 import least_slack
from cmarlsim.kernels.world import Floats

BLUE, RED, GREEN = "#1f5fb4", "#b2182b", "#2a7f3f"


def _draw_slack(axes: Axes, samples: Samples, lam: Floats) -> None:
    """Lemma 1: the ideal policy's slack in random multipliers and in those that occurred, with its bounds."""
    c, N, M = samples.c, samples.N, len(samples.c)
    random = random_multipliers(M, 0)
    for some, shade, label in ((random, "0.75", "random $\\lambda$"), (lam, BLUE, "$\\lambda$ of the runs")):
        found = slacks(some, c, N)
        axes.hist(
            found, bins=40, color=shade, alpha=0.7, weights=np.full(len(found), 1 / len(found)), label=label
        )
    axes.axvline((1 - c.max()) / math.sqrt(M), color="black", linestyle=":", label="(27)")
    axes.axvline(least_slack(c, N)[1], color=RED, linewidth=1.2, label="exact least")
    axes.set(xlabel="$\\lambda^T(V - c)\\,/\\,\\|\\lambda\\|$", ylabel="share", title="Lemma 1")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22))


def _draw_lipschitz(axes: Axes, samples: Samples, constants: Constants) -> None:
    """Assumption 2: how far values are apart, over how far multipliers are."""
    for value, part, shade, label in (
        (samples.own, 1.0, BLUE, "as they occur"),
        (samples.nearer, NEARER, GREEN, f"at {NEARER:g} of the distance"),
    ):
        away, (norm, low, high) = part * samples.away, samples.distance(samples.shared, value)
        some = (away > 0) & (norm > 0)
        bars = np.stack([norm - low, high - norm])[:, some]
        axes.errorbar(
            away[some], norm[some], bars, fmt="o", color=shade, markersize=2.5, linewidth=0.5, label=label
        )
    if constants.L > 0 and samples.away.any():
        x = np.array([samples.away[samples.away > 0].min() * NEARER, samples.away.max()])
        axes.plot(x, constants.L * x, color=RED, linewidth=0.9, label=f"L = {constants.L:.2g}")
    axes.set(xscale="log", yscale="log", ylim=(1e-2, 2 * math.sqrt(samples.N)))
    axes.set(
        xlabel="max$_n \\|\\lambda^n - \\lambda\\|_\\infty$", ylabel="$\\|V_P - V_R\\|$", title="Assumption 2"
    )
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22))


def _draw_gains(axes: Axes, samples: Samples, constants: Constants) -> None:
    """(26) with the ideal policy, with shared and with own multipliers, rollouts in the order of the last."""
    own = samples.gain()
    order = np.argsort(own[0])
    place = np.arange(len(order))
    ideal = slacks(samples.lam, samples.c, samples.N)
    shared = samples.along(samples.shared - samples.c).mean(axis=1)
    axes.plot(place, ideal[order], ".", color="0.6", markersize=3, label="V, ideal")
    axes.plot(place, shared[order], ".", color=GREEN, markersize=3, label="V$_P$, shared $\\lambda$")
    axes.fill_between(place, own[1, order], own[2, order], color=BLUE, alpha=0.25, linewidth=0)
    axes.plot(place, own[0, order], color=BLUE, label="V$_R$, own $\\lambda^n$")
    axes.axhline(0, color="black", linewidth=0.7)
    least = least_slack(samples.c, samples.N)[1] - constants.mismatch
    axes.axhline(
        least, color=GREEN, linestyle="--", linewidth=0.9, label="exact least $- \\epsilon - \\beta$"
    )
    axes.set(xlabel="rollouts, sorted", ylabel="$\\lambda^T(\\cdot - c)\\,/\\,\\|\\lambda\\|$", title="(26)")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22))


def tabulate(samples: Samples) -> pd.DataFrame:
    """Numbers of the figure, one row a repeated rollout."""
    return pd.DataFrame(
        {
            "away": samples.away,
            "apart": samples.distance(samples.shared, samples.own)[0],
            "apart_nearer": samples.distance(samples.shared, samples.nearer)[0],
            "gain_ideal": slacks(samples.lam, samples.c, samples.N),
            "gain_shared": samples.along(samples.shared - samples.c).mean(axis=1),
            "gain_own": samples.gain()[0],
        }
    )


@styled
def draw(samples: Samples, constants: Constants, lam: Floats) -> Figure:
    """Draw Lemma 1's slack, Assumption 2's slopes, and (26) in repeated rollouts.

    `lam` (R, M): multipliers that occurred, none of them 0.
    """
    figure = new_figure(DOUBLE, 3.3)
    left, middle, right = figure.subplots(1, 3)
    _draw_slack(left, samples, lam)
    _draw_lipschitz(middle, samples, constants)
    _draw_gains(right, samples, constants)
    return figure
