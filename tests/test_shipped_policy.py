"""The policy that comes with the package keeps Section V's constraints, and says how it was made."""

from collections.abc import Mapping
from typing import Any

import pytest

from cmarlsim import Policy, Scenario, execute
from cmarlsim.storage.provenance import versions
from cmarlsim.training.recipe import RECIPES, Recipe, stages
from cmarlsim.validation import setting_value


@pytest.mark.compiled
@pytest.mark.parametrize("seed", range(5))
def test_every_zone_is_attended_enough(seed: int) -> None:
    scenario = Scenario.load("paper", ["links.d=5.0"])
    recording = execute(scenario, Policy.load("paper"), steps=40_000, seed=seed, record="rollout")
    assert (recording.satisfaction() - scenario.c > 0).all()


def recipe_of(made: Mapping[str, Any]) -> Recipe:
    """The recipe that a policy was trained with; a file from before there was a loop says nothing of it."""
    found = {name: made[f"recipe_{name}"] for name in Recipe.model_fields if f"recipe_{name}" in made}
    values = {name: setting_value(str(value)) for name, value in found.items()}
    return Recipe.model_validate(RECIPES["paper"].model_dump() | values)


def test_file_says_how_it_was_made() -> None:
    made, scenario = Policy.load("paper").training, Scenario.load("paper")
    rebuilt = Scenario.from_toml(made["scenario"], made["floorplan"], "the policy")
    assert rebuilt == scenario
    assert made["seed"] >= 0
    recipe = recipe_of(made)
    iterations = sum(stage.iterations for stage in stages(recipe, scenario.agents.N))
    assert made["iterations_done"] == recipe.teams * iterations
    assert versions().keys() <= made.keys()
