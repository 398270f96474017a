"""The engine ``slurm``: batches as elements of a job array. Slurm's commands are called, nothing imported."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmarlsim.errors import InputError
from cmarlsim.storage.files import write_whole
from cmarlsim.sweeps.local import THREAD_VARIABLES
from cmarlsim.sweeps.locks import JOB_VARIABLE, lock
from cmarlsim.sweeps.manifest import Manifest

AGAIN = 75
"""Exit code of an element that was stopped by a warning and wants to be put back."""

WARNING_SECONDS = 60
"""So long before its time limit an element is warned."""

LEAST_SECONDS = 180
"""Shortest time limit: Slurm may warn a minute earlier than it was told."""

MOST_RESTARTS = 100
"""So often is an element put back into the queue before it is given up."""

_SCRIPT = """#!/bin/bash
# An element of a sweep. It watches over one process; where that was warned, or killed, it is queued again.
{directives}
export {variables}
export {job}="${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
{command} &
worker=$!
warned=no
trap 'warned=yes; kill -TERM $worker 2>/dev/null' USR1
trap 'kill -TERM $worker 2>/dev/null' TERM
wait $worker; code=$?
while [ $code -gt 128 ] && kill -0 $worker 2>/dev/null; do wait $worker; code=$?; done
if [ $code -eq 138 ] || [ $code -eq 143 ]; then wait $worker; code=$?; fi  # the trap ended the first wait
if {{ [ $warned = yes ] && [ $code -eq {again} ]; }} || [ $code -eq 137 ]; then
    if [ "${{SLURM_RESTART_COUNT:-0}}" -lt {restarts} ]; then
        echo "back into the queue (exit code $code)"
        scontrol requeue "${{{job}}}"  # the number of the last element's job is that of the whole array
    fi
fi
exit $code
"""


@dataclass(frozen=True)
class Wishes:
    """What is asked of Slurm.

    Attributes
    ----------
    per_element
        Tasks of an element of the array, rounded up to whole batches; None for a hundredth of all.
    max_parallel
        Elements that may run at once.
    """

    partition: str | None = None
    account: str | None = None
    time: str = "01:00:00"
    memory: str = "2G"
    per_element: int | None = None
    max_parallel: int | None = None

    def __post_init__(self) -> None:
        seconds = seconds_of(self.time)
        if seconds is None:
            raise InputError(f"--time {self.time}: must be MINUTES, HOURS:MINUTES:SECONDS or DAYS-HOURS")
        if seconds < LEAST_SECONDS:
            raise InputError(
                f"--time {self.time}: must be at least {LEAST_SECONDS // 60} minutes: "
                f"elements are warned {WARNING_SECONDS} s before, and go back into the queue"
            )


def seconds_of(limit: str) -> int | None:
    """Seconds of a time limit as Slurm reads it; None if it is none."""
    found = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", limit)
    if not found:
        return None
    days, *rest = (None if part is None else int(part) for part in found.groups())
    parts = [part for part in rest if part is not None]
    units = (3600, 60, 1) if days is not None or len(parts) == 3 else (60, 1)
    return 86400 * (days or 0) + sum(part * unit for part, unit in zip(parts, units, strict=False))


def call(program: str, *arguments: str) -> str:
    """What a program of Slurm prints.

    Raises
    ------
    InputError
        If it is not installed, or fails.
    """
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=120)
    except FileNotFoundError:
        raise InputError(f"--engine slurm: there is no '{program}' here; use --engine local") from None
    except subprocess.TimeoutExpired:
        raise InputError(f"{program}: gave no answer in 120 s; is Slurm running?") from None
    if done.returncode:
        raise InputError(
            f"{program} {' '.join(arguments)[:200]}: {done.stderr.strip() or done.stdout.strip()}"
        )
    return done.stdout


class Arrays:
    """The job arrays of a sweep: those that were submitted are noted in its folder.

    Parameters
    ----------
    out
        The sweep's folder.
    """

    def __init__(self, out: Path) -> None:
        self.out, self._manifest = out, Manifest.load(out)

    @property
    def name(self) -> str:
        """Name of the sweep's jobs."""
        return f"cmarlsim-{self._manifest.sha256[:12]}"

    @property
    def any(self) -> bool:
        """Whether an array was ever submitted from this folder."""
        return any((self.out / "slurm").glob("*.json"))

    def alive(self) -> Counter[str]:
        """How many elements are in which state, of those that wait or run."""
        return Counter(state for _, _, state in self._queue())

    def held(self) -> set[int]:
        """Batches of the elements that wait or run."""
        return {batch for ticket, index, _ in self._queue() for batch in self.batches(ticket, index)}

    def _queue(self) -> Iterator[tuple[str, int, str]]:
        """Ticket, element and state, for each element in the queue that was submitted from this folder."""
        text = call("squeue", "--noheader", "--array", f"--name={self.name}", "--format=%k %K %T")
        for line in filter(str.strip, text.splitlines()):
            ticket, index, state = line.rsplit(maxsplit=2)
            if (self.out / "slurm" / f"{ticket}.json").exists():
                yield ticket, int(index), state

    def batches(self, ticket: str, index: int) -> list[int]:
        """Batches of an element; the ticket is what its array was submitted under.

        Raises
        ------
        InputError
            If there is no such element.
        """
        path = self.out / "slurm" / f"{ticket}.json"
        try:
            return [int(batch) for batch in json.loads(path.read_text(encoding="utf-8"))[index]]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise InputError(f"{path}: has no element {index}: {error}") from None

    def submit(self, batches: Sequence[int], wishes: Wishes) -> tuple[str, int, int] | None:
        """Submit batches, but for those of elements that wait or run already.

        Returns
        -------
        (Slurm's id of the array, its elements, their batches), or None if there was nothing to submit

        Raises
        ------
        InputError
            If Slurm refuses, or somebody else is submitting this sweep.
        """
        folder, ticket = self.out / "slurm", uuid.uuid4().hex[:12]
        with lock(folder / "submit.lock") as me:
            if me is None:
                raise InputError(f"{self.out}: is being submitted by another process; try again")
            held = self.held()
            rest = [batch for batch in batches if batch not in held]
            if not rest:
                return None
            elements = _dealt(rest, self._manifest.batch, wishes.per_element)
            self._check_size(len(elements))
            write_whole(folder / f"{ticket}.json", json.dumps(elements).encode())
            script = folder / f"{ticket}.sbatch"
            write_whole(script, self._script(ticket, len(elements), wishes).encode())
            array = call("sbatch", "--parsable", str(script)).strip().partition(";")[0]
        return array, len(elements), len(rest)

    def _check_size(self, elements: int) -> None:
        found = re.search(r"MaxArraySize\s*=\s*(\d+)", call("scontrol", "show", "config"))
        if found and elements >= int(found[1]):
            raise InputError(
                f"{elements:,} elements are more than an array may have here ({int(found[1]) - 1:,}): "
                "raise --tasks-per-element"
            )

    def _script(self, ticket: str, elements: int, wishes: Wishes) -> str:
        out = self.out.resolve()
        parallel = f"%{wishes.max_parallel}" if wishes.max_parallel else ""
        options: dict[str, Any] = {
            "job-name": self.name,
            "comment": ticket,
            "array": f"0-{elements - 1}{parallel}",
            "partition": wishes.partition,
            "account": wishes.account,
            "time": wishes.time,
            "mem": wishes.memory,
            "ntasks": 1,
            "cpus-per-task": 1,
            "signal": f"B:USR1@{WARNING_SECONDS}",
            "open-mode": "append",
            "output": _literal(out / "slurm") + "/%A_%a.log",
        }
        directives = [f"#SBATCH --{name}={_one_line(value)}" for name, value in options.items() if value]
        command = (sys.executable, "-m", "cmarlsim.sweep", "element", str(out), ticket)
        return _SCRIPT.format(
            directives="\n".join([*directives, "#SBATCH --requeue"]),
            variables=" ".join(f"{name}=1" for name in THREAD_VARIABLES),
            job=JOB_VARIABLE,
            command=shlex.join(command),
            again=AGAIN,
            restarts=MOST_RESTARTS,
        )


def _literal(path: Path) -> str:
    """A path in which Slurm finds nothing to fill in."""
    if "\\" in str(path):
        raise InputError(f"{path}: Slurm cannot write below a folder with a backslash in its name; move it")
    return str(path).replace("%", "%%")


def _one_line(value: Any) -> str:
    text = str(value)
    if not text.isprintable():
        raise InputError(f"{text!r}: cannot be an option of sbatch")
    return shlex.quote(text)


def _dealt(batches: Sequence[int], size: int, tasks: int | None) -> list[list[int]]:
    """Batches of each element: so many that they have `tasks` tasks."""
    count = -(-tasks // size) if tasks else -(-len(batches) // 100)
    return [list(batches[i : i + count]) for i in range(0, len(batches), count)]
