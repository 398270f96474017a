"""Several runs at once, one process a core."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from cmarlsim.api import execute
from cmarlsim.learning.policy import Policy
from cmarlsim.scenario import Scenario

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Task:
    """One run: its seed and the file it is recorded in."""

    scenario: Scenario
    policy: Policy
    steps: int
    seed: int
    out: Path
    record: str


def run_tasks(tasks: Sequence[Task], progress: Callable[[int], bool]) -> None:
    """Run tasks, each into its own file, which is replaced if it exists.

    Parameters
    ----------
    tasks
        A single one runs in this process, more are spread over the cores.
    progress
        Called with the number of rollouts done since the last call; where it returns False, all runs end
        at their next chunk.

    Raises
    ------
    InputError
        The first that a run raised.
    """
    if len(tasks) == 1:
        _run(tasks[0], progress)
        return
    context = multiprocessing.get_context("spawn")
    stop, done = context.Event(), context.SimpleQueue()
    workers = min(len(tasks), len(os.sched_getaffinity(0)))
    with ProcessPoolExecutor(workers, context, _begin_worker, (stop, done)) as pool:
        waiting: set[Future[None]] = {pool.submit(_run_in_worker, task) for task in tasks}
        futures = set(waiting)
        while waiting:
            waiting = wait(waiting, timeout=_POLL_SECONDS).not_done
            rollouts = 0
            while not done.empty():
                rollouts += done.get()
            if not progress(rollouts):
                stop.set()
                for future in waiting:
                    future.cancel()
        for future in futures:
            if not future.cancelled():
                future.result()


def _run(task: Task, progress: Callable[[int], bool]) -> None:
    execute(
        task.scenario,
        task.policy,
        task.steps,
        task.seed,
        out=task.out,
        record=task.record,
        force=True,
        progress=progress,
    ).close()


_stop: Event
_done: Any


def _begin_worker(stop: Event, done: Any) -> None:
    global _stop, _done
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _stop, _done = stop, done


def _run_in_worker(task: Task) -> None:
    def progress(rollouts: int) -> bool:
        _done.put(rollouts)
        return not _stop.is_set()

    _run(task, progress)
