"""Commands in child processes: forked from one that has loaded everything, with limits, and watched."""

from __future__ import annotations

import ctypes
import errno
import faulthandler
import gc
import os
import resource
import runpy
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import typer

import cmarlsim.__main__
from cmarlsim.kernels.cache_folder import cache_folder
from cmarlsim.sweeps import run_sweep
from cmarlsim.terminal.console import command, start

SECONDS = 20
"""A command that takes longer hangs."""

MEMORY = 6 * 2**30
"""Bytes of address space that a command may ask for; the libraries take more than one GiB of it."""

ROOT = Path(__file__).parents[2]

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = {"os.remove": 1, "os.rename": 2, "os.link": 2, "os.symlink": 2, "os.mkdir": 1, "os.rmdir": 1}
"""Events of the interpreter that change names, and how many of their arguments are paths."""


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes
    ----------
    code
        Exit code; None if a signal ended it.
    signal
        Name of that signal.
    memory
        Largest resident memory, in bytes.
    outside
        Paths outside its folder that it would have written to.
    left
        Temporary files that it left.
    """

    code: int | None
    signal: str
    seconds: float
    memory: int
    out: str
    err: str
    outside: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def run_command(arguments: list[str]) -> object:
    """Run `cmarlsim` with `arguments`, or a script of `analysis`, as a shell would."""
    name = arguments[0] if arguments else ""
    if name.startswith("analysis."):
        path = ROOT / Path(*name.split("."))
        sys.argv = [str(path), *arguments[1:]]
        runpy.run_path(str(path / "__main__.py" if path.is_dir() else f"{path}.py"), run_name="__main__")
    elif name == "sweep-here":  # what `sweep run` does, in this process
        command(_sweep_here, arguments[1:])
    else:
        start(_application(), arguments or ["--help"])
    return 0


def _sweep_here(out: Path) -> int:
    with ThreadPoolExecutor(1) as executor:
        return len(run_sweep(out, executor).failed)


@cache
def _application() -> Any:
    """All commands, made ready once by the parent; that takes longer than most of them."""
    return typer.main.get_command(cmarlsim.__main__._application())


def forked(action: Callable[[], object], notes: Path, seconds: int = SECONDS) -> Ended:
    """Call `action` in a forked child with limits, and tell how that ended.

    Parameters
    ----------
    notes
        Folder for what the child says and for its temporary files. Besides these, it may write to the working
        directory and to the cache of kernels.
    """
    temporary = notes / "temporary"
    temporary.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_child(action, notes, temporary, seconds)
    _, status, usage = os.wait4(child, 0)
    took = time.monotonic() - began
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what it began and did not end
    code = os.waitstatus_to_exitcode(status)
    outside = (notes / "outside").read_text(errors="replace").split("\n")[:-1]
    return Ended(
        code if code >= 0 else None,
        signal.Signals(-code).name if code < 0 else "",
        took,
        usage.ru_maxrss * 1024,
        _head(notes / "stdout"),
        _head(notes / "stderr"),
        tuple(dict.fromkeys(outside)),
        tuple(sorted(path.name for path in temporary.iterdir())),
    )


def _head(path: Path, most: int = 20_000_000) -> str:
    with path.open(errors="replace") as file:
        return file.read(most)


def _be_child(action: Callable[[], object], notes: Path, temporary: Path, seconds: int) -> None:
    code: object = 70
    try:
        os.setsid()
        faulthandler.disable()
        sink = os.O_RDWR | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(notes / name, sink), number)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace")
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (2 * seconds, 2 * seconds + 5))
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        os.environ["TMPDIR"], tempfile.tempdir = str(temporary), None
        _guard_outside(os.open(notes / "outside", sink), (Path.cwd(), temporary, cache_folder().parent))
        gc.freeze()
        code = action()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    number = code if isinstance(code, int) else int(code is not None)
    ctypes.CDLL(
        h5py.h5.__file__
    ).H5close()  # as it happens at the end of a process; a damaged file may not like it
    os._exit(number & 255)


def _guard_outside(report: int, allowed: Iterable[Path]) -> None:
    """Note and refuse whatever would write, make, move or remove anything outside the folders `allowed`."""
    roots = [*map(os.path.realpath, allowed), "/dev/shm"]

    def guard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = (isinstance(flags, int) and flags & _WRITING) or (mode and set(mode) & set("wax+"))
            places = [os.path.realpath(path)] if writes and not isinstance(path, int) else []
            places = [place for place in places if place not in ("/dev/null", "/dev/tty")]
        else:
            places = [_in_real_folder(path) for path in arguments[: _CHANGES.get(event, 0)]]
        for place in map(os.fsdecode, places):
            if not any(place == root or place.startswith(f"{root}/") for root in roots):
                os.write(report, f"{event} {place}\n".encode(errors="replace"))
                raise PermissionError(errno.EPERM, "is outside the folder of this case", place)

    sys.addaudithook(guard)


def _in_real_folder(path: Any) -> str:
    """A path whose folder, but not the last part, is freed of symbolic links."""
    folder, name = os.path.split(os.fsdecode(path))
    return os.path.join(os.path.realpath(folder), name)
