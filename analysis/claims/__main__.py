"""``python -m analysis.claims``: every numbered claim of the paper, and what became of it.

Runs the scripts that check the claims, with their defaults (two minutes or three), into the folder
``figures`` beside the page, and sums their tables up as ``claims.md`` and ``claims.csv``, a line a claim.
With ``--from DIR`` it sums up the tables that the scripts wrote there before.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from analysis.claims.page import summed_up, written
from analysis.claims.parts import PARTS
from analysis.options import OUT, Force, Out
from analysis.style import free_stem, save_table
from cmarlsim.storage.files import write_whole
from cmarlsim.storage.outputs import check_free
from cmarlsim.terminal.console import command

NAME = "claims"
FIGURES = "figures"


def make_all(folder: Path, force: bool) -> None:
    """Run all scripts; what they print is left out, for the page has it."""
    for part in PARTS.values():
        check_free(folder / part.table, force)
    for number, part in enumerate(PARTS.values(), start=1):
        print(f"{part.name} ({number} of {len(PARTS)})", file=sys.stderr, flush=True)
        with redirect_stdout(StringIO()):
            part.make(out=folder, force=force)


def text(table: pd.DataFrame) -> str:
    """One line a claim for the terminal."""
    width = table["claim"].str.len().max()
    lines = []
    for found in table.to_dict("records"):
        corrected = f"; corrected: {found['as corrected']}" if found["as corrected"] else ""
        lines.append(f"{found['claim']:<{width}}  {found['as printed']}{corrected}".replace("**", ""))
    return "\n".join(lines)


def claims(
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from",
            exists=True,
            file_okay=False,
            help="Folder with the tables of the scripts, instead of running them.",
            show_default="run them",
        ),
    ] = None,
    out: Out = OUT,
    force: Force = False,
) -> int:
    """Sum up what becomes of every numbered claim of the paper."""
    stem = free_stem(out, NAME, force, (".csv", ".md"))
    folder = out / FIGURES if from_ is None else from_
    if from_ is None:
        make_all(folder, force)
    table = summed_up(folder)
    page = stem.with_suffix(".md")
    write_whole(page, written(table, folder, page).encode())
    save_table(table, stem.with_suffix(".csv"), numbers=None)
    print(text(table))
    print(f"{stem}.csv, .md")
    return 0


if __name__ == "__main__":
    command(claims)
