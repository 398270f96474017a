"""Rollouts as far as a stage of the engine, to time its stages apart."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from cmarlsim.kernels.changes import new_log
from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.engine import (
    begin_rollout,
    end_rollout,
    gossip_backwards,
    has_room,
    log_arrivals,
    next_change,
)
from cmarlsim.kernels.scene import Chunk, Rules, Scene, State, Steps, new_chunk
from cmarlsim.kernels.world import Floats, Site, Weights
from cmarlsim.simulation.execution import Run

STAGES = ("travel", "links", "gossip", "settle")
SECONDS = 2.0


@kernel
def run_until(
    stage: int,
    site: Site,
    rules: Rules,
    weights: Weights,
    state: State,
    uniform: Floats,
    lam: Floats,
    scene: Scene,
    chunk: Chunk,
) -> int:
    """Run rollouts as far as a stage of `STAGES`, with the multipliers that a whole run has, `lam` (K, N, M).

    Returns
    -------
    int
        The number of changes, -1 if the log is full.
    """
    changes, steps = 0, Steps(chunk.position, chunk.tile, chunk.action)
    rollouts, length, agents = uniform.shape
    for k in range(rollouts):
        for n in range(agents):
            for m in range(lam.shape[2]):
                state.lam[n, m] = lam[k, n, m]
        begin_rollout(site, rules, weights, state.locations, state.lam, uniform[k], scene, steps, 0)
        if stage == 0:
            continue
        t = 0
        while t < length:
            if not has_room(rules, scene):
                return -1
            log_arrivals(site, rules.links, scene, t)
            t = next_change(rules, scene, t + 1, length)
        changes += scene.log.length[0]
        if stage > 1:
            gossip_backwards(scene, length, chunk, 0)
        if stage > 2:
            end_rollout(rules, state, scene, length, chunk, k)
    return changes


def copied(value: Any) -> Any:
    """Copy of a tuple of arrays, and of such tuples."""
    if isinstance(value, tuple):
        return type(value)(*(copied(part) for part in value))
    return value.copy()


def split(run: Run, state: State, scene: Scene, lam: Floats, after: Floats) -> list[float]:
    """Seconds a rollout as far as each stage, of rollouts that begin with `state` and `scene`.

    They have the multipliers `lam` (K, N, M) and must come to those `after` them.
    """
    rollouts, agents, zones = lam.shape
    uniform = np.zeros((rollouts, run.scenario.dual.T0, agents))
    scene = scene._replace(log=new_log(len(run._scene.log.change)))
    chunk, samples, begun = new_chunk(rollouts, 0, agents, zones), [], time.process_time()
    fixed = run._site, run._rules, run._weights
    while len(samples) < 2 or time.process_time() - begun < SECONDS:
        row = []
        for stage in range(len(STAGES)):
            own_state, own_scene = copied(state), copied(scene)
            start = time.process_time()
            changes = run_until(stage, *fixed, own_state, uniform, lam, own_scene, chunk)
            row.append((time.process_time() - start) / rollouts)
            assert changes >= 0, "the log is full"
        assert np.array_equal(chunk.lam, after), "not what the engine does"
        samples.append(row)
    return np.median(samples[1:], axis=0).tolist()
