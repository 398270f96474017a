"""What all figures look like, and how they are saved: PNG, PDF and the numbers as CSV, side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from cmarlsim.errors import ArgumentError, InputError
from cmarlsim.storage.hdf5 import check_free

SINGLE, DOUBLE = 3.5, 7.16
"""Widths of one and of two columns of the paper, in inches."""

AGENT_COLOURS = ("#0b2a6b", "#8c4a32", "#6a3d9a", "#6f7300", "#111111")
AGENT_MARKERS = ("o", "s", "^", "D", "v")
"""Colours and markers of agents, in turn; no colour is that of a zone."""

SHADES = ListedColormap(matplotlib.colormaps["viridis_r"](np.linspace(0.12, 1.0, 256)), "shades")
"""Shades from light (little) to dark (much), without the pale end, which print loses."""

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
    return {"color": AGENT_COLOURS[n % len(AGENT_COLOURS)], "marker": AGENT_MARKERS[n % len(AGENT_MARKERS)]}


def free_stem(
    folder: Path, name: str, force: bool, suffixes: tuple[str, ...] = (".png", ".pdf", ".csv")
) -> Path:
    """Path of a figure's files without their ending, such as ``results/figure4``; the folder is made.

    Raises
    ------
    InputError
        If `folder` is a file, or one of the files exists and `force` is not set.
    """
    if folder.exists() and not folder.is_dir():
        raise ArgumentError("out", folder, "is a file; name a folder for the figure's files")
    for suffix in suffixes:
        check_free(folder / f"{name}{suffix}", force)
    return folder / name


@styled
def save(figure: Figure, table: pd.DataFrame, stem: Path) -> None:
    """Write ``stem.png``, ``stem.pdf`` and ``stem.csv``, the same bytes for the same figure, and say where.

    Raises
    ------
    InputError
        If one of them cannot be written.
    """
    writers: dict[str, Callable[[Path], object]] = {
        ".csv": lambda path: table.to_csv(path, index=False, float_format="%.6g"),
        ".png": lambda path: figure.savefig(path, pil_kwargs={"optimize": True}),
        ".pdf": lambda path: figure.savefig(path, metadata={"CreationDate": None}),
    }
    for suffix, write in writers.items():
        path = stem.with_suffix(suffix)
        try:
            write(path)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    print(f"{stem}.png, .pdf, .csv")
