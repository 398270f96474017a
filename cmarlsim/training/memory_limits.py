"""Whether the arrays of a training fit into memory: said before any of them is made."""

from __future__ import annotations

from cmarlsim.scenario import Scenario
from cmarlsim.simulation.memory_limits import check_tables
from cmarlsim.training.recipe import Recipe


def training_bytes(scenario: Scenario, recipe: Recipe) -> dict[str, int]:
    """Bytes of the large arrays of a training, by what they are and what makes them smaller."""
    N, M, T0 = scenario.agents.N, scenario.M, scenario.dual.T0
    runs = recipe.loop_runs if recipe.loop_iterations > 0 else 0
    network = 4 * (recipe.hidden + recipe.baseline_hidden) * (2 * M + 4)
    candidate = {
        "runs in the loop (loop_runs x T0 x N): lower loop_runs, teams, dual.T0 or agents.N": runs
        * N
        * (36 * T0 + 8 * M),
        "episodes (episodes x T0 x N): lower episodes, teams, dual.T0 or agents.N": recipe.episodes
        * T0
        * (40 + 8 * N),
        "networks (N x hidden x M): lower hidden, teams or agents.N": 8 * N * network,
    }
    return {what: recipe.teams * size for what, size in candidate.items()}


def check_training_memory(scenario: Scenario, recipe: Recipe) -> None:
    """Raise InputError, as `check_tables` does, if a training's arrays do not fit into memory."""
    check_tables(f"training '{scenario.name}'", scenario, training_bytes(scenario, recipe))
