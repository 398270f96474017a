"""What holds on every path of Algorithm 2."""

import naive
import numpy as np
import pytest
import worlds
from cases import COMPILED, LINK_MODELS, Case, policy_of, scenario_of, shipped_case
from hypothesis import given

from cmarlsim.bounds.certificate import certified_satisfaction
from cmarlsim.kernels.scene import Chunk
from cmarlsim.policies.policy import Policy
from cmarlsim.simulation.execution import Run

ROLLOUTS = 100 if COMPILED else 3


def run(case: Case, rollouts: int) -> Chunk:
    return Run(scenario_of(case), policy_of(case), 8).advance(rollouts, keep_steps=True)


def check_motion(case: Case, chunk: Chunk) -> None:
    plan = naive.build_plan(case.scenario, case.floorplan)
    paths = [(plan.point[u], plan.point[v]) for u, v in plan.edge] or [(plan.point[0], plan.point[0])]
    for x in {tuple(x) for step in chunk.position.tolist() for x in step}:
        assert min(naive.point_to_segment(x, *path) for path in paths) < 1e-12
    stride = np.hypot(*np.moveaxis(np.diff(chunk.position, axis=0), -1, 0))
    assert (stride <= case.scenario["agents"]["speed"] + 1e-12).all()


def check_links_and_estimates(chunk: Chunk) -> None:
    assert (chunk.link == chunk.link.transpose(0, 2, 1)).all()
    assert not chunk.link.diagonal(axis1=1, axis2=2).any()
    assert (chunk.estimate <= chunk.reward[:, None]).all()


def check_multipliers(case: Case, chunk: Chunk) -> None:
    """An agent misses rewards and never invents one, so its multipliers are at least the ideal ones."""
    assert (chunk.lam_ideal >= 0).all()
    assert (chunk.lam >= chunk.lam_ideal[:, None]).all()
    dual, c, K = case.scenario["dual"], scenario_of(case).c, len(chunk.lam)
    satisfaction = chunk.reward_mean.cumsum(axis=0) / np.arange(1, K + 1)[:, None]
    in_force = np.concatenate([np.zeros_like(chunk.lam[:1]), chunk.lam[:-1]])
    for k in range(K):
        lam_mean = in_force[: k + 1].mean(axis=0)
        bound = certified_satisfaction(c, chunk.lam[k], lam_mean, dual["alpha"], dual["eta"], k + 1)
        assert (bound <= satisfaction[k] + 1e-12).all()


@given(worlds.random_cases())
def test_invariants_on_random_worlds(case: Case) -> None:
    chunk = run(case, 6)
    check_motion(case, chunk)
    check_links_and_estimates(chunk)
    check_multipliers(case, chunk)


@pytest.mark.parametrize("policy", ["paper", "rank"])
@pytest.mark.parametrize("links", LINK_MODELS, ids=lambda links: links["model"])
def test_invariants_on_the_papers_plan(links: naive.Toml, policy: str) -> None:
    case = shipped_case("paper")
    case = case._replace(scenario=case.scenario | {"links": links})
    chunk = Run(scenario_of(case), Policy.load(policy), 9).advance(ROLLOUTS, keep_steps=True)
    check_motion(case, chunk)
    check_links_and_estimates(chunk)
    check_multipliers(case, chunk)


@pytest.mark.parametrize("alpha", [0.05, 0.3])
def test_a_team_that_never_leaves_a_zone_has_multipliers_of_closed_form(alpha: float) -> None:
    """All go to zone 0 of the tiny plan; from the second rollout on the reward is (1, 0, 0)."""
    case = shipped_case("tiny")
    weights = {"W1": np.zeros((2, 5, 1)), "b1": np.zeros((2, 1)), "W2": np.zeros((2, 1, 3))}
    weights |= {"b2": np.array(2 * [[900.0, 0.0, 0.0]]), "low": [0.0, 0.0], "high": [1.0, 1.0]}
    dual = case.scenario["dual"] | {"alpha": alpha}
    weights |= {"scale_lam": True, "lam_roots": 2}
    chunk = run(Case(case.scenario | {"dual": dual}, case.floorplan, weights), 60)
    assert (chunk.reward_mean[1:] == [1, 0, 0]).all()
    assert (chunk.action == 0).all()
    slack = dual["eta"] * (np.array([0.2, 0.3, 0.4]) - [1, 0, 0])
    k = np.arange(60)[:, None, None]
    expected = (1 - alpha) ** k * chunk.lam[0] + (1 - (1 - alpha) ** k) / alpha * slack
    assert chunk.lam == pytest.approx(np.maximum(0.0, expected), rel=0, abs=1e-12)
