"""What Python users call; the commands call it too."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import overload

from cmarlsim.checkpoint import checkpoint_of, restore, save
from cmarlsim.errors import InputError, is_whole
from cmarlsim.execution import STEPS, Run, chunk_size, whole_rollouts
from cmarlsim.hdf5 import check_free
from cmarlsim.learning.policy import Policy
from cmarlsim.learning.recipe import Recipe
from cmarlsim.memory import check_record_memory, record_bytes
from cmarlsim.randomness import check_seed
from cmarlsim.recorder import MemoryRecorder, Recorder
from cmarlsim.recording import Recording, choose_links
from cmarlsim.scenario import Scenario
from cmarlsim.training import DivergedError, Training

Progress = Callable[[int], bool]

_BLOCK = 25
_CHECKPOINT_SECONDS = 10.0


@overload
def execute(
    scenario: Scenario,
    policy: Policy,
    steps: int | None = None,
    seed: int = 0,
    *,
    out: str | Path | None = None,
    record: str = "step",
    links: str = "auto",
    force: bool = False,
    progress: Progress = lambda rollouts: True,
) -> Recording: ...


@overload
def execute(
    scenario: Scenario,
    policy: Policy,
    steps: int | None = None,
    *,
    seeds: Sequence[int],
    record: str = "step",
    links: str = "auto",
    progress: Progress = lambda rollouts: True,
) -> list[Recording]: ...


def execute(
    scenario: Scenario,
    policy: Policy,
    steps: int | None = None,
    seed: int = 0,
    *,
    seeds: Sequence[int] | None = None,
    out: str | Path | None = None,
    record: str = "step",
    links: str = "auto",
    force: bool = False,
    progress: Progress = lambda rollouts: True,
) -> Recording | list[Recording]:
    """Run Algorithm 2.

    Parameters
    ----------
    scenario, policy
        The policy must fit the scenario.
    steps
        Length of the run, a multiple of T0; by default 40,000, rounded up to whole rollouts.
    seed
        Same scenario, policy and seed: same bits.
    seeds
        Instead of `seed`: a run with each of these, spread over the cores as by `execute_batch`.
    out
        HDF5 file to write as the run goes; by default the recording stays in memory, as it does with `seeds`.
    record
        How much is kept: ``step``, ``rollout`` or ``summary``.
    links
        How level ``step`` keeps links: as matrices (``dense``), as those that change (``sparse``), or
        ``auto``, which is dense up to 64 agents.
    force
        Replace an existing file.
    progress
        Called after every chunk with the number of rollouts in it; the run ends early where it returns False.

    Returns
    -------
    Recording, or with `seeds` a list of them

    Raises
    ------
    InputError
        If anything does not fit or `out` cannot be written.

    Examples
    --------
    >>> import cmarlsim
    >>> scenario, policy = cmarlsim.Scenario.load("tiny"), cmarlsim.Policy.load("rank")
    >>> recording = cmarlsim.execute(scenario, policy, steps=1000)
    >>> recording.position.shape, recording.satisfaction().shape
    ((1000, 2, 2), (3,))
    >>> runs = cmarlsim.execute(scenario, policy, steps=1000, seeds=range(5), record="summary")
    >>> [run.seed for run in runs]
    [0, 1, 2, 3, 4]
    """
    if seeds is not None:
        if out is not None or seed != 0:
            raise InputError("seeds: give no seed beside them, and no out: the recordings stay in memory")
        batch = [(scenario, policy, each) for each in seeds]
        return execute_batch(batch, steps, record=record, links=links, progress=progress)
    _check_kinds(scenario, policy)
    rollouts = whole_rollouts(steps, scenario.dual.T0)
    sparse = choose_links(scenario, rollouts * scenario.dual.T0, record, links)
    run = Run(scenario, policy, seed)
    if out is None:
        check_record_memory([record_bytes(scenario, rollouts * scenario.dual.T0, record, sparse)])
        keeper = MemoryRecorder(scenario, seed, policy.sha256, record, sparse, rollouts)
        return _keep(run, rollouts, keeper, chunk_size(scenario, record == "step"), progress)
    check_free(Path(out), force)
    recorder = Recorder(Path(out), scenario, seed, policy.sha256, record, sparse, force)
    return _record(run, rollouts, recorder, progress)


def _check_kinds(scenario: object, policy: object) -> None:
    if not (isinstance(scenario, Scenario) and isinstance(policy, Policy)):
        raise InputError(
            f"scenario = {scenario!r:.40}, policy = {policy!r:.40}: must be a Scenario and a Policy, such as "
            "Scenario.load and Policy.load give"
        )


def _keep(run: Run, rollouts: int, keeper: MemoryRecorder, size: int, progress: Progress) -> Recording:
    """Run in memory, in chunks of `size` rollouts."""
    for first in range(0, rollouts, size):
        keeper.append(run.fill(keeper.room(min(size, rollouts - first))))
        if progress(min(size, rollouts - first)) is False:
            break
    return keeper.finish()


def _record(run: Run, rollouts: int, recorder: Recorder, progress: Progress) -> Recording:
    """Run into a file."""
    try:
        for trace in run.chunks(rollouts, recorder.level == "step", sparse=recorder.sparse):
            recorder.append(trace)
            if progress(len(trace.lam)) is False:
                break
    finally:
        recorder.discard()
    return recorder.finish()


def execute_batch(
    batch: Iterable[tuple[Scenario, Policy, int]],
    steps: int | None = None,
    *,
    record: str = "summary",
    links: str = "auto",
    threads: int | None = None,
    progress: Progress = lambda rollouts: True,
) -> list[Recording]:
    """Run Algorithm 2 many times at once, in memory.

    Parameters
    ----------
    batch
        Scenario, policy and seed of every run. All may differ: thresholds, ranges, buildings, teams.
    steps, record, links
        As for `execute`.
    threads
        Runs at a time; by default as many as there are cores. It never changes a result.
    progress
        Called after every chunk of any run, with the number of rollouts in it, from one thread at a time; all
        runs end early where it returns False.

    Returns
    -------
    list of Recording, in the order of `batch`

    Raises
    ------
    InputError
        If a run does not fit, and then the others are stopped, or `threads` is less than 1.

    Examples
    --------
    >>> import cmarlsim
    >>> policy = cmarlsim.Policy.load("paper")
    >>> radios = [cmarlsim.Scenario.load("paper", [f"links.d={d}"]) for d in (3, 5)]
    >>> runs = cmarlsim.execute_batch([(radio, policy, 0) for radio in radios], steps=2000)
    >>> [float(run.scenario.links.d) for run in runs]
    [3.0, 5.0]
    """
    if threads is not None and not (is_whole(threads) and threads >= 1):
        raise InputError(f"threads = {threads!r}: must be a whole number, 1 or more")
    batch = list(batch)
    going, turn = True, threading.Lock()

    def report(rollouts: int) -> bool:
        nonlocal going
        with turn:
            going = going and progress(rollouts) is not False
        return going

    def one(scenario: Scenario, policy: Policy, seed: int) -> Recording:
        return execute(scenario, policy, steps, seed, record=record, links=links, progress=report)

    sizes = []
    for scenario, policy, _ in batch:
        _check_kinds(scenario, policy)
        sparse = choose_links(scenario, 0, record, links)
        sizes.append(record_bytes(scenario, steps or STEPS, record, sparse))
        _ = scenario.site  # once each, and not in two threads at a time
    check_record_memory(sizes)
    with ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool:
        futures = [pool.submit(one, *run) for run in batch]
        try:
            return [future.result() for future in futures]
        except BaseException:
            going = False
            pool.shutdown(cancel_futures=True)
            raise


def learn(
    scenario: Scenario,
    seed: int = 0,
    *,
    recipe: Recipe | None = None,
    out: str | Path | None = None,
    force: bool = False,
    progress: Callable[[Training], bool] = lambda training: True,
) -> Policy:
    """Train a team's policy, in the stages of a recipe: Algorithm 1, then in the loop.

    Parameters
    ----------
    scenario, seed, recipe
        Same ones: same bits, on one processor type and set of versions; also after a stop and a resume.
    out
        HDF5 file to write. While training goes on, its state is kept in ``OUT.checkpoint``; where one is
        found, training continues from it.
    force
        Replace an existing `out`.
    progress
        Called every few iterations with the `Training`; it stops, resumable, where that returns False.

    Returns
    -------
    Policy
        The iterate with the largest smallest margin under gossip on validation seeds, so far.

    Raises
    ------
    InputError
        If `out` cannot be written, the checkpoint is of another training, or training diverges; the last good
        parameters are then in `out`.
    """
    check_seed(seed)
    training = Training(scenario, seed, recipe or Recipe())
    path = None if out is None else Path(out)
    if path is not None:
        check_free(path, force)
        if checkpoint_of(path).exists():
            restore(training, checkpoint_of(path))
    going, saved = True, time.monotonic()
    while going and not training.finished:
        _advance(training, path)
        going = progress(training) is not False
        if path is not None and (not going or time.monotonic() - saved > _CHECKPOINT_SECONDS):
            save(training, checkpoint_of(path))
            saved = time.monotonic()
    policy = training.policy()
    if path is not None and training.finished:
        policy.save(path)
        checkpoint_of(path).unlink(missing_ok=True)
    return policy


def _advance(training: Training, path: Path | None) -> None:
    """Advance a training; if it diverges, save what was good."""
    try:
        training.advance(_BLOCK)
    except DivergedError as error:
        if path is None:
            raise
        training.policy().save(path)
        checkpoint_of(path).unlink(missing_ok=True)
        raise DivergedError(f"{error}; the last good parameters are in {path}") from None
