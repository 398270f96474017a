"""The engine's rivals in benchmarks/ do the work that it does."""

import numpy as np
import pytest
import worlds
from cases import COMPILED, Case, policy_of, scenario_of
from hypothesis import given, settings
from rivals.numpy_steps import NumpySteps

from cmarlsim import Policy, Scenario
from cmarlsim.randomness import stream, uniforms
from cmarlsim.simulation.execution import Run


def check_numpy(scenario: Scenario, policy: Policy, seed: int, K: int) -> None:
    N, T0 = scenario.agents.N, scenario.dual.T0
    start = stream(seed, "start").integers(len(scenario.floorplan.waypoints), size=N)
    result = NumpySteps(scenario, policy).run(start, uniforms(seed, "action", 0, K, (T0, N)))
    chunk = Run(scenario, policy, seed).advance(K, keep_steps=True)
    assert np.array_equal(result.reward, chunk.reward)
    assert result.lam == pytest.approx(chunk.lam, rel=0, abs=1e-12)
    assert result.lam_ideal == pytest.approx(chunk.lam_ideal, rel=0, abs=1e-12)


@pytest.mark.parametrize("override", ["links.d=5", "links.d=0", "agents.speed=0.3", "agents.speed=4"])
def test_numpy_is_the_engine_in_the_paper_s_scenario(override: str) -> None:
    scenario = Scenario.load("paper", [override, "dual.T0=100"])  # also where that is short of a trip
    check_numpy(scenario, Policy.load("paper"), seed=1, K=20 if COMPILED else 2)


@given(worlds.random_cases("sight-or-disc"))
@settings(max_examples=100 if COMPILED else 20)
def test_numpy_is_the_engine_in_any_world(case: Case) -> None:
    check_numpy(scenario_of(case), policy_of(case), seed=2, K=4)


def test_numpy_refuses_links_it_does_not_know() -> None:
    with pytest.raises(ValueError, match=r"links\.model = always"):
        NumpySteps(Scenario.load("tiny", ["links.model=always"]), Policy.load("rank"))
