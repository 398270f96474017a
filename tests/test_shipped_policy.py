"""The policy that comes with the package keeps Section V's constraints, and says how it was made."""

import pytest

from cmarlsim import Policy, Scenario, execute
from cmarlsim.learning.recipe import Recipe, stages
from cmarlsim.provenance import versions


@pytest.mark.compiled
@pytest.mark.parametrize("seed", range(5))
def test_every_zone_is_attended_enough(seed: int) -> None:
    scenario = Scenario.load("paper", ["links.d=5.0"])
    recording = execute(scenario, Policy.load("paper"), steps=40_000, seed=seed, record="rollout")
    assert (recording.satisfaction() - scenario.c > 0).all()


def test_file_says_how_it_was_made() -> None:
    made, scenario = Policy.load("paper").training, Scenario.load("paper")
    rebuilt = Scenario.from_toml(made["scenario"], made["floorplan"], "the policy")
    assert rebuilt == scenario
    assert made["seed"] >= 0
    recipe = Recipe(**{name: made[f"recipe_{name}"].item() for name in Recipe.model_fields})
    assert made["iterations_done"] == sum(stage.iterations for stage in stages(recipe, scenario.agents.N))
    assert versions().keys() <= made.keys()
