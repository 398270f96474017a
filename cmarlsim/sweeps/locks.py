"""Locks: who works on which batch, on one machine or on many that share a folder.

A lock is a file that exists. It says who holds it, and its holder touches it every few seconds. It spares
work and guards nothing: a task has the same bits whoever runs it, and results are published as whole files,
so two processes that both believe to hold a lock do harm to nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from cmarlsim.storage.files import scratch_name, take

HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 120.0
"""A lock not touched for so long is nobody's. Network file systems keep times in a cache for less."""

LEFT_SECONDS = 3600.0
"""A scratch file that was not written to for so long is nobody's."""

JOB_VARIABLE = "CMARLSIM_SWEEP_JOB"
"""Environment variable that names the element of a Slurm array."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Attributes
    ----------
    space
        The kernel's boot and its space of process numbers: within one, numbers can be compared.
    started
        When the process began, in the kernel's ticks; a number may be used again.
    job
        The element of a Slurm array, which is in one place at a time: it was put back and came to another.
    """

    host: str
    space: str
    pid: int
    started: str
    job: str
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def here(cls) -> Holder:
        """The process that asks."""
        return cls(socket.gethostname(), _space(), os.getpid(), _start_of(os.getpid()), _job())

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}" + (f" (Slurm job {self.job})" if self.job else "")

    def gone(self) -> bool | None:
        """Whether the holder is known to have ended; None if that cannot be known here."""
        if self.space and self.space == _space():
            return _start_of(self.pid) != self.started
        return True if self.job and self.job == _job() else None


@cache
def _space() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _start_of(pid: int) -> str:
    """When a process began; empty if there is none, or it only waits to be buried."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if words[0] in "ZX" else words[19]


def _job() -> str:
    return os.environ.get(JOB_VARIABLE, "")


def lock_of(out: Path, batch: int) -> Path:
    """Where the lock of a batch of the sweep in `out` is."""
    return out / "locks" / f"{batch:06d}.lock"


def holder_of(path: Path) -> Holder | None:
    """Who holds the lock at `path`; None if nobody does, or what is there cannot be read."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def stale(path: Path) -> bool:
    """Whether the holder of a lock has ended.

    Processes of this machine can be looked for. Of others the lock's age tells: both times are of the file
    system's clock, so that the clocks of machines may be wrong.
    """
    holder = holder_of(path)
    gone = holder.gone() if holder else None
    if gone is not None:
        return gone
    return abs(age(path)) > STALE_SECONDS


def age(path: Path) -> float:
    """Seconds since a file was touched, by the clock of its file system; 0 if there is none."""
    probe = scratch_name(path)
    try:
        probe.touch()
        now = os.stat(probe).st_mtime
        with path.open("rb") as file:  # opening asks the server anew
            return now - os.fstat(file.fileno()).st_mtime
    except OSError:
        return 0.0
    finally:
        probe.unlink(missing_ok=True)


def sweep_out(folder: Path) -> None:
    """Remove what processes that were killed have left: scratch files that nobody wrote to for an hour."""
    for path in folder.glob(".*.tmp"):
        if age(path) > LEFT_SECONDS:
            path.unlink(missing_ok=True)


@contextmanager
def lock(path: Path) -> Iterator[Holder | None]:
    """Hold a lock; yields None if somebody else does.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """
    me = Holder.here()
    temporary = scratch_name(path)
    try:
        temporary.write_text(json.dumps(asdict(me)), encoding="utf-8")
        got = take(temporary, path) or (_break(path) and take(temporary, path))
    finally:
        temporary.unlink(missing_ok=True)
    if not got:
        yield None
        return
    ended = threading.Event()
    threading.Thread(target=_beat, args=(path, ended), daemon=True).start()
    try:
        yield me
    finally:
        ended.set()
        if holds(path, me):
            path.unlink(missing_ok=True)


def holds(path: Path, me: Holder) -> bool:
    """Whether a lock is still held by `me`, and was not taken for stale while this machine slept."""
    return holder_of(path) == me


def _break(path: Path) -> bool:
    """Remove a lock whose holder has ended; False if it has not, or somebody was faster."""
    before = holder_of(path)
    if not stale(path):
        return not path.exists()
    aside = scratch_name(path)
    try:
        os.rename(path, aside)
    except OSError:
        return False
    if holder_of(aside) != before:  # somebody else removed the stale one, and this is theirs
        take(aside, path)
        aside.unlink(missing_ok=True)
        return False
    aside.unlink(missing_ok=True)
    return True


def _beat(path: Path, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT_SECONDS):
        with contextlib.suppress(OSError):
            os.utime(path)
