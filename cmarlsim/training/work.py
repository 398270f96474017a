"""How much there is to do in a training, counted from its recipe before it begins."""

from __future__ import annotations

import os

from cmarlsim.scenario import Scenario
from cmarlsim.simulation.work import Work
from cmarlsim.training.recipe import Recipe, stages

_STEP_SECONDS, _WEIGHT_SECONDS = 3e-7, 1e-10
"""Of an agent's step, and of a weight of its network on a tile that it comes to, with their gradients."""


def agent_rollouts(recipe: Recipe, agents: int, iterations: int) -> int:
    """Rollouts of agents in the first iterations of a training; they are what takes time."""
    work, left = 0, iterations // recipe.teams
    for stage in stages(recipe, agents):
        rollouts = recipe.loop_runs if stage.active is None else recipe.episodes
        work += recipe.teams * min(left, stage.iterations) * stage.agents * rollouts
        left -= min(left, stage.iterations)
    return work


def training_work(scenario: Scenario, recipe: Recipe) -> Work:
    """What a training takes on the cores of this machine.

    An estimate of the order of magnitude, with constants that were measured on one machine.
    """
    N, M, T0 = scenario.agents.N, scenario.M, scenario.dual.T0
    iterations = sum(stage.iterations for stage in stages(recipe, N))
    weights = min(T0, len(scenario.floorplan.tiles)) * recipe.hidden * M
    rollout = _STEP_SECONDS * T0 + _WEIGHT_SECONDS * weights
    rollouts = agent_rollouts(recipe, N, recipe.teams * iterations)
    validations = recipe.teams * (iterations // recipe.validate_every + 1)
    rollouts += validations * recipe.validation_runs * recipe.validation_rollouts * N
    return Work(rollout * rollouts / min(recipe.teams, len(os.sched_getaffinity(0))), 0.0)
