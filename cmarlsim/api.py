"""What Python users call; the commands call it too."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Unpack, overload

from cmarlsim.errors import DivergedError, InputError, is_whole
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import check_seed
from cmarlsim.recordings.memory_recorder import MemoryRecorder
from cmarlsim.recordings.recorder import CHECKPOINT_SECONDS, Recorder
from cmarlsim.recordings.recording import Recording, choose_links
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import STEPS, Run, whole_rollouts
from cmarlsim.simulation.memory_limits import check_record_memory, record_bytes
from cmarlsim.simulation.runs import Progress, Writing, check_writing, run_in_memory, run_into_file
from cmarlsim.storage.hdf5 import check_free
from cmarlsim.training import Training
from cmarlsim.training.checkpoint import already_made, checkpoint_of, go_on, save
from cmarlsim.training.recipe import Recipe

_BLOCK = 25


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
    progress: Progress = lambda rollouts: True,
    **writing: Unpack[Writing],
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
    progress: Progress = lambda rollouts: True,
    **writing: Unpack[Writing],
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
        HDF5 file to write; by default the recording stays in memory, as it does with `seeds`. The file
        appears whole when the run ends. Until then ``OUT.journal`` has what was run, and it stays if the
        process is killed or the disk is full.
    record
        How much is kept: ``step``, ``rollout`` or ``summary``.
    links
        How level ``step`` keeps links: as matrices (``dense``), as those that change (``sparse``), or
        ``auto``, which is dense up to 64 agents.
    progress
        Called after every chunk with the number of rollouts in it; the run ends early where it returns False.
        A run that is continued begins with a call for the rollouts that are there.
    force : bool
        Replace an existing `out`, and forget what a killed run has left.
    resume : bool or "auto"
        Continue the run whose `out` or journal is there, up to `steps`: its file will be that of a run that
        was never interrupted, bit for bit. ``auto`` begins where there is nothing to continue, and does
        nothing where all is done: it can be called again until it succeeds. What is there must be of the
        same scenario, policy, seed, level of recording and versions.
    checkpoint : float
        Seconds of work that may be lost when the process is killed, 10 by default (or one rollout, if that
        takes longer). The end of the process in an orderly way loses nothing.

    Returns
    -------
    Recording, or with `seeds` a list of them

    Raises
    ------
    InputError
        If anything does not fit, `out` cannot be written or another process is writing it, or what is there
        cannot be continued; where it is of another run, the keys that differ are named.

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
    check_writing(out, **writing)
    sparse = choose_links(scenario, rollouts * scenario.dual.T0, record, links)
    run = Run(scenario, policy, seed)
    if out is None:
        check_record_memory([record_bytes(scenario, rollouts * scenario.dual.T0, record, sparse)])
        keeper = MemoryRecorder(scenario, seed, policy.sha256, record, sparse, rollouts)
        return run_in_memory(run, rollouts, keeper, progress)
    check_free(Path(out), bool(writing.get("force") or writing.get("resume")))
    recorder = Recorder(Path(out), scenario, policy, seed, record, sparse, **writing)
    return run_into_file(run, rollouts, recorder, progress)


def _check_kinds(scenario: object, policy: object) -> None:
    if not (isinstance(scenario, Scenario) and isinstance(policy, Policy)):
        raise InputError(
            f"scenario = {scenario!r:.40}, policy = {policy!r:.40}: must be a Scenario and a Policy, such as "
            "Scenario.load and Policy.load give"
        )


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
    checkpoint: float = CHECKPOINT_SECONDS,
    progress: Callable[[Training], bool] = lambda training: True,
) -> Policy:
    """Train a team's policy, in the stages of a recipe: Algorithm 1, then in the loop.

    Parameters
    ----------
    scenario, seed, recipe
        Same ones: same bits, on one processor type and set of versions; also after a stop and a resume.
    out
        HDF5 file to write. While training goes on, its state is kept in ``OUT.checkpoint``; where one is
        found, training continues from it. Where this training's policy is there already, nothing is done.
    force
        Replace an existing `out`.
    checkpoint
        Seconds of work that may be lost when the process is killed (or one iteration, if that takes longer).
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
        if not force and (made := already_made(training, path)):
            return made
        go_on(training, path, force)
        save(training, checkpoint_of(path))  # that it can be written is known before any work is done
    going, block = True, _BLOCK
    saved = now = time.monotonic()
    while going and not training.finished:
        began = now
        _advance(training, path, block)
        going = progress(training) is not False
        now = time.monotonic()
        if now - began > checkpoint:
            block = max(1, block // 2)
        if path is not None and (not going or now - saved + (now - began) > checkpoint):
            save(training, checkpoint_of(path))
            saved = now
    policy = training.policy()
    if path is not None and training.finished:
        policy.save(path)
        checkpoint_of(path).unlink(missing_ok=True)
    return policy


def _advance(training: Training, path: Path | None, iterations: int) -> None:
    """Advance a training; if it diverges, save what was good."""
    try:
        training.advance(iterations)
    except DivergedError as error:
        if path is None:
            raise
        training.policy().save(path)
        checkpoint_of(path).unlink(missing_ok=True)
        raise DivergedError(f"{error}; the last good parameters are in {path}") from None
