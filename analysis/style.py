"""What all figures look like, and how they are saved: PNG, PDF and the numbers as CSV, side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from cmarlsim.errors import ArgumentError
from cmarlsim.report.picture import plain
from cmarlsim.storage.files import published
from cmarlsim.storage.outputs import check_free

SINGLE, DOUBLE = 3.5, 7.16
"""Widths of one and of two columns of the paper, in inches."""

AGENT_COLOURS = ("#0b2a6b", "#8c4a32", "#6a3d9a", "#6f7300", "#111111")
AGENT_MARKERS = ("o", "s", "^", "D", "v")
"""Colours and markers of agents, each pair once in turn; no colour is that of a zone."""

SHADES = ListedColormap(matplotlib.colormaps["viridis_r"](np.linspace(0.12, 1.0, 256)), "shades")
"""Shades from light (little) to dark (much), without the pale end, which print loses."""

MOST_LETTERS = 50
"""Zones times the letters of the longest name, where names stand below an axis of a column's width."""

STYLE: Any = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "savefig.dpi": 150,
    "pdf.fonttype": 42,
}

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def styled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorator: what the function draws or saves has the shared style."""
    return matplotlib.rc_context(STYLE)(function)


def new_figure(width: float, height: float) -> Figure:
    """Empty figure of `width` times `height` inches."""
    return Figure(figsize=(width, height), layout="constrained")


def agent_look(n: int) -> dict[str, Any]:
    """Colour and marker of agent n, as arguments of `Axes.plot`."""
    times, i = divmod(n, len(AGENT_COLOURS))
    return {"color": AGENT_COLOURS[i], "marker": AGENT_MARKERS[(i + times) % len(AGENT_MARKERS)]}


def zone_ticks(axes: Axes, zones: Sequence[str], rotation: float = 0.0) -> None:
    """Ticks of zones 0, 1, ...: with their names where these are few and short, else with numbers."""
    if len(zones) * len(max(zones, key=len)) <= MOST_LETTERS:
        axes.set_xticks(range(len(zones)), [plain(zone) for zone in zones], rotation=rotation)
    else:
        axes.locator_params("x", integer=True)
        axes.set_xlabel("zone m")


def free_stem(
    folder: Path, name: str, force: bool, suffixes: tuple[str, ...] = (".png", ".pdf", ".csv")
) -> Path:
    """Path of a figure's files without their ending, such as ``results/figure4``; the folder is made.

    Raises
    ------
    InputError
        If `folder` is no folder, or one of the files cannot be written, or exists and `force` is not set.
    """
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise ArgumentError("out", folder, "is not a folder; name one for the files")
    for suffix in suffixes:
        check_free(folder / f"{name}{suffix}", force)
    return folder / name


def save_table(table: pd.DataFrame, path: Path, numbers: str | None = "%.6g") -> None:
    """Write a table as CSV, with numbers in that format, or in full; InputError if it cannot be written."""
    with published(path) as scratch:
        table.to_csv(scratch, index=False, float_format=numbers)


def save_picture(figure: Figure, stem: Path, dpi: float | None = None) -> None:
    """Write ``stem.png``, with so many pixels an inch, and ``stem.pdf``; the same bytes for the same figure.

    Raises
    ------
    InputError
        If one of them cannot be written.
    """
    with published(stem.with_suffix(".png")) as scratch:
        figure.savefig(scratch, format="png", dpi=dpi, pil_kwargs={"optimize": True})
    with published(stem.with_suffix(".pdf")) as scratch:
        figure.savefig(scratch, format="pdf", metadata={"CreationDate": None})


@styled
def save(figure: Figure, table: pd.DataFrame, stem: Path) -> None:
    """Write ``stem.png``, ``stem.pdf`` and ``stem.csv``, the same bytes for the same figure, and say where.

    Raises
    ------
    InputError
        If one of them cannot be written.
    """
    save_table(table, stem.with_suffix(".csv"))
    save_picture(figure, stem)
    print(f"{stem}.png, .pdf, .csv")
