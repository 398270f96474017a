"""The engine equals the twin's simulation, and chunks do not show."""

import h5py
import naive
import numpy as np
import pytest
import worlds
from cases import COMPILED, Case, corridor, footprint_pairs, policy_of, scenario_of, shipped_case
from hypothesis import given

from cmarlsim import shipped
from cmarlsim.execution import Run
from cmarlsim.kernels.scene import Trace
from cmarlsim.learning.mlp import MLP
from cmarlsim.learning.policy import Policy
from cmarlsim.randomness import stream, uniforms

EXACT = ("tile", "action", "link", "reward", "estimate")
STEP_ROWS = ("position", *EXACT)
ROLLOUTS = 6 if COMPILED else 2


def simulated(case: Case, seed: int, K: int) -> dict[str, np.ndarray]:
    """What the twin makes of the draws that a run with this seed uses."""
    N, T0, pairs = case.scenario["agents"]["N"], case.scenario["dual"]["T0"], footprint_pairs(case.scenario)
    return naive.simulate(
        case.scenario,
        case.floorplan,
        case.policy,
        stream(seed, "start").integers(len(case.floorplan["waypoints"]), size=N),
        uniforms(seed, "action", 0, K, (T0, N)),
        uniforms(seed, "link", 0, K, (T0, len(pairs))),
        pairs,
    )


def check_against_twin(case: Case, policy: Policy, seed: int, K: int) -> None:
    trace = Run(scenario_of(case), policy, seed).advance(K, keep_steps=True)._asdict()
    expected = simulated(case, seed, K)
    for name in EXACT:
        assert trace[name].tolist() == expected[name].tolist(), name
    assert trace["position"] == pytest.approx(expected["position"], rel=0, abs=1e-12)
    assert trace["reward_mean"] == pytest.approx(expected["reward_mean"], rel=0, abs=1e-12)
    for name in ("lam", "lam_ideal"):
        assert not expected[name][0].any()  # lambda_0 = 0
        assert trace[name] == pytest.approx(expected[name][1:], rel=0, abs=1e-12)


def random_weights(case: Case, scale_lam: bool) -> Case:
    generator = np.random.default_rng(5)
    N, M, H = case.scenario["agents"]["N"], len(case.scenario["zones"]), 8
    weights = {
        "W1": worlds.singles(2 * generator.standard_normal((N, M + 2, H))),
        "b1": worlds.singles(generator.standard_normal((N, H))),
        "W2": worlds.singles(generator.standard_normal((N, H, M))),
        "b2": worlds.singles(generator.standard_normal((N, M))),
        "low": [-2.0, 1.0],
        "high": [31.0, 15.0],
        "scale_lam": scale_lam,
    }
    return case._replace(policy=weights)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", ["paper", "tiny"])
def test_shipped_scenarios_with_ideal_assignment_equal_the_twins(name: str, seed: int) -> None:
    case = shipped_case(name)
    check_against_twin(case, policy_of(case), seed, ROLLOUTS)


@pytest.mark.parametrize("scale_lam", [True, False])
@pytest.mark.parametrize("name", ["paper", "tiny"])
def test_shipped_scenarios_with_random_weights_equal_the_twins(name: str, scale_lam: bool) -> None:
    case = random_weights(shipped_case(name), scale_lam)
    check_against_twin(case, policy_of(case), 2, ROLLOUTS)


def test_the_paper_with_its_trained_policy_equals_the_twins() -> None:
    with h5py.File(shipped.DATA / "policies" / "paper.h5") as file:
        weights = {name: file[f"weights/{name}"][...].astype(float) for name in MLP._fields}
        encoding = {name: file.attrs[name] for name in ("low", "high", "scale_lam")}
    case = shipped_case("paper")._replace(policy=weights | encoding)
    check_against_twin(case, Policy.load("paper"), 3, ROLLOUTS)


def test_a_world_of_too_many_places_equals_the_twins() -> None:
    case = shipped_case("paper")
    case.scenario["agents"]["speed"] = 0.0137
    assert len(scenario_of(case).atlas.tile) == 0
    check_against_twin(case, Policy.load("rank"), 3, ROLLOUTS)


@pytest.mark.parametrize("model", worlds.MODELS)
@given(seed=worlds.seeds)
def test_random_worlds_equal_the_twins(model: str, seed: int) -> None:
    case = worlds.random_case(seed, model)
    check_against_twin(case, policy_of(case), 4, 4)


def test_sets_of_more_than_64_agents_and_zones_equal_the_twins() -> None:
    case = corridor(cells=70, agents=68)
    check_against_twin(case, policy_of(case), 5, K=2)
    trace = Run(scenario_of(case), policy_of(case), 5).advance(2, keep_steps=True)
    assert trace.reward[:, 64:].any()
    assert trace.link[:, 64:, :64].any()
    assert trace.link[:, 64:, 64:].any()
    gap = (trace.reward[:, None] & ~trace.estimate).any(axis=(1, 2)).reshape(2, -1)
    assert not gap[:, 0].any()  # by the end of a rollout all know of its first step,
    assert gap[:, -1].all()  # and not of its last


def joined(traces: list[Trace]) -> Trace:
    return Trace(*(np.concatenate(arrays) for arrays in zip(*traces, strict=True)))


@given(worlds.random_cases())
def test_chunks_do_not_show(case: Case) -> None:
    scenario, policy = scenario_of(case), policy_of(case)
    whole, parts, last = (Run(scenario, policy, 6) for _ in range(3))
    expected = whole.advance(7, keep_steps=True)
    pieces = joined([parts.advance(3, keep_steps=True), parts.advance(4, keep_steps=True)])
    for name, array in expected._asdict().items():
        assert getattr(pieces, name).tobytes() == array.tobytes(), name
    short = last.advance(7, keep_steps=False)
    for name, array in expected._asdict().items():
        kept = array[:0] if name in STEP_ROWS else array
        assert getattr(short, name).shape == kept.shape, name
        assert getattr(short, name).tobytes() == kept.tobytes(), name


def test_chunks_of_any_size_do_not_show_on_the_papers_plan() -> None:
    scenario, policy = scenario_of(shipped_case("paper")), Policy.load("paper")
    expected = Run(scenario, policy, 7).advance(5, keep_steps=True)
    pieces = joined(list(Run(scenario, policy, 7).chunks(5, keep_steps=True, size=2)))
    for name, array in expected._asdict().items():
        assert getattr(pieces, name).tobytes() == array.tobytes(), name
