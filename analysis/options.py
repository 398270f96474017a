"""The options that the figures' commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MOST_RUNS = 1000
"""Runs, of each kind that there is: half an hour or so."""

Recordings = Annotated[
    list[Path] | None,
    typer.Argument(help="Recordings of one scenario, or a sweep's folder.", show_default=False),
]
OneRecording = Annotated[Path | None, typer.Argument(help="A recording.", show_default=False)]
Run = Annotated[
    bool, typer.Option("--run", help="Run what is needed, in memory, instead of reading recordings.")
]
Runs = Annotated[int, typer.Option(min=1, max=MOST_RUNS, help="With --run: runs with the seeds 0, 1, ...")]
Out = Annotated[Path, typer.Option(help="Folder for the PNG, the PDF and the numbers as CSV.")]
Force = Annotated[bool, typer.Option("--force", help="Replace existing files.")]
Policies = Annotated[
    list[str],
    typer.Option(
        "--policy",
        metavar="[LABEL=]POLICY",
        help="A policy's HDF5 file or shipped name, and what to call it; may be repeated.",
    ),
]

OUT = Path("results")
RUNS = 5
POLICIES = ["trained in the loop=paper", "the paper's training=paper-recipe"]
