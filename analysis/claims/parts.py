"""The scripts that check claims, and their tables in the columns of `cmarlsim.bounds.verdicts`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis import delays
from analysis.multipliers import CLOSER, NORMS
from analysis.multipliers import PRINTED as EQUATION_22
from analysis.proposition1 import proposition1
from analysis.proposition2 import proposition2
from analysis.proposition3 import proposition3
from analysis.theorem1.__main__ import theorem1
from cmarlsim.bounds.verdicts import COLUMNS, CORRECTED, FAILS, HOLDS, PRINTED, PROVEN, SHARPER, UNDECIDED
from cmarlsim.errors import InputError

PROPOSITION_2_FORMS = {
    delays.PRINTED: PRINTED,
    delays.CORRECTED: CORRECTED,
    delays.EVERY_PAIR: CORRECTED,
    delays.OBSERVERS: CORRECTED,
    delays.PATHS: SHARPER,
    delays.CUTS: SHARPER,
}

PROPOSITION_3_FORMS = {EQUATION_22: PRINTED, CLOSER: CORRECTED, CORRECTED: CORRECTED}

PROPOSITION_3_CLAIMS = {
    NORMS[0]: "(22), each zone",
    NORMS[1]: "Proposition 3",
    NORMS[2]: "(22), all agents",
}

WORDS = {
    "holds": HOLDS,
    "equality": HOLDS,
    "fails": FAILS,
    "within error": UNDECIDED,
}
"""Verdicts of Propositions 2 and 3 in those of `cmarlsim.bounds.verdicts`; others are the same there."""


def of_proposition2(table: pd.DataFrame) -> pd.DataFrame:
    """Rows on when news arrives, by footprint and p: exact where that is known, else simulated."""
    mine = table[table["claim"].isin(PROPOSITION_2_FORMS)].reset_index(drop=True)
    found = mine["exact"].where(mine["exact"].notna(), mine["simulated"]).str.split(" at ").str[0]
    case = mine["footprint"] + ", p = " + mine["p"].map("{:g}".format)
    against = mine["against"].abs()
    return pd.DataFrame(
        {
            "claim": "Proposition 2",
            "form": mine["claim"].map(PROPOSITION_2_FORMS),
            "quantity": "P(R = r) on the wrong side of the bound by, " + case,
            "bound": 0.0,
            "measured": against,
            "low": against,
            "high": against,
            "ratio": float("nan"),
            "verdict": found.map(WORDS),
            "basis": PROVEN,
        }
    )


def of_proposition3(table: pd.DataFrame) -> pd.DataFrame:
    """Rows on errors of multipliers over footprints, in the paper's own model."""
    kept = (table["basis"] == PROVEN) & table["projection"] & table["claim"].isin(PROPOSITION_3_FORMS)
    mine = table[kept].reset_index(drop=True)
    case = [
        f"{line.footprint}, p = {line.p:g}, M = {line.M}, alpha = {line.alpha:g}, k = {line.k}"
        for line in mine.itertuples()
    ]
    found = {
        "claim": mine["norm"].map(PROPOSITION_3_CLAIMS),
        "form": mine["claim"].map(PROPOSITION_3_FORMS),
        "quantity": "mean error of multipliers, " + pd.Series(case, dtype=str),
        "verdict": mine["verdict"].replace(WORDS),
    }
    return mine.assign(**found)[list(COLUMNS)]


def as_it_is(table: pd.DataFrame) -> pd.DataFrame:
    """A table that keeps the convention."""
    return table[list(COLUMNS)]


@dataclass(frozen=True)
class Part:
    """A script, the table that it writes, and where it is explained."""

    name: str  # of its module in `analysis`
    make: Callable[..., int]
    table: str
    convert: Callable[[pd.DataFrame], pd.DataFrame]
    text: str  # the page that explains what it finds

    def read(self, folder: Path) -> pd.DataFrame:
        """The script's rows, from the table that it left in a folder.

        Raises
        ------
        InputError
            If it is not there, or not the table that this version of the script writes.
        """
        path = folder / self.table
        hint = f"make it with python -m analysis.{self.name} --out {folder}"
        if not path.is_file():
            raise InputError(f"{path}: is missing: {hint}")
        try:
            return self.convert(pd.read_csv(path))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}: is not a table of analysis.{self.name} ({error}): {hint} --force"
            ) from None


PARTS = (
    Part("proposition1", proposition1, "proposition1.csv", as_it_is, "proposition1.md"),
    Part("proposition2", proposition2, "proposition2-claims.csv", of_proposition2, "footprints.md"),
    Part("proposition3", proposition3, "proposition3.csv", of_proposition3, "footprints.md"),
    Part("theorem1", theorem1, "theorem1.csv", as_it_is, "theorem1.md"),
)
