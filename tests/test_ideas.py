"""The engines of benchmarks/engines.py, from the literal algorithm to the present one, do the same."""

import numpy as np
import pytest
import worlds
from cases import COMPILED, Case, policy_of, scenario_of
from engines import ENGINES, NAMES, beginning, jumping
from hypothesis import given, settings
from stepping import Ideas

from cmarlsim import Policy, Scenario
from cmarlsim.simulation.execution import Run

NUMBERED = 1 + Ideas._fields.index("numbered")


def check_engines(scenario: Scenario, policy: Policy, seed: int, K: int) -> None:
    chunk = Run(scenario, policy, seed).advance(K, keep_steps=True)
    for ideas, (name, engine) in enumerate(zip(NAMES, ENGINES, strict=True)):
        if ideas < NUMBERED or engine is jumping or len(scenario.numbered.tile):
            result = engine(beginning(scenario, policy, seed, K, keep_steps=True))()
            assert np.array_equal(result.reward, chunk.reward), name
            assert np.array_equal(result.reward_mean, chunk.reward_mean), name
            assert result.lam == pytest.approx(chunk.lam, rel=0, abs=1e-12), name
            assert result.lam_ideal == pytest.approx(chunk.lam_ideal, rel=0, abs=1e-12), name


@pytest.mark.parametrize("override", ["links.d=5", "links.d=0", "agents.speed=4"])
def test_engines_are_the_engine_in_the_paper_s_scenario(override: str) -> None:
    check_engines(Scenario.load("paper", [override]), Policy.load("paper"), seed=1, K=10 if COMPILED else 1)


@pytest.mark.compiled
def test_a_million_steps_are_those_of_an_engine_that_goes_step_by_step() -> None:
    scenario, policy, K = Scenario.load("paper"), Policy.load("paper"), 10_000
    found = Run(scenario, policy, 4).advance(K, keep_steps=False)
    expected = ENGINES[-2](beginning(scenario, policy, 4, K, keep_steps=False))()
    assert np.array_equal(found.reward_mean, expected.reward_mean)
    assert np.array_equal(found.lam, expected.lam)
    assert np.array_equal(found.lam_ideal, expected.lam_ideal)


@given(worlds.random_cases("sight-or-disc"))
@settings(max_examples=50 if COMPILED else 10)
def test_engines_are_the_engine_in_any_world(case: Case) -> None:
    check_engines(scenario_of(case), policy_of(case), seed=2, K=4)
