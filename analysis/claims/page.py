"""The page of claims: rows of verdicts summed up, a line a claim."""

from __future__ import annotations

from os.path import relpath
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import markdown
from analysis.claims.entries import ENTRIES, Entry
from analysis.claims.parts import PARTS
from cmarlsim.bounds.verdicts import FAILS, HOLDS, UNDECIDED, VACUOUS
from cmarlsim.errors import InputError

PRECEDENCE = (FAILS, HOLDS, UNDECIDED, VACUOUS)
"""The first of these that any row has is the verdict of all."""

MET = {HOLDS: "met", FAILS: "not met"}
"""Verdicts on conditions."""

HEADING = """# The numbered claims of the paper

    python -m analysis.claims --out docs --force

makes this page, and the tables and figures that it links to: it runs the commands in the table with
their defaults and sums their verdicts up. Nothing is written by hand but what a claim says. A claim
**fails** if one case fails that fulfils its conditions as printed. It is **vacuous** where the bound
promises nothing that could not be taken for granted, **undecided** where the bound lies within the
interval of what was measured, as it does where it is an equality. Brackets say in how many cases it came
out how. The number that decides is that of the case that fails worst, or else of the one that is nearest
to its bound. Basis *estimated* means that constants such as L, epsilon and beta were measured in runs,
of a patrol whose links are neither independent nor equal: a failure may be that of the estimate.
*Assumed* means that a condition is taken for granted.

"""


def rank(rows: pd.DataFrame) -> pd.Series:
    """How far rows are on either side of their bounds, relative to them."""
    apart = (rows["measured"] - rows["bound"]).abs() / rows["bound"].abs().clip(lower=1e-12)
    return apart.replace(np.inf, np.nan)


def conclude(rows: pd.DataFrame, condition: bool) -> tuple[str, str]:
    """Verdict on all rows of a form, with counts, and the number that decides; empty if there are none."""
    if rows.empty:
        return "", ""
    counts = {word: int((rows["verdict"] == word).sum()) for word in PRECEDENCE}
    word = next(word for word in PRECEDENCE if counts[word])
    shown = MET if condition else {}
    others = [f"{shown.get(each, each)} {count}" for each, count in counts.items() if count and each != word]
    mine = rows[rows["verdict"] == word]
    far = rank(mine)
    if far.notna().any():
        mine = mine.loc[[far.idxmax() if word == FAILS else far.idxmin()]]
    line = mine.iloc[0]
    number = f"{line['quantity']}: {line['measured']:.3g} against {line['bound']:.3g}"
    counted = "; ".join([f"{counts[word]} of {len(rows)}", *others])
    return f"**{shown.get(word, word)}** ({counted})", number


def line(entry: Entry, tables: dict[str, pd.DataFrame]) -> dict[str, str]:
    """One line of the page.

    Raises
    ------
    InputError
        If the script's table has nothing on the claim as printed.
    """
    part, rows = PARTS[entry.part], entry.select(tables)
    printed, corrected = (rows[rows["form"].isin(forms)] for forms in (entry.printed, entry.corrected))
    if printed.empty:
        raise InputError(
            f"{part.table}: has no rows on {entry.name}: make it anew with python -m analysis.{part.name}"
        )
    as_printed, decides = conclude(printed, entry.condition)
    as_corrected, decides_too = conclude(corrected, entry.condition)
    bases = sorted({basis.partition(":")[0] for basis in [*printed["basis"], *corrected["basis"]]})
    return {
        "claim": entry.name,
        "says": entry.says,
        "command": f"python -m analysis.{part.name}",
        "as printed": as_printed,
        "as corrected": as_corrected,
        "decided by": decides,
        "corrected by": decides_too,
        "basis": ", ".join(bases),
    }


def summed_up(folder: Path) -> pd.DataFrame:
    """One line for each of `ENTRIES`, from the tables that scripts left in a folder.

    Raises
    ------
    InputError
        If a table is missing, or has nothing on a claim.
    """
    tables = {name: part.read(folder) for name, part in PARTS.items()}
    return pd.DataFrame([line(entry, tables) for entry in ENTRIES])


def written(table: pd.DataFrame, folder: Path, page: Path) -> str:
    """The page, whose links go from its own place to the folder of tables and figures, if they are there."""
    heads = ["claim", "what it says", "command", "as printed", "as corrected", "what decides", "basis", "see"]
    lines = []
    where = relpath(folder, page.parent)
    for entry, found in zip(ENTRIES, table.to_dict("records"), strict=True):
        links = [(f"{entry.figure}.png", "figure"), (f"{entry.part}.md", "table")]
        see = [f"[{word}]({where}/{name})" for name, word in links if (folder / name).is_file()]
        text = PARTS[entry.part].text
        see += [f"[text]({text})"] * (page.parent / text).is_file()
        decides = [number for number in (found["decided by"], found["corrected by"]) if number]
        cells = [found["claim"], found["says"], f"`{found['command']}`", found["as printed"]]
        cells += [found["as corrected"], "; corrected: ".join(decides), found["basis"], ", ".join(see)]
        lines.append(cells)
    return HEADING + markdown.table(heads, lines)
