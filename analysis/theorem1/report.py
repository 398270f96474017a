"""The tables of Theorem 1 as text."""

from __future__ import annotations

import pandas as pd

from analysis.markdown import framed
from analysis.verdicts import COLUMNS
from cmarlsim.scenario import Scenario

HEADING = """Theorem 1 and its parts, scenario `{name}` with alpha = {alpha:g}, eta = {eta:g}, T0 = {T0}. A
condition or a statement `holds` or `fails`; it is `vacuous` if it promises nothing, `undecided` if the bound
lies within the interval of what was measured. `low` and `high` are that interval, equal where the number is
exact. Rows whose basis is `estimated` rest on constants measured in runs: d_G and p from who talked to whom,
L, epsilon and beta as large as the rollouts that were repeated need them.

"""


def markdown(scenario: Scenario, table: pd.DataFrame) -> str:
    """A heading, and one line a row."""
    dual = scenario.dual
    heading = HEADING.format(name=scenario.name, alpha=dual.alpha, eta=dual.eta, T0=dual.T0)
    return heading + framed(table[list(COLUMNS)], digits=4)


def summary(table: pd.DataFrame) -> str:
    """One line a claim and form: in how many rows it came out how."""
    lines = []
    for (claim, form), mine in table.groupby(["claim", "form"], sort=False):
        counts = ", ".join(f"{word} in {count}" for word, count in mine["verdict"].value_counts().items())
        lines.append(f"{claim}, {form}: {counts}")
    return "\n".join(lines)
