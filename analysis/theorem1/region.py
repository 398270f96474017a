"""Where Theorem 1 promises anything: (25) and sqrt(alpha M) over alpha, eta, T0 and p."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from analysis.style import DOUBLE, SHADES, new_figure, styled
from analysis.theorem1.conditions import FORMS, Constants, ErrorBound, conditions_met, delta, most_L
from cmarlsim.bounds.proposition3 import MultiplierBound
from cmarlsim.bounds.theorem1 import feasibility_error
from cmarlsim.bounds.verdicts import ESTIMATED, FAILS, HOLDS, PRINTED, PROVEN, VACUOUS, Statement
from cmarlsim.kernels.world import Floats
from cmarlsim.report.picture import colour, plain
from cmarlsim.scenario import Scenario

FACTORS = {"alpha": (0.01, 0.1, 1.0, 10.0), "eta": (0.01, 0.1, 1.0), "T0": (1, 10, 100)}
"""Factors by which a scenario's values are multiplied; p is as it was, and 1."""

MOST_ALPHA, MOST_T0 = 0.9, 10**5

ALPHAS, PRODUCTS = np.logspace(-4, -0.05, 60), np.logspace(-6, 1, 60)
"""Axes of the picture: alpha, and eta d_G / (T0 p)."""


def bounds_about(bound: MultiplierBound) -> list[MultiplierBound]:
    """Bounds of Proposition 3 on a grid about a scenario's."""
    alphas = [min(bound.alpha * factor, MOST_ALPHA) for factor in FACTORS["alpha"]]
    horizons = sorted({min(int(bound.T0 * factor), max(MOST_T0, bound.T0)) for factor in FACTORS["T0"]})
    etas = [bound.eta * factor for factor in FACTORS["eta"]]
    return [
        MultiplierBound(bound.d_G, p, alpha, eta, T0)
        for alpha, T0, p, eta in product(alphas, horizons, sorted({bound.p, 1.0}), etas)
    ]


def errors(bound: MultiplierBound, N: int, M: int) -> ErrorBound:
    """(22) and the corrected bound, which takes long; both are proportional to eta."""
    return ErrorBound("", bound.printed(), bound.eta * _per_eta(replace(bound, eta=1.0), N, M))


@lru_cache(maxsize=4096)
def _per_eta(bound: MultiplierBound, N: int, M: int) -> float:
    return bound.all_agents(N, M)


def grid(
    scenario: Scenario, constants: Constants, bounds: dict[str, MultiplierBound], scaled: bool
) -> pd.DataFrame:
    """Theorem 1 on a grid of settings, with epsilon, beta and L as they are.

    Parameters
    ----------
    scaled
        Whether the policy sees multipliers only by their ratios. As all of them are proportional to eta, it
        does the same for any eta, and its L is proportional to 1 / eta.

    Returns
    -------
    DataFrame
        One row a setting, basis and form: alpha, eta, T0, p, d_G, form, error (of multipliers, as the form
        takes it), delta, most_L (largest L for (25)), L, zones (how many have thresholds above
        sqrt(alpha M)), verdict (``vacuous`` unless (25) holds and there are such zones), basis.
    """
    c, N, M = scenario.c, scenario.agents.N, scenario.M
    lines = []
    for (basis, bound), form in product(bounds.items(), FORMS):
        for b in bounds_about(bound):
            error = errors(b, N, M).error(form)
            zones = int((c > feasibility_error(b.alpha, M)).sum())
            L = constants.L * (scenario.dual.eta / b.eta if scaled else 1.0)
            met = zones > 0 and conditions_met(form, c, N, replace(constants, L=L), error)
            line = {"alpha": b.alpha, "eta": b.eta, "T0": b.T0, "p": b.p, "d_G": b.d_G, "form": form}
            line |= {"error": error, "delta": delta(form, c, N, constants.mismatch)}
            line |= {"most_L": most_L(form, c, N, constants.mismatch, error), "L": L, "zones": zones}
            lines.append(line | {"verdict": HOLDS if met else VACUOUS, "basis": basis})
    return pd.DataFrame(lines)


def rows(scenario: Scenario, table: pd.DataFrame) -> pd.DataFrame:
    """Rows on the zones for which (24) says anything, and on how much of the `grid` it does.

    Returns
    -------
    DataFrame
        Columns as `verdicts.COLUMNS`.
    """
    error = feasibility_error(scenario.dual.alpha, scenario.M)
    found = []
    for zone in scenario.zones:
        words = f"c of zone '{zone.name}', above sqrt(alpha M)"
        statement = Statement("(24)", PRINTED, words, error, PROVEN, at_least=True)
        found.append(_or_vacuous(statement.row(zone.c)))
    if len(table):
        for (basis, form), mine in table.groupby(["basis", "form"], sort=False):
            how = ErrorBound(str(basis), 0.0, 0.0).how
            words = f"settings of {len(mine)} where (25) holds and zones are left{how}"
            statement = Statement("Theorem 1", str(form), words, 1.0, ESTIMATED, at_least=True)
            found.append(_or_vacuous(statement.row(int((mine["verdict"] == HOLDS).sum()))))
    return pd.DataFrame(found)


def _or_vacuous(line: dict[str, object]) -> dict[str, object]:
    """Where nothing is left, nothing is promised."""
    return line | {"verdict": VACUOUS} if line["verdict"] == FAILS else line


def largest_L_map(form: str, scenario: Scenario, bound: MultiplierBound) -> Floats:
    """Largest L for (25) if epsilon = beta = 0, over `PRODUCTS` and `ALPHAS`, (60, 60).

    The product eta d_G / (T0 p) is changed through eta, to which all bounds on the error are proportional.
    """
    c, N, M = scenario.c, scenario.agents.N, scenario.M
    most = np.empty((len(PRODUCTS), len(ALPHAS)))
    for i, alpha in enumerate(ALPHAS):
        one = replace(bound, alpha=float(alpha), eta=bound.T0 * bound.p / max(bound.d_G, 1))
        most[:, i] = most_L(form, c, N, 0.0, errors(one, N, M).error(form)) / PRODUCTS
    return most


def _draw_form(
    axes: Axes,
    form: str,
    scenario: Scenario,
    constants: Constants,
    bounds: dict[str, MultiplierBound],
) -> QuadMesh:
    """Largest L over alpha and eta d_G / (T0 p), the measured one as a line, and where zones drop out."""
    most = largest_L_map(form, scenario, next(iter(bounds.values())))
    mesh = axes.pcolormesh(
        ALPHAS, PRODUCTS, most, cmap=SHADES, norm=LogNorm(1e-4, 1e4), rasterized=True, shading="nearest"
    )
    if constants.L > 0:
        axes.contour(ALPHAS, PRODUCTS, most, levels=[constants.L], colors="black", linewidths=1.2)
    for m, zone in enumerate(scenario.zones):
        axes.axvline(zone.c**2 / scenario.M, color=colour(m), linewidth=0.9, linestyle="--")
    for (basis, bound), marker in zip(bounds.items(), "*D", strict=False):
        at = bound.eta * bound.d_G / (bound.T0 * bound.p)
        label = basis.partition(": ")[2] or basis
        axes.plot(bound.alpha, at, marker, color="#b2182b", markersize=6, linewidth=0, label=label)
    room = delta(form, scenario.c, scenario.agents.N, constants.mismatch)
    word = ": vacuous" if room <= 0 else ""
    axes.set_title(f"{form}\nmeasured $\\delta$ = {room:.2f}{word}")
    axes.set(xscale="log", yscale="log", xlabel="$\\alpha$", xlim=ALPHAS[[0, -1]], ylim=PRODUCTS[[0, -1]])
    return mesh


@styled
def draw(scenario: Scenario, constants: Constants, bounds: dict[str, MultiplierBound]) -> Figure:
    """Draw the largest L for which (25) holds, in all forms."""
    figure = new_figure(DOUBLE, 3.0)
    panels = figure.subplots(1, len(FORMS), sharey=True)
    dual = scenario.dual
    known = bounds or {"nothing": MultiplierBound(1, 1.0, dual.alpha, dual.eta, dual.T0)}
    for axes, form in zip(panels, FORMS, strict=True):
        mesh = _draw_form(axes, form, scenario, constants, known)
    panels[0].set_ylabel("$\\eta\\, d_G / (T_0\\, p)$")
    figure.colorbar(mesh, ax=panels, label="largest L for (25), if $\\epsilon = \\beta = 0$")
    panels[0].plot([], [], color="black", linewidth=1.2, label=f"L = {constants.L:.2g}, as measured")
    panels[0].plot(
        [], [], "--", color="0.4", linewidth=0.9, label="$\\alpha = c_m^2 / M$: right of it nothing for m"
    )
    handles, labels = panels[0].get_legend_handles_labels()
    shown = [plain(label) if "$" not in label else label for label in labels]
    figure.legend(handles, shown, loc="outside lower center", ncols=2)
    return figure
