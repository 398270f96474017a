"""The engine equals the twin's simulation, and chunks do not show."""

import hypothesis.strategies as st
import naive
import numpy as np
import pytest
import stepped
import worlds
from cases import (
    COMPILED,
    LINK_MODELS,
    Case,
    corridor,
    policy_of,
    random_weights,
    scenario_of,
    shipped_case,
    simulated,
    trained_case,
    two_copies,
    with_logits,
)
from hypothesis import assume, given, settings
from kernels import run_on, sites

from cmarlsim.kernels.scene import Chunk
from cmarlsim.kernels.world import Bools, Site
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import stream, uniforms
from cmarlsim.simulation.execution import Run

pytestmark = pytest.mark.kernels

EXACT = ("tile", "action", "link", "reward", "estimate")
STEP_ROWS = ("position", *EXACT)
ROLLOUTS = 6 if COMPILED else 2


def check_against_twin(case: Case, policy: Policy, seed: int, K: int) -> None:
    chunk = Run(scenario_of(case), policy, seed).advance(K, keep_steps=True)._asdict()
    expected = simulated(case, seed, K)
    for name in EXACT:
        assert chunk[name].tolist() == expected[name].tolist(), name
    assert chunk["position"] == pytest.approx(expected["position"], rel=0, abs=1e-12)
    assert chunk["reward_mean"].tolist() == expected["reward_mean"].tolist()
    for name in ("lam", "lam_ideal"):
        assert not expected[name][0].any()  # lambda_0 = 0
        assert chunk[name].tolist() == expected[name][1:].tolist(), name


@pytest.mark.parametrize("name", ["paper", "tiny"])
def test_shipped_scenarios_equal_the_twins(name: str) -> None:
    """With ideal assignment and with random weights."""
    case = shipped_case(name)
    teams = [case, *(random_weights(case, scale_lam) for scale_lam in (True, False))]
    for seed, each in enumerate(teams):
        check_against_twin(each, policy_of(each), seed, ROLLOUTS)


def test_the_paper_with_its_trained_policy_equals_the_twins() -> None:
    check_against_twin(trained_case(), Policy.load("paper"), 3, ROLLOUTS)


@pytest.mark.parametrize("model", worlds.MODELS)
@given(seed=worlds.seeds)
def test_random_worlds_equal_the_twins(model: str, seed: int) -> None:
    case = worlds.random_case(seed, model)
    check_against_twin(case, policy_of(case), 4, 4)


FACTORS = (100.0, 10.0, 0.01)


@pytest.mark.parametrize("links", LINK_MODELS, ids=lambda links: links["model"])
@pytest.mark.parametrize("factor", FACTORS)
def test_sharp_and_flat_policies_equal_the_twins(factor: float, links: naive.Toml) -> None:
    """In rollouts of which many steps pass without a change, and in those of which none does."""
    trained = trained_case()
    trained.scenario["dual"] = trained.scenario["dual"] | {"T0": 50}
    for case in (trained, random_weights(shipped_case("tiny"), scale_lam=True)):
        changed = with_logits(case._replace(scenario=case.scenario | {"links": links}), factor)
        check_against_twin(changed, policy_of(changed), 6, ROLLOUTS)


@given(worlds.random_cases(), st.sampled_from(FACTORS))
@settings(max_examples=120 if COMPILED else 25)
def test_random_worlds_with_sharp_and_flat_policies_equal_the_twins(case: Case, factor: float) -> None:
    assume(case.policy != "rank")
    changed = with_logits(case, factor)
    check_against_twin(changed, policy_of(changed), 7, 4)


@pytest.mark.parametrize("speed", [0.73, 0.0137])
@pytest.mark.parametrize("factor", [1.0, 100.0])
def test_speeds_that_lead_to_too_many_places_equal_the_twins(factor: float, speed: float) -> None:
    case = with_logits(trained_case(), factor)
    case.scenario["agents"]["speed"] = speed
    assert len(scenario_of(case).numbered.tile) == 0
    check_against_twin(case, policy_of(case), 8, 2)


def test_no_rollouts_leave_everything_as_it_is() -> None:
    scenario, policy = scenario_of(shipped_case("paper")), Policy.load("paper")
    idle, run = (Run(scenario, policy, 9) for _ in range(2))
    for keep in (False, True):
        assert idle.advance(0, keep_steps=keep).lam.shape == (0, 5, 6)
        assert idle.done == run.done
        assert same_bits(idle.advance(2, keep_steps=True), run.advance(2, keep_steps=True))


# --- more than 64 agents ---


def crowd(case: Case, agents: int, T0: int, speed: float = 1.0) -> Case:
    """The case with many agents and random weights; they talk by sight or within 3 metres."""
    changes = {
        "agents": {"N": agents, "speed": speed},
        "dual": case.scenario["dual"] | {"T0": T0},
        "links": {"model": "sight-or-disc", "d": 3.0},
    }
    return random_weights(case._replace(scenario=case.scenario | changes), scale_lam=True)


def check_against_steps(case: Case, seed: int, K: int, site: Site | None = None) -> stepped.Outcome:
    """Against the plain compiled engine, `site` being how the engine looks at its world."""
    scenario, policy = scenario_of(case), policy_of(case)
    N, T0 = scenario.agents.N, scenario.dual.T0
    run = Run(scenario, policy, seed) if site is None else run_on(scenario, policy, site, seed)
    start = stream(seed, "start").integers(len(case.floorplan["waypoints"]), size=N)
    weights, draws = policy.weights(N, scenario.world), uniforms(seed, "action", 0, K, (T0, N))
    expected, done = stepped.simulate(case, weights, start, draws), 0
    for chunk in run.chunks(K, keep_steps=True):
        rollouts = slice(done, done + len(chunk.lam))
        steps = slice(done * T0, rollouts.stop * T0)
        assert np.array_equal(chunk.reward, expected.reward[steps])
        assert np.array_equal(chunk.action, expected.action[steps])
        known = chunk.estimate.reshape(-1, T0, *chunk.estimate.shape[1:]).sum(axis=1)
        assert np.array_equal(known, expected.known[rollouts])
        assert np.array_equal(chunk.lam, expected.lam[rollouts])
        assert np.array_equal(chunk.lam_ideal, expected.lam_ideal[rollouts])
        done = rollouts.stop
    assert done == K
    return expected


@pytest.mark.compiled
def test_a_million_steps_equal_those_taken_one_by_one() -> None:
    """Rewards, counts and multipliers, bit for bit."""
    check_against_steps(trained_case(), seed=10, K=10_000)
    for factor in (100.0, 0.01):
        check_against_steps(with_logits(trained_case(), factor), seed=11, K=1000)


@pytest.mark.compiled
def test_crowds_equal_those_that_go_step_by_step() -> None:
    """On the paper's plan and in two copies of it, along the edges, with numbered places and without."""
    for case in (crowd(shipped_case("paper"), 70, T0=100), crowd(two_copies(), 66, T0=60)):
        for factor in (10.0, 0.01):
            changed = with_logits(case, factor)
            scenario = scenario_of(changed)
            assert len(scenario.numbered.tile) > 0
            assert len(scenario.site.visibility.first) > 1
            for site in sites(scenario):
                check_against_steps(changed, seed=12, K=4, site=site)


@pytest.mark.compiled
@pytest.mark.parametrize("factor", [100.0, 0.01])
def test_a_crowd_in_too_many_places_equals_the_twins(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    """With the twin's geometry compiled."""
    case = with_logits(crowd(shipped_case("paper"), 66, T0=12, speed=0.73), factor)
    assert len(scenario_of(case).numbered.tile) == 0
    walls, plain = stepped.walls_of(case), naive.links

    def links(scenario: naive.Toml, _: object, position: list[naive.Point], *unused: object) -> Bools:
        return stepped.all_links(walls, scenario["links"]["d"], np.array(position))

    some = np.random.default_rng(1).uniform(0.0, 15.0, size=(12, 2))
    expected = plain(case.scenario, naive.wall_segments(case.floorplan), some.tolist())
    assert np.array_equal(links(case.scenario, None, some.tolist()), expected)
    monkeypatch.setattr(naive, "links", links)
    check_against_twin(case, policy_of(case), 13, 2)


def test_sets_of_more_than_64_agents_and_zones_equal_the_twins() -> None:
    case = corridor(cells=70, agents=68)
    check_against_twin(case, policy_of(case), 5, K=2)
    chunk = Run(scenario_of(case), policy_of(case), 5).advance(2, keep_steps=True)
    assert chunk.reward[:, 64:].any()
    assert chunk.link[:, 64:, :64].any()
    assert chunk.link[:, 64:, 64:].any()
    gap = (chunk.reward[:, None] & ~chunk.estimate).any(axis=(1, 2)).reshape(2, -1)
    assert not gap[:, 0].any()  # by the end of a rollout all know of its first step,
    assert gap[:, -1].all()  # and not of its last


def joined(chunks: list[Chunk]) -> Chunk:
    return Chunk(*(np.concatenate(arrays) for arrays in zip(*chunks, strict=True)))


def same_bits(one: Chunk, other: Chunk) -> bool:
    return all(
        (a.shape, a.dtype, a.tobytes()) == (b.shape, b.dtype, b.tobytes())
        for a, b in zip(one, other, strict=True)
    )


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


@pytest.mark.compiled
@pytest.mark.parametrize("speed", [1.0, 0.73])
def test_chunks_of_any_size_do_not_show_in_a_team_or_a_crowd(speed: float) -> None:
    case = crowd(shipped_case("paper"), 66, T0=30, speed=speed)
    for each in (trained_case(), case):
        scenario, policy = scenario_of(each), policy_of(each)
        expected = Run(scenario, policy, 14).advance(5, keep_steps=True)
        for size in (1, 2, 4):
            pieces = list(Run(scenario, policy, 14).chunks(5, keep_steps=True, size=size))
            assert same_bits(joined(pieces), expected)
