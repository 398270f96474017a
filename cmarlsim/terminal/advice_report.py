"""Advice in a few lines, and in a table."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cmarlsim.advice.advisor import Advice
from cmarlsim.advice.changes import Change
from cmarlsim.advice.statements import longest_trip
from cmarlsim.bounds.verdicts import COLUMNS, CORRECTED, ESTIMATED, FAILS, HOLDS, ROUNDING, VACUOUS

DIGITS = 3
WIDTH = 140
"""Columns where there is no terminal."""

TABLE_COLUMNS = ["zone", *(column for column in COLUMNS if column not in ("low", "high"))]


def print_advice(advice: Advice, full: bool = False) -> None:
    """Print the answers, and if `full` all statements in a table."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    for line in answers(advice):
        console.print(escape(line), highlight=False, soft_wrap=True)
    if full:
        console.print(_table(advice))
    more = "" if full else "--full shows all statements; "
    console.print(f"{more}docs/advise.md explains them", style="dim", highlight=False)


def answers(advice: Advice) -> list[str]:
    """What thresholds ask for, what is promised, what a run showed and proves, and what to change first."""
    return [
        f"{advice.scenario.name}, policy {advice.policy}",
        f"Thresholds   {_load(advice)}",
        f"Radio        {_radio(advice)}",
        f"Theorem 1    {_theorem1(advice)}",
        f"A run        {_run(advice)}",
        f"Proven of it {_proven(advice)}",
        *(f"{'Change first' if i == 0 else '':12} {line}" for i, line in enumerate(_first(advice))),
    ]


def _load(advice: Advice) -> str:
    """What thresholds ask of the team, and trips of a rollout."""
    (load,), (trip,), T0 = advice.of("threshold_sum"), advice.of("trip"), advice.scenario.dual.T0
    most = "N" if load["form"] == CORRECTED else "N - 1"
    fits = "" if load["verdict"] == HOLDS else ", too much for Theorem 1"
    short = "" if trip["verdict"] == HOLDS else ", too few"
    return (
        f"||c||_1 = {number(load['measured'])} of at most {most} = {number(load['bound'])}{fits}; "
        f"the longest trip takes {trip['measured']:.0f} of T0 = {T0} steps{short}"
    )


def _radio(advice: Advice) -> str:
    """Where d_G and p come from, and whether the run bears estimates out."""
    radio, (late,) = advice.theory.connectivity, advice.of("lateness")
    if radio.d_G is None:
        return radio.words
    said = f"d_G = {radio.d_G}, p = {number(radio.p)}"
    if radio.basis != ESTIMATED:
        return f"{said}: {radio.words}"
    found = "refutes it" if late["verdict"] == FAILS else "bears it out"
    return f"{said}, an estimate for independent links, which these are not: the run {found}"


def _theorem1(advice: Advice) -> str:
    """What Theorem 1 promises, and with what."""
    nothing = _no_promise(advice)
    if nothing:
        return f"promises nothing: {nothing}"
    theory, rows = advice.theory, advice.of("promised", CORRECTED)
    none = [row["zone"] for row, c in zip(rows, theory.c, strict=True) if row["bound"] <= 0 < c]
    broken = [row["zone"] for row in rows if row["verdict"] == FAILS]
    left = f"; nothing for {_some(none)}" if none else ""
    smooth = "" if math.isinf(theory.most_L) else f" and L of Assumption 2 is {number(theory.most_L)} or less"
    said = (
        f"promises satisfaction within {number(theory.shortfall)} of thresholds{left}, "
        f"if training was perfect (epsilon = beta = 0){smooth}"
    )
    if broken:
        said += f". The run had less in {_some(broken)}: not all of this is true, or the run was too short"
    return said


def _no_promise(advice: Advice) -> str:
    """Why Theorem 1 promises nothing, empty if it may."""
    theory, L = advice.theory, advice.L
    if theory.slack <= 0:
        return "the thresholds ask for too much of so few agents"
    if theory.lacks_L:
        return "eq. (25) needs an L of Assumption 2; a policy that sees only ratios of multipliers has none"
    if theory.alpha == 0:
        return "eq. (25) asks for more than alpha = 0"
    if theory.connectivity.d_G is None:
        return "without d_G and p nothing bounds the errors of multipliers"
    if L is not None and theory.most_L < L:
        return f"eq. (25), corrected, bears an L of {number(theory.most_L)} at most, not {number(L)}"
    if theory.shortfall >= float(theory.c.max()):
        return f"it allows an error of {number(theory.shortfall)}, more than any threshold"
    return ""


def _run(advice: Advice) -> str:
    """What a short run showed."""
    lost = [row["zone"] for row in advice.of("satisfaction") if row["verdict"] == FAILS]
    margin = advice.run.satisfaction - advice.theory.c
    least = int(margin.argmin())
    kept = f"{_some(lost)} not kept" if lost else f"all {len(margin)} zones kept"
    where = f"zone {advice.scenario.zones[least].name}"
    return f"of {advice.run.steps:,} steps: {kept}; smallest margin {margin[least]:+.3f} ({where})"


def _proven(advice: Advice) -> str:
    """What the agents' own multipliers prove of the run."""
    certified = {row["zone"]: row["bound"] for row in advice.of("certified") if row["verdict"] != VACUOUS}
    off = [zone.c - certified[zone.name] for zone in advice.scenario.zones if zone.name in certified]
    if not off:
        return "nothing, by path certificates"
    none = [zone.name for zone in advice.scenario.zones if zone.c > 0 and zone.name not in certified]
    left = f"; nothing for {_some(none)}" if none else ""
    within = math.ceil(max(off) * 1000) / 1000
    return f"satisfaction c - {within:.3f} or more in each zone, by path certificates{left}"


def _first(advice: Advice) -> list[str]:
    """What to change first: the team, the rollouts, the policy, and settings."""
    scenario, found = advice.scenario, []
    if advice.of("threshold_sum")[0]["verdict"] == FAILS:
        enough = min(math.ceil(scenario.c.sum() - ROUNDING) + 1, scenario.M)
        found.append(f"agents.N = {enough}: enough for the thresholds")
    elif any(row["verdict"] == FAILS for row in advice.of("satisfaction")):
        found.append("the policy, for zones are not kept: cmarlsim train makes one for this scenario")
    if advice.of("trip")[0]["verdict"] == FAILS:
        found.append(f"dual.T0 = {longest_trip(scenario) + 1}: a rollout longer than the longest trip")
    for purpose, useful in groupby(advice.changes, key=lambda change: change.purpose):
        settings = " or ".join(f"{change.setting} = {safely(change)}" for change in useful)
        found.append(f"{settings}: {purpose}")
    return found or [f"nothing that is known to help, for an error of {advice.target_error:g}"]


def _some(names: list[str], most: int = 6) -> str:
    """Names, or the first of them and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def number(value: float) -> str:
    """Three digits, or all of a whole number below a billion; a dash for what does not exist."""
    if not math.isfinite(value):
        return "-" if math.isnan(value) else "∞"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 and value == int(value) else f"{value:.3g}"


def safely(change: Change) -> str:
    """What is needed with `DIGITS` digits, rounded away from the present value, so that it still suffices."""
    if change.setting == "dual.T0":
        return f"{change.needed:.0f}"
    exact = Decimal(change.needed)
    place = Decimal(1).scaleb(exact.adjusted() - DIGITS + 1) if exact else Decimal(1)
    rounded = exact.quantize(place, ROUND_CEILING if change.needed >= change.now else ROUND_FLOOR)
    return f"{float(rounded):g}"


def _table(advice: Advice) -> Table:
    """Table of all statements."""
    table = Table()
    for column in TABLE_COLUMNS:
        table.add_column(column, justify="right" if column in ("bound", "measured", "ratio") else "left")
    for row in advice.statements:
        cells = [(row | {"zone": row["zone"] or "all"})[column] for column in TABLE_COLUMNS]
        table.add_row(*(escape(cell) if isinstance(cell, str) else number(cell) for cell in cells))
    return table
