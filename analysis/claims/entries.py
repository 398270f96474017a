"""The numbered claims of the paper, and which rows of which script decide about them: ``claims.toml``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cmarlsim.bounds.verdicts import CORRECTED, PRINTED, SHARPER
from cmarlsim.validation import Strict, parse, read_toml


class Entry(Strict):
    """A numbered claim.

    Its rows are those of `part` whose claim is `rows`, or `name` where that is empty, and whose quantity
    contains one of `about`.
    """

    name: str
    says: str
    part: str
    figure: str = ""
    rows: str = ""
    about: tuple[str, ...] = ("",)
    printed: tuple[str, ...] = (PRINTED,)
    corrected: tuple[str, ...] = (CORRECTED, SHARPER)
    condition: bool = False
    """A condition is met or not, where a statement holds or fails."""

    def select(self, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
        """Rows about this claim, in any form."""
        table = tables[self.part]
        about = [table["quantity"].str.contains(word, regex=False) for word in self.about]
        return table[(table["claim"] == (self.rows or self.name)) & pd.concat(about, axis=1).any(axis=1)]


class _Claims(Strict):
    claims: tuple[Entry, ...]


_FILE = Path(__file__).with_name("claims.toml")

ENTRIES = parse(_Claims, read_toml(_FILE), _FILE).claims
"""All numbered claims, in the order of the paper."""
