"""Several runs at once, one process a core."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from cmarlsim.api import execute
from cmarlsim.notes import notes_on_stderr
from cmarlsim.policies.policy import Policy
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.runs import Writing

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
    links: str
    writing: Writing


def run_tasks(tasks: Sequence[Task], progress: Callable[[int], bool]) -> None:
    """Run tasks, each into its own file.

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
        # Workers inherit the mask: signals are for this process, which tells them to stop.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        waiting: set[Future[None]] = {pool.submit(_run_in_worker, task) for task in tasks}
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
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
        links=task.links,
        progress=progress,
        **task.writing,
    ).close()


_stop: Event
_done: Any
_running = threading.Lock()


def _begin_worker(stop: Event, done: Any) -> None:
    global _stop, _done
    warnings.simplefilter("ignore")  # the parent has shown them
    notes_on_stderr()
    _stop, _done = stop, done
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """When the parent has died, stop at the next chunk, so that the recording is whole, and end."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        _stop.set()
        _running.acquire()
        os._exit(1)


def _run_in_worker(task: Task) -> None:
    def progress(rollouts: int) -> bool:
        _done.put(rollouts)
        return not _stop.is_set()

    with _running:
        _run(task, progress)
