"""Scenarios, floor plans and policies that come with the package, found by name from any folder."""

from __future__ import annotations

import os
from pathlib import Path

from cmarlsim.errors import ArgumentError, InputError, nearest, one_line

_PACKAGE = Path(__file__).parents[1]
DATA = _PACKAGE / "data" if (_PACKAGE / "data").is_dir() else _PACKAGE.parent / "data"
"""Inside the package when installed from a wheel, beside it in a checkout."""


def find(kind: str, reference: str | Path, suffix: str, beside: Path | None = None) -> Path:
    """Path of the file that `reference` means: an existing path, or the name of something shipped.

    Parameters
    ----------
    kind
        Folder of the shipped ones: ``scenarios``, ``floorplans`` or ``policies``.
    reference
        What the user wrote.
    suffix
        File name ending of a shipped one, with its dot.
    beside
        Folder that relative paths start from; the working directory by default.

    Raises
    ------
    InputError
        If there is neither such a file nor such a name, or it can be neither.
    """
    if not isinstance(reference, (str, os.PathLike)):
        raise ArgumentError("reference", reference, f"must be the path of a {suffix} file or a shipped name")
    text = str(reference)
    try:
        path = (beside or Path()) / Path(text).expanduser()
        if path.is_file():
            return path
    except (OSError, RuntimeError, ValueError) as error:
        why = one_line(getattr(error, "strerror", None) or str(error), 200)
        raise InputError(f"{one_line(text, 200)}: not a usable path: {why}") from None
    shipped = {file.stem: file for file in sorted((DATA / kind).glob(f"*{suffix}"))}
    if text in shipped:
        return shipped[text]
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a {suffix} file in it")
    names = ", ".join(shipped) or "none"
    raise InputError(
        f"{text}: no such file, and no {kind} of that name are shipped (shipped: {names})"
        + nearest(text, shipped)
    )
