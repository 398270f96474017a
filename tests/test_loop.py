"""Rollouts of training in the loop: they equal the twin's, run by run, and use their ranges."""

import math
from copy import deepcopy
from typing import NamedTuple

import hypothesis.strategies as st
import naive
import numpy as np
import pytest
import worlds
from cases import (
    COMPILED,
    LINK_MODELS,
    Case,
    corridor,
    footprint_pairs,
    policy_of,
    random_weights,
    scenario_of,
    shipped_case,
    with_logits,
)
from hypothesis import given, settings
from kernels import sites

from cmarlsim import Scenario
from cmarlsim.kernels.changes import longer, new_log
from cmarlsim.kernels.engine import run_rollouts
from cmarlsim.kernels.loop import Runs, new_runs, part_of_runs, run_in_the_loop
from cmarlsim.kernels.scene import Draws, Scene, State, new_chunk, new_scene
from cmarlsim.kernels.world import Floats, Ints, Locations, Site, locations_at
from cmarlsim.learning.mlp import MLP
from cmarlsim.policies.policy import Policy
from cmarlsim.training.loop import Loop
from cmarlsim.training.recipe import RECIPES, Recipe, stages, tightened
from cmarlsim.training.setup import TrainingSetup

pytestmark = pytest.mark.kernels

RUNS = 3


class Stage(NamedTuple):
    """What B runs of a case are run with."""

    case: Case
    scenario: Scenario
    site: Site
    policy: Policy
    c_tight: Floats


def stage_of(case: Case, site: Site, c_tight: Floats) -> Stage:
    return Stage(case, scenario_of(case), site, policy_of(case), c_tight)


def advance(stage: Stage, runs: Runs, draws: Draws, room: int | None = None) -> int:
    """A rollout of every run, with a log for so many changes; how often that was lengthened."""
    scenario, rules = stage.scenario, stage.scenario.rules()
    N, M, T0 = scenario.agents.N, scenario.M, scenario.dual.T0
    weights = stage.policy.weights(N, scenario.world)
    scene: Scene = new_scene(stage.site, rules, weights, N, T0)
    if room is not None:
        scene = scene._replace(log=new_log(room))
    scene.clock[:] = 0, -1
    lengthened, nothing = 0, new_chunk(0, 0, N, M)
    while not run_in_the_loop(stage.site, rules, stage.c_tight, weights, draws, scene, nothing, runs):
        scene = scene._replace(log=longer(scene.log))
        lengthened += 1
    assert scene.clock.tolist() == [len(runs.lam), -1]
    return lengthened


def drawn(scenario: Scenario, generator: np.random.Generator, runs: int) -> Draws:
    T0, edges = scenario.dual.T0, len(scenario.rules().links.footprint)
    return Draws(generator.random((runs, T0, scenario.agents.N)), generator.random((runs, T0, edges)))


def assert_same(one: Runs, other: Runs) -> None:
    for array, wanted in zip(flat(one), flat(other), strict=True):
        np.testing.assert_array_equal(array, wanted)


def flat(runs: Runs) -> list[np.ndarray]:
    return [*runs.locations, runs.lam, runs.lam_tight, runs.worth, *runs.steps, runs.reward]


# --- against the twin ---


class Twin:
    """One run in plain Python."""

    def __init__(self, case: Case, start: Ints, c_tight: Floats) -> None:
        self.ground, self.policy = naive.ground_of(case.scenario, case.floorplan), case.policy
        self.c, self.c_tight = np.array([zone["c"] for zone in case.scenario["zones"]]), c_tight
        self.alpha, self.eta = case.scenario["dual"]["alpha"], case.scenario["dual"]["eta"]
        self.pairs = footprint_pairs(case.scenario)
        self.places: list[naive.Place] = [("node", int(p)) for p in start]
        self.lam, self.lam_tight = np.zeros((len(start), len(self.c))), np.zeros(len(self.c))

    def advance(self, worth: Floats, u_action: Floats, u_link: Floats) -> tuple[naive.Rollout, Floats]:
        """What happened in a rollout, and what every agent was owed."""
        rollout = naive.play(self.ground, self.policy, self.places, self.lam, u_action, u_link, self.pairs)
        estimate = naive.gossip_literal(rollout.own, rollout.link)
        self.lam = np.array(
            [
                naive.dual_update(lam, estimate[:, n], self.c, self.alpha, self.eta)
                for n, lam in enumerate(self.lam)
            ]
        )
        reward = rollout.own.any(axis=1)
        self.lam_tight = naive.dual_update(self.lam_tight, reward, self.c_tight, self.alpha, self.eta)
        self.places = rollout.places
        return rollout, naive.rewards_owed(self.ground, rollout, worth)


def check_against_twins(stage: Stage, seed: int, rollouts: int = 3, runs: int = RUNS) -> None:
    scenario, generator = stage.scenario, np.random.default_rng(seed)
    N, M, T0 = scenario.agents.N, scenario.M, scenario.dual.T0
    start = generator.integers(len(scenario.floorplan.waypoints), size=(runs, N))
    found = new_runs(locations_at(start), M, T0)
    twins = [Twin(stage.case, row, stage.c_tight) for row in start]
    for _ in range(rollouts):
        found.worth[...] = generator.random((runs, M)) * (generator.random((runs, M)) < 0.8)
        draws = drawn(scenario, generator, runs)
        advance(stage, found, draws)
        for b, twin in enumerate(twins):
            rollout, reward = twin.advance(found.worth[b], draws.action[b], draws.link[b])
            rows = slice(b * T0, (b + 1) * T0)
            assert found.steps.tile[rows].tolist() == rollout.tile.tolist()
            assert found.steps.action[rows].tolist() == rollout.action.tolist()
            assert found.steps.position[rows] == pytest.approx(rollout.position, rel=0, abs=1e-12)
            assert found.reward[b] == pytest.approx(reward, rel=0, abs=1e-12)
            assert found.lam[b].tolist() == twin.lam.tolist()
            assert found.lam_tight[b].tolist() == twin.lam_tight.tolist()


def some_thresholds(case: Case, seed: int) -> Floats:
    """Higher or lower than c: what they are does not matter to a rollout."""
    return np.random.default_rng(seed).random(len(case.scenario["zones"]))


@pytest.mark.parametrize("model", worlds.MODELS)
@given(seed=worlds.seeds)
@settings(max_examples=60 if COMPILED else 15)
def test_rollouts_in_random_worlds_equal_the_twins(model: str, seed: int) -> None:
    case = worlds.random_case(seed, model)
    for site in sites(scenario_of(case)):
        check_against_twins(stage_of(case, site, some_thresholds(case, seed)), seed)


@pytest.mark.parametrize("links", LINK_MODELS, ids=lambda links: links["model"])
@pytest.mark.parametrize("name", ["paper", "tiny"])
def test_rollouts_of_the_shipped_plans_equal_the_twins(name: str, links: naive.Toml) -> None:
    case = random_weights(shipped_case(name), scale_lam=True, lam_roots=2)
    case = case._replace(scenario=case.scenario | {"links": links})
    stage = stage_of(case, scenario_of(case).site, some_thresholds(case, 1))
    check_against_twins(stage, seed=5, rollouts=3 if COMPILED else 1)


def test_a_crowd_of_more_than_a_word_equals_the_twins() -> None:
    """More agents, and more zones, than a word has bits."""
    case = corridor(cells=66, agents=67)
    case.scenario["dual"]["T0"] = 3
    stage = stage_of(case, scenario_of(case).site, some_thresholds(case, 2))
    check_against_twins(stage, seed=6, rollouts=2, runs=2 if COMPILED else 1)


# --- the log ---


@pytest.mark.parametrize("links", LINK_MODELS, ids=lambda links: links["model"])
def test_a_full_log_is_lengthened_and_does_not_show(links: naive.Toml) -> None:
    case = with_logits(random_weights(shipped_case("tiny"), scale_lam=True), 0.01)
    case = case._replace(scenario=case.scenario | {"links": links | {"p": 0.5} if "p" in links else links})
    case.scenario["dual"]["T0"] = 50
    scenario, generator = scenario_of(case), np.random.default_rng(8)
    stage, N, M = stage_of(case, scenario.site, scenario.c), 2, 3
    roomy = new_runs(locations_at(generator.integers(4, size=(RUNS, N))), M, scenario.dual.T0)
    tight, total = deepcopy(roomy), 0
    for _ in range(3):
        roomy.worth[...] = tight.worth[...] = generator.random((RUNS, M))
        draws = drawn(scenario, generator, RUNS)
        assert advance(stage, roomy, draws) == 0
        total += advance(stage, tight, draws, room=N * (N + M) + 8)  # for one step, after some
        assert_same(tight, roomy)
    assert total > 0


def test_a_log_that_is_full_at_the_end_has_room_for_what_comes_after() -> None:
    """Three zones are entered at the last step and left after it; the log has room for one step's changes."""
    case = corridor(cells=6, agents=1)
    middle = case.scenario["zones"][2]
    case.scenario["zones"] = [case.scenario["zones"][5], *({**middle, "name": f"m{i}"} for i in range(3))]
    case.scenario["dual"]["T0"] = 3
    scenario, worth = scenario_of(case), np.array([1.0, 2.0, 4.0, 8.0])
    stage, runs = stage_of(case, scenario.site, scenario.c), new_runs(locations_at(np.array([[0]])), 4, 3)
    runs.worth[...] = worth
    assert advance(stage, runs, drawn(scenario, np.random.default_rng(0), 1), room=1 * (1 + 4)) == 0
    assert runs.reward.tolist() == [[[0.0, 14.0, 0.0]]]


def test_parts_of_the_runs_are_views() -> None:
    runs = new_runs(locations_at(np.zeros((5, 2))), 3, 7)
    for whole, part in zip(flat(runs), flat(part_of_runs(runs, 1, 3)), strict=True):
        whole[...] = 0
        part[...] = 1
        assert (whole.reshape(5, -1).T == [0, 1, 1, 0, 0]).all()


# --- thresholds ---


@given(
    st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=1, max_size=8),
    st.integers(1, 9),
    st.floats(0.0, 1.0),
)
def test_tightened_thresholds_share_the_headroom(c: list[float], agents: int, share: float) -> None:
    found = tightened(np.array(c), agents, share)
    headroom = agents - 1 - math.fsum(c)
    for threshold, tight in zip(c, found, strict=True):
        assert threshold <= tight < 1.0
        if headroom <= 1e-12:
            assert tight == pytest.approx(threshold, rel=0, abs=1e-12)
        else:
            wanted = threshold + share * headroom / len(c)
            assert tight == pytest.approx(max(threshold, min(wanted, 0.99)), rel=0, abs=1e-12)
    assert tightened(np.array(c), agents, 0.0).tolist() == c


# --- ranges ---


def loop_at(scenario: Scenario, networks: MLP, **changes: object) -> Loop:
    """A loop of which no run begins anew."""
    changes = {"loop_runs": 4, "loop_restart": 0.0, "loop_move": 0.0} | changes
    changes["hidden"] = networks.b1.shape[1]
    recipe = Recipe.model_construct(**dict(RECIPES["loop"]) | changes)  # fewer runs than ranges
    (*_, stage) = stages(recipe, scenario.agents.N)
    baseline = MLP(*(np.zeros(shape) for shape in [(1, scenario.M + 2, 64), (1, 64), (1, 64, 1), (1, 1)]))
    baseline = MLP(*(array.astype(np.float32) for array in baseline))
    return Loop(TrainingSetup(scenario, recipe, 0, 0), stage, 2, networks, baseline)


def engine_rollout(scenario: Scenario, loop: Loop, locations: Locations, lam: Floats, b: int) -> Floats:
    """The multipliers that the engine has after a rollout that begins like run b of a loop."""
    N, M, T0, rules = scenario.agents.N, scenario.M, scenario.dual.T0, scenario.rules()
    state = State(Locations(*(array[b].copy() for array in locations)), lam[b].copy(), np.zeros(M))
    draws = Draws(*(table[b : b + 1] for table in loop._draws))
    scene = new_scene(scenario.site, rules, loop._weights, N, T0)
    scene = scene._replace(log=new_log(10_000))
    scene.clock[:] = 0, -1
    assert run_rollouts(scenario.site, rules, loop._weights, state, draws, scene, new_chunk(1, 0, N, M))
    return state.lam


def check_loop(loop: Loop, scenarios: list[Scenario], iterations: int) -> None:
    """Each run has the multipliers that the engine has in its scenario."""
    for iteration in range(iterations):
        loop._begin(iteration)
        locations = Locations(*(array.copy() for array in loop.runs.locations))
        lam = loop.runs.lam.copy()
        loop._advance()
        for b, scenario in enumerate(scenarios):
            assert np.array_equal(loop.runs.lam[b], engine_rollout(scenario, loop, locations, lam, b))
    assert loop.runs.lam.any()


@pytest.mark.compiled
def test_every_run_of_a_loop_uses_its_range() -> None:
    """The scenarios of the engine are read anew for each range, and so owe nothing to another."""
    scenario, iterations = Scenario.load("paper", ["links.d=5"]), 6
    networks = policy_of(random_weights(shipped_case("paper"), scale_lam=True)).networks
    assert networks is not None
    _ = scenario.site  # what a copy of it must not inherit
    near, far = (Scenario.load("paper", [f"links.d={d}"]) for d in (1, 6))
    check_loop(loop_at(scenario, networks, ranges=(0.2, 1.2)), [near, near, far, far], iterations)
    with pytest.raises(AssertionError):
        check_loop(loop_at(scenario, networks, ranges=(0.2, 1.2)), [far, far, near, near], iterations)


MORE_LINKS = [
    ("links.model=bernoulli", "links.p=0.5", "links.footprint=complete"),
    ("links.model=bernoulli", "links.p=0.5", "links.footprint=complete", "dual.T0=3000"),  # fills the log
]


@pytest.mark.parametrize("overrides", MORE_LINKS, ids=" ".join)
def test_runs_of_a_loop_are_those_of_the_engine(overrides: tuple[str, ...]) -> None:
    if not COMPILED and overrides is MORE_LINKS[-1]:
        pytest.skip("takes too long in plain Python")
    scenario = Scenario.load("tiny", list(overrides))
    networks = policy_of(random_weights(shipped_case("tiny"), scale_lam=True, lam_roots=2)).networks
    assert networks is not None
    check_loop(loop_at(scenario, networks), 4 * [scenario], iterations=3)


def test_a_setup_has_a_scenario_for_every_range() -> None:
    scenario = Scenario.load("paper", ["links.d=5"])
    setup = TrainingSetup(scenario, RECIPES["loop"].model_copy(update={"ranges": (0.2, 1.0, 1.2)}), 0, 0)
    assert [ranged.links.d for ranged in setup.ranged] == [1.0, 5.0, 6.0]
    assert setup.ranged[1] is scenario
    assert setup.ranged is setup.ranged
    for model in ("always", "never"):
        without = Scenario.load("paper", [f"links.model={model}"])
        assert TrainingSetup(without, RECIPES["loop"], 0, 0).ranged == [without]
    drawing = Scenario.load("paper", ["links.model=bernoulli", "links.p=0.5", "links.footprint=path"])
    assert TrainingSetup(drawing, RECIPES["loop"], 0, 0).ranged == [drawing]
