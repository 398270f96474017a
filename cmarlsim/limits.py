"""How large things can be at all, and what this machine has."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

from cmarlsim.errors import InputError

MOST_STEPS = 10**12
"""Steps of a run: at millions a second, weeks."""

MOST_SECONDS = 10**8
"""Seconds that can be waited for: three years."""

SHARE = 0.8
"""Share of the machine's memory that may be taken."""


@cache
def machine_bytes() -> int:
    """Memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def free_bytes(path: Path) -> int:
    """Bytes that are free where `path` will lie; its folder may be missing yet."""
    folder = path.absolute().parent
    while not folder.is_dir():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def check_bytes(what: str, needed: float, remedy: str) -> None:
    """Raise InputError if `needed` bytes are more than `SHARE` of the memory; `remedy` is what would help."""
    limit = SHARE * machine_bytes()
    if needed > limit:
        most = f"more than the {limit / 1e9:.1f} GB that may be taken here"
        raise InputError(f"{what} {needed / 1e9:.1f} GB, {most}: {remedy}")
