"""What Python users call; the commands call it too."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, TypeGuard, overload

from cmarlsim.errors import ArgumentError, InputError, is_whole
from cmarlsim.limits import MOST_RUNS
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import check_seed
from cmarlsim.recordings.datasets import check_record, choose_links
from cmarlsim.recordings.memory_recorder import MemoryRecorder
from cmarlsim.recordings.recorder import CHECKPOINT_SECONDS, Recorder, Resume
from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run, whole_rollouts
from cmarlsim.simulation.memory_limits import check_record_memory, check_rollout_memory, record_bytes
from cmarlsim.simulation.progress import Progress, shown
from cmarlsim.simulation.runs import Writing, check_writing, run_in_memory, run_into_file
from cmarlsim.storage.files import as_path
from cmarlsim.storage.outputs import check_free
from cmarlsim.validation import names_checked


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
    progress: Progress | bool = False,
    force: bool = False,
    resume: Resume = False,
    checkpoint: float = CHECKPOINT_SECONDS,
) -> Recording: ...


@overload
def execute(
    scenario: Scenario,
    policy: Policy,
    steps: int | None = None,
    *,
    seeds: Iterable[int],
    record: str = "step",
    links: str = "auto",
    progress: Progress | bool = False,
) -> list[Recording]: ...


@names_checked
def execute(
    scenario: Scenario,
    policy: Policy,
    steps: int | None = None,
    seed: int = 0,
    *,
    seeds: Iterable[int] | None = None,
    out: str | Path | None = None,
    record: str = "step",
    links: str = "auto",
    progress: Progress | bool = False,
    force: bool = False,
    resume: Resume = False,
    checkpoint: float = CHECKPOINT_SECONDS,
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
        Instead of `seed`: a run with each of these, such as ``range(20)``, spread over the cores as by
        `execute_batch`.
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
        True shows on stderr how far the run is. Or a function, which is called after every chunk with the
        number of rollouts in it; the run ends early where it returns False. A run that is continued begins
        with a call for the rollouts that are there.
    force
        Replace an existing `out`, and forget what a killed run has left.
    resume
        Continue the run whose `out` or journal is there, up to `steps`: its file will be that of a run that
        was never interrupted, bit for bit. ``auto`` begins where there is nothing to continue, and does
        nothing where all is done: it can be called again until it succeeds. What is there must be of the
        same scenario, policy, seed, level of recording and versions.
    checkpoint
        Seconds of work that may be lost when the process is killed, 10 by default (or one rollout, if that
        takes longer). The end of the process in an orderly way loses nothing.

    Returns
    -------
    Recording, or with `seeds` a list of them

    Raises
    ------
    ArgumentError
        If an argument has a value that it cannot have, or `out` cannot be written.
    MisfitError
        If the policy does not fit the scenario, or what is to be continued is of another run; the message
        names the keys that differ.
    LockedError
        If another process is writing `out`.
    DamagedError
        If what is to be continued is damaged.
    InputError
        The class of all these, and of what else can be said, such as too little memory.

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
    _check_kinds(scenario, policy)
    check_writing(out, force=force, resume=resume, checkpoint=checkpoint)
    if seeds is not None:
        if out is not None or seed != 0 or force:
            raise InputError("seeds: give no seed beside them, and no out: the recordings stay in memory")
        if isinstance(seeds, str | bytes) or not _can_be_listed(seeds):
            raise ArgumentError("seeds", seeds, "must be whole numbers, such as range(5)")
        batch = ((scenario, policy, each) for each in seeds)
        return execute_batch(batch, steps, record=record, links=links, progress=progress)
    rollouts = whole_rollouts(steps, scenario.dual.T0)
    check_record(record)
    sparse = choose_links(scenario, rollouts * scenario.dual.T0, record, links)
    report = shown(progress, scenario.name, rollouts)
    run = Run(scenario, policy, seed)
    if out is None:
        check_record_memory([record_bytes(scenario, rollouts * scenario.dual.T0, record, sparse)])
        keeper = MemoryRecorder(scenario, seed, policy.sha256, record, sparse, rollouts)
        return run_in_memory(run, rollouts, keeper, report)
    check_rollout_memory(scenario, record, sparse)
    path, writing = as_path("out", out), Writing(force=force, resume=resume, checkpoint=checkpoint)
    check_free(path, bool(force or resume))
    return run_into_file(
        run, rollouts, Recorder(path, scenario, policy, seed, record, sparse, **writing), report
    )


def _check_kinds(scenario: object, policy: object) -> None:
    if not isinstance(scenario, Scenario):
        raise ArgumentError("scenario", scenario, "must be a Scenario, such as Scenario.load gives")
    if not isinstance(policy, Policy):
        raise ArgumentError("policy", policy, "must be a Policy, such as Policy.load gives")


@names_checked
def execute_batch(
    batch: Iterable[tuple[Scenario, Policy, int]],
    steps: int | None = None,
    *,
    record: str = "summary",
    links: str = "auto",
    threads: int | None = None,
    progress: Progress | bool = False,
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
        As for `execute`; a function is called after every chunk of any run, from one thread at a time, and
        all runs end early where it returns False.

    Returns
    -------
    list of Recording, in the order of `batch`

    Raises
    ------
    InputError
        As `execute`, if one of the runs cannot be done; then the others are stopped.

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
        raise ArgumentError("threads", threads, "must be a whole number, 1 or more")
    batch, rollouts = _checked(batch), 0
    check_record(record)
    sizes = []
    for scenario, _, _ in batch:
        K, T0 = whole_rollouts(steps, scenario.dual.T0), scenario.dual.T0
        sizes.append(record_bytes(scenario, K * T0, record, choose_links(scenario, K * T0, record, links)))
        rollouts += K
        _ = scenario.site  # once each, and not in two threads at a time
    check_record_memory(sizes)
    told, going, turn = shown(progress, f"{len(batch)} runs", rollouts), True, threading.Lock()

    def report(rollouts: int) -> bool:
        nonlocal going
        with turn:
            going = going and told(rollouts) is not False
        return going

    def one(scenario: Scenario, policy: Policy, seed: int) -> Recording:
        return execute(scenario, policy, steps, seed, record=record, links=links, progress=report)

    with ThreadPoolExecutor(threads or len(os.sched_getaffinity(0))) as pool:
        futures = [pool.submit(one, *run) for run in batch]
        try:
            return [future.result() for future in futures]
        except BaseException:
            going = False
            pool.shutdown(cancel_futures=True)
            raise


def _can_be_listed(values: object) -> TypeGuard[Iterable[Any]]:
    """Whether there is one value after another; arrays without dimensions only look so."""
    return isinstance(values, Iterable) and getattr(values, "shape", None) != ()


def _checked(batch: object) -> list[tuple[Scenario, Policy, int]]:
    """The runs of a batch; InputError if one is no scenario, policy and seed, or there are too many."""
    runs: list[Any] = list(islice(batch, MOST_RUNS + 1)) if _can_be_listed(batch) else [batch]
    if len(runs) > MOST_RUNS:
        raise InputError(f"more than {MOST_RUNS:,} runs at once: give fewer seeds, or a shorter batch")
    for run in runs:
        if not (isinstance(run, Sequence) and len(run) == 3):
            raise ArgumentError("batch", run, "must be tuples of a scenario, a policy and a seed")
        _check_kinds(*run[:2])
        check_seed(run[2])
    return runs
