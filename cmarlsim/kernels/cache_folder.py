"""The folder where compiled kernels are kept: one that nobody but its owner can write.

Numba's cache files are pickles of machine code: whoever can write them decides what this process does.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
import platformdirs

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
"""Numbers of the errors of a full disk."""

_settings: Any = numba.config


@cache
def cache_folder() -> Path:
    """The folder of all kernels as they are now; it is made.

    Numba looks only at the file of the function it compiles: when a *callee* in another file changes,
    the caller's cached code goes stale. A folder per state of all kernel files rules that out, and one more
    for code that checks bounds (NUMBA_BOUNDSCHECK). What else the code depends on is in Numba's own index:
    Python's version, and the processor's name and features.

    It is in NUMBA_CACHE_DIR, or the user's folder for caches. Where others could change what is there, it is
    in the system's temporary folder; where they could there too, it is new, and goes when the process ends.

    Raises
    ------
    OSError
        If there is no space left.
    """
    key, refused = _key(), []
    for root in _roots():
        try:
            folder = private_folder(private_folder(root, linked=True) / key)
            _check_way(root)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise
            refused.append(f"{error.filename} is not used ({error.strerror})")
        else:
            break
    if refused:
        note = f"warning: {', '.join(refused)}: compiled kernels are kept in {root}"
        logging.getLogger("cmarlsim").warning(note)
    return folder


def _roots() -> Iterator[Path]:
    yield Path(_settings.CACHE_DIR or platformdirs.user_cache_dir("cmarlsim")).absolute()
    yield Path(tempfile.gettempdir()) / f"cmarlsim-{os.getuid()}"
    fresh = tempfile.mkdtemp(prefix="cmarlsim-")
    atexit.register(shutil.rmtree, fresh, ignore_errors=True)
    yield Path(fresh)


def _key() -> str:
    texts = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    versions = [numba.__version__, llvmlite.__version__, np.__version__, f"{bool(_settings.BOUNDSCHECK)}"]
    return hashlib.sha256(b"".join([*texts, *map(str.encode, versions)])).hexdigest()[:16]


def private_folder(folder: Path, linked: bool = False) -> Path:
    """Make a folder that only this user can write, or see that it is one.

    Parameters
    ----------
    folder : Path
        The folder.
    linked : bool
        Whether it may be a symbolic link to such a folder.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OSError
        If it cannot be made, is none, is another user's, or can be written by others.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.stat() if linked else folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise _refusal(folder, "it is no folder")
    if found.st_uid != os.getuid():
        raise _refusal(folder, "it belongs to another user")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _refusal(folder, "others can write there; chmod go-w helps")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refusal(folder, "it cannot be written")
    return folder


def _check_way(folder: Path) -> None:
    """Raise OSError where another user can put something else in the place of this folder."""
    trusted = {os.getuid(), 0, os.stat("/").st_uid}  # in some containers, / is not root's
    for above in {*folder.parents, *Path(os.path.realpath(folder)).parents}:
        found = above.stat()
        open_to_all = found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX
        if open_to_all or found.st_uid not in trusted:
            raise _refusal(folder, f"others can replace what is in {above}")
    for path in (folder, *folder.parents):
        if path.is_symlink() and path.parent.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise _refusal(path, "it is a link in a folder that others can write")


def _refusal(folder: Path, why: str) -> OSError:
    return OSError(errno.EPERM, why, str(folder))
