"""Trainings that do not fit into memory are refused before anything is made."""

import pytest

import cmarlsim.limits
from cmarlsim import InputError, Scenario, learn
from cmarlsim.training.candidate import Candidate
from cmarlsim.training.memory_limits import training_bytes
from cmarlsim.training.recipe import RECIPES, Recipe
from cmarlsim.training.setup import TrainingSetup

TINY = Scenario.load("tiny")


@pytest.mark.parametrize(
    ("least", "lower"),
    [
        ({"loop_runs": 10**6}, "lower loop_runs, teams, dual.T0 or agents.N"),
        ({"episodes": 10**6}, "lower episodes, teams, dual.T0 or agents.N"),
        ({"hidden": 10**8}, "lower hidden, teams or agents.N"),
    ],
)
def test_the_largest_part_is_named(
    monkeypatch: pytest.MonkeyPatch, least: dict[str, int], lower: str
) -> None:
    monkeypatch.setattr(cmarlsim.limits, "machine_bytes", lambda: 10**8)
    with pytest.raises(
        InputError, match=r"^training 'tiny' with N = 2, M = 3, T0 = 10: its tables need"
    ) as error:
        learn(TINY, recipe=Recipe().model_copy(update=least))
    assert str(error.value).endswith(lower)


@pytest.mark.parametrize("name", RECIPES)
def test_what_is_counted_is_what_is_made(name: str) -> None:
    """Arrays of the stages of a candidate, within a factor: small ones are not counted."""
    recipe = RECIPES[name].model_copy(update={"teams": 1, "pretrain_iterations": 1, "validation_rollouts": 1})
    counted = training_bytes(TINY, recipe)
    candidate = Candidate(TrainingSetup(TINY, recipe, 0, 0))
    made = sum(array.nbytes for array in candidate.work.learners.arrays().values())
    assert 0.5 * made < counted["networks (N x hidden x M): lower hidden, teams or agents.N"] < 8 * made
    assert (
        counted["runs in the loop (loop_runs x T0 x N): lower loop_runs, teams, dual.T0 or agents.N"] > 0
    ) == (name == "loop")
