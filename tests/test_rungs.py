"""The rungs of benchmarks/rungs.py, from the literal algorithm to the engine, do the same."""

import numpy as np
import pytest
import worlds
from cases import COMPILED, Case, policy_of, scenario_of
from hypothesis import given, settings
from rungs import NAMES, RUNGS, beginning, jumping
from stepping import Ideas

from cmarlsim import Policy, Scenario
from cmarlsim.simulation.execution import Run

NUMBERED = 1 + Ideas._fields.index("numbered")


def check_rungs(scenario: Scenario, policy: Policy, seed: int, K: int) -> None:
    chunk = Run(scenario, policy, seed).advance(K, keep_steps=True)
    for level, rung in enumerate(RUNGS):
        if level < NUMBERED or rung is jumping or len(scenario.numbered.tile):
            result = rung(beginning(scenario, policy, seed, K, keep_steps=True))()
            assert np.array_equal(result.reward, chunk.reward), NAMES[level]
            assert np.array_equal(result.reward_mean, chunk.reward_mean), NAMES[level]
            assert result.lam == pytest.approx(chunk.lam, rel=0, abs=1e-12), NAMES[level]
            assert result.lam_ideal == pytest.approx(chunk.lam_ideal, rel=0, abs=1e-12), NAMES[level]


def test_every_rung_has_a_name() -> None:
    assert len(NAMES) == len(RUNGS)


@pytest.mark.parametrize("override", ["links.d=5", "links.d=0", "agents.speed=4"])
def test_rungs_are_the_engine_in_the_paper_s_scenario(override: str) -> None:
    check_rungs(Scenario.load("paper", [override]), Policy.load("paper"), seed=1, K=10 if COMPILED else 1)


@given(worlds.random_cases("sight-or-disc"))
@settings(max_examples=50 if COMPILED else 10)
def test_rungs_are_the_engine_in_any_world(case: Case) -> None:
    check_rungs(scenario_of(case), policy_of(case), seed=2, K=4)
