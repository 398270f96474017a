"""What Python users call; the commands call it too."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from cmarlsim import floorplan, tiling
from cmarlsim.checkpoint import checkpoint_of, restore, save
from cmarlsim.execution import Run, whole_rollouts
from cmarlsim.hdf5 import check_free
from cmarlsim.kernels.world import TICKS_PER_METRE
from cmarlsim.learning.policy import Policy
from cmarlsim.learning.recipe import Recipe
from cmarlsim.randomness import check_seed
from cmarlsim.recorder import Recorder
from cmarlsim.recording import Recording
from cmarlsim.scenario import Agents, Scenario
from cmarlsim.training import Training
from cmarlsim.validation import parse

HIGHEST_C = 0.85
"""Threshold that `tiled` does not exceed."""

_BLOCK = 25
_CHECKPOINT_SECONDS = 10.0


def execute(
    scenario: Scenario,
    policy: Policy,
    steps: int | None = None,
    seed: int = 0,
    *,
    out: str | Path | None = None,
    record: str = "step",
    force: bool = False,
    progress: Callable[[int], bool] = lambda rollouts: True,
) -> Recording:
    """Run Algorithm 2.

    Parameters
    ----------
    scenario, policy
        The policy must fit the scenario.
    steps
        Length of the run, a multiple of T0; by default 40,000, rounded up to whole rollouts.
    seed
        Same scenario, policy and seed: same bits.
    out
        HDF5 file to write as the run goes; by default the recording stays in memory.
    record
        How much is kept: ``step``, ``rollout`` or ``summary``.
    force
        Replace an existing file.
    progress
        Called after every chunk with the number of rollouts in it; the run ends early where it returns False.

    Raises
    ------
    InputError
        If anything does not fit or `out` cannot be written.

    Examples
    --------
    >>> import cmarlsim
    >>> scenario = cmarlsim.Scenario.load("tiny")
    >>> recording = cmarlsim.execute(scenario, cmarlsim.Policy.load("rank"), steps=1000)
    >>> recording.position.shape, recording.satisfaction().shape
    ((1000, 2, 2), (3,))
    """
    rollouts = whole_rollouts(steps, scenario.dual.T0)
    run = Run(scenario, policy, seed)
    path = None if out is None else Path(out)
    if path is not None:
        check_free(path, force)
    recorder = Recorder(path, scenario, seed, policy.sha256, record, force)
    try:
        for trace in run.chunks(rollouts, keep_steps=record == "step"):
            recorder.append(trace)
            if not progress(len(trace.lam)):
                break
    finally:
        recorder.discard()
    return recorder.finish()


def learn(
    scenario: Scenario,
    seed: int = 0,
    *,
    recipe: Recipe | None = None,
    out: str | Path | None = None,
    force: bool = False,
    progress: Callable[[Training], bool] = lambda training: True,
) -> Policy:
    """Train a policy by Algorithm 1.

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
        If `out` cannot be written, the checkpoint is of another training, or training diverges.
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
        for _ in range(min(_BLOCK, training.total - training.done)):
            training.step()
        going = progress(training)
        if path is not None and (not going or time.monotonic() - saved > _CHECKPOINT_SECONDS):
            save(training, checkpoint_of(path))
            saved = time.monotonic()
    policy = training.policy()
    if path is not None and training.finished:
        policy.save(path)
        checkpoint_of(path).unlink(missing_ok=True)
    return policy


def tiled(
    nx: int, ny: int, N: int, *, speed: float = 1.0, d: float = 5.0, T0: int | None = None, load: float = 0.7
) -> Scenario:
    """Scenario in a large building: the paper's, nx times ny times, with N agents for all its 6 nx ny zones.

    Parameters
    ----------
    nx, ny
        Copies of the paper's floor plan and zones, see `cmarlsim.floorplan.tiled`.
    N, speed, d
        Agents, metres a step, range through walls in metres.
    T0
        Steps per rollout; by default three times the longest trip, in full fifties: 100, the paper's, for
        one copy.
    load
        Sum of all thresholds divided by N - 1, in the paper's proportions. None goes beyond `HIGHEST_C`.

    Raises
    ------
    InputError
        If a value is out of range, or the building too large.

    Examples
    --------
    >>> scenario = tiled(3, 2, N=20)
    >>> scenario.M, scenario.zones[6].name, scenario.dual.T0, f"{scenario.c.sum():.3f}"
    (36, 'r0c1-red', 400, '13.300')
    """
    plan, source = floorplan.tiled(nx, ny), f"tiled({nx}, {ny})"
    agents, zones = parse(Agents, {"N": N, "speed": speed}, source), tiling.zones(nx, ny)
    share = load * (agents.N - 1) / sum(zone["c"] for zone in zones)
    zones = [zone | {"c": min(share * zone["c"], HIGHEST_C)} for zone in zones]
    if T0 is None:
        discs = tuple((tuple(zone["center"]), zone["radius"]) for zone in zones)
        longest = floorplan.build_world(plan, discs).to_go.max() / TICKS_PER_METRE / agents.speed
        T0 = 50 * math.ceil(3 * longest / 50)
    data = {
        "name": plan.name,
        "floorplan": plan,
        "agents": agents,
        "dual": {"alpha": 0.01, "eta": 0.5, "T0": T0},
        "links": {"model": "sight-or-disc", "d": d},
        "zones": zones,
    }
    return parse(Scenario, data, source)
