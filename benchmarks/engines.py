"""Engines from the plain algorithm to the present one, each with one idea more, ready to be run and timed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from measuring import Work
from stepping import Desk, Ideas, run_stepped

from cmarlsim import Policy, Scenario
from cmarlsim.kernels.changes import longer, new_log
from cmarlsim.kernels.engine import run_rollouts
from cmarlsim.kernels.scene import Chunk, Draws, Rules, Scene, State, new_chunk, new_scene
from cmarlsim.kernels.world import Site, Weights, locations_at
from cmarlsim.randomness import stream, uniforms


class Beginning(NamedTuple):
    """A run before its first step."""

    site: Site
    rules: Rules
    weights: Weights
    state: State
    draws: Draws
    scene: Scene
    chunk: Chunk


def beginning(scenario: Scenario, policy: Policy, seed: int, rollouts: int, keep_steps: bool) -> Beginning:
    """What `cmarlsim.simulation.execution.Run` begins with; all draws of the run are made beforehand."""
    N, M, T0 = scenario.agents.N, scenario.M, scenario.dual.T0
    site, rules = scenario.site, scenario.rules()
    weights = policy.weights(N, site.world)
    start = stream(seed, "start").integers(len(scenario.floorplan.waypoints), size=N)
    return Beginning(
        site=site,
        rules=rules,
        weights=weights,
        state=State(locations_at(start), np.zeros((N, M)), np.zeros(M)),
        draws=Draws(uniforms(seed, "action", 0, rollouts, (T0, N)), np.empty((rollouts, T0, 0))),
        scene=new_scene(site, rules, weights, N, T0),
        chunk=new_chunk(rollouts, rollouts * T0 if keep_steps else 0, N, M),
    )


def stepped(begun: Beginning, ideas: Ideas) -> Callable[[], Chunk]:
    """A run, ready to go, by the step-by-step engine."""
    T0, N = begun.draws.action.shape[1:]
    M = len(begun.rules.c)
    numbered = begun.site.numbered
    if not ideas.numbered:
        numbered = numbered._replace(**{name: getattr(numbered, name)[:0] for name in numbered._fields})
    desk = Desk(
        moved=np.ones(N, dtype=bool),
        position=np.zeros((N, 2)),
        tile=np.zeros(N, dtype=np.int64),
        own=np.zeros((T0, N, M), dtype=bool),
        link=np.zeros((N, N), dtype=bool),
        fresh=np.zeros((2, N, N), dtype=np.int64),
        estimate=np.zeros((2, T0, N, M), dtype=bool),
    )
    scene = begun.scene._replace(log=new_log(T0 * N * (N + M)))
    site, action = begun.site._replace(numbered=numbered), begun.draws.action

    def run() -> Chunk:
        run_stepped(ideas, site, begun.rules, begun.weights, begun.state, action, scene, desk, begun.chunk)
        return begun.chunk

    return run


def jumping(begun: Beginning) -> Callable[[], Chunk]:
    """A run, ready to go, by the engine."""

    def run() -> Chunk:
        site, rules, weights, state, draws, scene, chunk = begun
        while not run_rollouts(site, rules, weights, state, draws, scene, chunk):
            scene = scene._replace(log=longer(scene.log))
        return chunk

    return run


NAMES = (
    "compiled, literally: eq. (17) as printed, every logit, all walls for all pairs",
    "gossip by freshness: one number a pair of agents",
    "the policy is a table during a rollout: only rows visited, each once",
    "the multipliers' part of the hidden layer once a rollout",
    "only who moved is looked at again, and only pairs of which one did",
    "numbered places: moves, tiles, zones and sight are looked up",
    "gossip backwards over changes, at the end of the rollout",
    "agents travel one by one, and skip ahead where they stand: the engine",
)
"""The idea that each of `ENGINES` has beside those of the engines before it."""

Engine = Callable[[Beginning], Callable[[], Chunk]]
ENGINES: tuple[Engine, ...] = (
    *(partial(stepped, ideas=Ideas(*[True] * ideas)) for ideas in range(len(Ideas._fields) + 1)),
    jumping,
)


def work_of(engine: Engine, scenario: Scenario, policy: Policy, seed: int, rollouts: int) -> Work:
    """A run of an engine to be timed, from the beginning every time."""
    return lambda: engine(beginning(scenario, policy, seed, rollouts, keep_steps=False))
