"""The tables of Theorem 1 as text."""

from __future__ import annotations

import pandas as pd

from analysis.markdown import framed
from cmarlsim.bounds.verdicts import ASSUMED, COLUMNS, FAILS
from cmarlsim.scenario import Scenario

HEADING = """Theorem 1 and its parts, scenario `{name}` with alpha = {alpha:g}, eta = {eta:g}, T0 = {T0}. A
condition or a statement `holds` or `fails`; it is `vacuous` if it promises nothing, `undecided` if the bound
lies within the interval of what was measured. `low` and `high` are that interval, equal where the number is
exact. Rows whose basis is `estimated` rest on constants measured in runs: d_G and p from who talked to whom,
L, epsilon and beta as large as the rollouts that were repeated need them. Those whose basis is `assumed`
suppose (26); where it failed in a repeated rollout, the basis says so, and a `fails` then refutes nothing. A
statement on a limit that fails only by what vanishes with 1 / K is `undecided`, and its run too short.

"""


UNMET = f"{ASSUMED}: (26), which failed"
"""Basis of what supposes (26) where that does not hold."""


def repeated_26(table: pd.DataFrame) -> pd.DataFrame:
    """Rows on (26) in repeated rollouts, where its mean is known."""
    return table[(table["claim"] == "(26)") & table["quantity"].str.contains("V_R", regex=False)]


def with_hypothesis(table: pd.DataFrame) -> pd.DataFrame:
    """The same table; rows that suppose (26) say so if it failed in a repeated rollout."""
    if not (repeated_26(table)["verdict"] == FAILS).any():
        return table
    suppose = (table["basis"] == ASSUMED) & (table["claim"] != "(26)")
    return table.assign(basis=table["basis"].mask(suppose, UNMET))


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
    known, refuted = repeated_26(table), table[(table["basis"] == UNMET) & (table["verdict"] == FAILS)]
    if failed := int((known["verdict"] == FAILS).sum()):
        lines.append(
            f"(26), the hypothesis, failed in {failed} of {len(known)} rows on repeated rollouts: "
            f"{len(refuted)} rows that suppose it fail, which refutes nothing"
        )
    return "\n".join(lines)
