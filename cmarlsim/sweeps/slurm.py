"""The engine ``slurm``: batches as elements of a job array. Slurm's commands are called, nothing imported."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cmarlsim.errors import InputError, LockedError, is_whole, shown
from cmarlsim.storage.files import read_text, write_whole
from cmarlsim.sweeps.locks import lock
from cmarlsim.sweeps.manifest import Manifest
from cmarlsim.sweeps.processes import THREAD_VARIABLES
from cmarlsim.validation import json_of, whole

AGAIN = 75
"""Exit code of an element that was stopped by a warning and wants to be put back."""

WARNING_SECONDS = 60
"""So long before its time limit an element is warned."""

MOST_RESTARTS = 100
"""So often is an element put back into the queue before it is given up."""

_SCRIPT = """#!/bin/bash
# An element of a sweep. It watches over one process; where that was warned, or killed, it is queued again.
{directives}
export {variables}
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
        # by this name: the number of the last element's job is that of the whole array
        scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
    fi
fi
exit $code
"""


def _call(program: str, *arguments: str) -> str:
    """What a program of Slurm prints."""
    try:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=120)
    except FileNotFoundError:
        raise InputError(f"{program}: there is no such program here; is Slurm installed?") from None
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
    out : Path
        The sweep's folder.
    """

    def __init__(self, out: Path) -> None:
        self.out, self._manifest = out, Manifest.load(out)
        self._name = f"cmarlsim-{self._manifest.sha256[:12]}"

    def any(self) -> bool:
        """Whether an array was ever submitted from this folder."""
        return any((self.out / "slurm").glob("*.json"))

    def alive(self) -> Counter[str]:
        """Count the elements that wait or run, by their states; InputError if Slurm does not answer."""
        return Counter(state for _, _, state in self._queue())

    def _queue(self) -> Iterator[tuple[str, int, str]]:
        """Ticket, element and state, for each element in the queue that was submitted from this folder."""
        text = _call("squeue", "--noheader", "--array", f"--name={self._name}", "--format=%k %K %T")
        for line in filter(str.strip, text.splitlines()):
            ticket, index, state = [*line.rsplit(maxsplit=2), "", ""][:3]
            if (self.out / "slurm" / f"{ticket}.json").exists():
                yield ticket, _number(index, f"squeue: element of {ticket}"), state

    def batches(self, ticket: str, index: int) -> list[int]:
        """Batches of an element of the array that was submitted under `ticket`; InputError if it has none."""
        path = self.out / "slurm" / f"{ticket}.json"
        try:
            batches = json_of(read_text(path))[index]
            known = range(self._manifest.batches)
            if index < 0 or not all(is_whole(batch) and batch in known for batch in batches):
                raise ValueError(f"{shown(batches)} are no batches of this sweep")
        except InputError:
            raise
        except (ValueError, LookupError, TypeError) as error:
            raise InputError(f"{path}: has no element {index}: {error}") from None
        return list(batches)

    def submit(
        self, batches: Sequence[int], directives: dict[str, Any], tasks: int | None, at_once: int | None
    ) -> tuple[str, int, int] | None:
        """Submit batches, but for those of elements that wait or run already.

        Parameters
        ----------
        directives
            Options of `sbatch` by their names; those that are None are left out.
        tasks
            Tasks of an element of the array, rounded up to whole batches; None for a hundredth of all.
        at_once
            Elements that may run at once; None for no limit.

        Returns
        -------
        (Slurm's id of the array, its elements, their batches), or None if there was nothing to submit

        Raises
        ------
        InputError
            If Slurm refuses, or another process is submitting this sweep.
        """
        folder, ticket = self.out / "slurm", uuid.uuid4().hex[:12]
        with lock(folder / "submit.lock") as held:
            if held is None:
                raise LockedError(f"{self.out}: is being submitted by another process; try again")
            queued = {batch for other, index, _ in self._queue() for batch in self.batches(other, index)}
            rest = [batch for batch in batches if batch not in queued]
            if not rest:
                return None
            elements = _dealt(rest, self._manifest.batch, tasks)
            write_whole(folder / f"{ticket}.json", json.dumps(elements).encode())
            script = folder / f"{ticket}.sbatch"
            limit = f"%{at_once}" if at_once else ""
            own = {"comment": ticket, "array": f"0-{len(elements) - 1}{limit}"}
            write_whole(script, self._script(ticket, own | directives).encode())
            array = _call("sbatch", "--parsable", str(script)).strip().partition(";")[0]
        return array, len(elements), len(rest)

    def _script(self, ticket: str, directives: Mapping[str, Any]) -> str:
        out = self.out.resolve()
        directives = {
            "job-name": self._name,
            **directives,
            "ntasks": 1,
            "cpus-per-task": 1,
            "signal": f"B:USR1@{WARNING_SECONDS}",
            "open-mode": "append",
            "output": f"{out / 'slurm'}".replace("%", "%%") + "/%A_%a.log",
        }
        lines = [f"#SBATCH --{name}={shlex.quote(str(value))}" for name, value in directives.items() if value]
        command = (sys.executable, "-m", "cmarlsim.sweep", "element", str(out), ticket)
        return _SCRIPT.format(
            directives="\n".join([*lines, "#SBATCH --requeue"]),
            variables=" ".join(f"{name}=1" for name in THREAD_VARIABLES),
            command=shlex.join(command),
            again=AGAIN,
            restarts=MOST_RESTARTS,
        )


def _number(text: str, what: str) -> int:
    try:
        return whole(text)
    except ValueError as error:
        raise InputError(f"{what}: {error}") from None


def element_here() -> tuple[int, int]:
    """Which element of a job array this process is, and how often it was put back into the queue.

    Raises
    ------
    InputError
        If Slurm's variables are no numbers.
    """
    index, restarts = (
        _number(os.environ.get(name, "0"), name) for name in ("SLURM_ARRAY_TASK_ID", "SLURM_RESTART_COUNT")
    )
    return index, restarts


def _dealt(batches: Sequence[int], size: int, tasks: int | None) -> list[list[int]]:
    """Batches of each element: so many that they have `tasks` tasks."""
    count = -(-tasks // size) if tasks else -(-len(batches) // 100)
    return [list(batches[i : i + count]) for i in range(0, len(batches), count)]
