"""The scripts that check claims, and their tables of verdicts."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.proposition1 import proposition1
from analysis.proposition2 import proposition2
from analysis.proposition3 import proposition3
from analysis.theorem1.__main__ import theorem1
from cmarlsim.bounds.verdicts import COLUMNS
from cmarlsim.errors import InputError
from cmarlsim.storage.files import file_at, read_bytes


@dataclass(frozen=True)
class Part:
    """A script, the table that it writes, and where it is explained."""

    name: str  # its module in `analysis`
    make: Callable[..., int]
    table: str
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
        if not file_at(path):
            raise InputError(f"{path}: is missing: {hint}")
        data = io.BytesIO(read_bytes(path))
        try:
            return pd.read_csv(data, usecols=list(COLUMNS))
        except ValueError as error:
            raise InputError(
                f"{path}: is not a table of analysis.{self.name} ({error}): {hint} --force"
            ) from None


PARTS = {
    part.name: part
    for part in (
        Part("proposition1", proposition1, "proposition1.csv", "proposition1.md"),
        Part("proposition2", proposition2, "proposition2-claims.csv", "footprints.md"),
        Part("proposition3", proposition3, "proposition3.csv", "footprints.md"),
        Part("theorem1", theorem1, "theorem1.csv", "theorem1.md"),
    )
}
