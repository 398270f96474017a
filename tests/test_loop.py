"""Rollouts of training in the loop: they equal the twin's and the engine's, run by run."""

import math
from typing import NamedTuple

import hypothesis.extra.numpy as hnp
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
    two_copies,
)
from hypothesis import given, settings
from kernels import sites, words_of

from cmarlsim import Scenario
from cmarlsim.kernels.changes import longer, new_log
from cmarlsim.kernels.engine import run_rollouts
from cmarlsim.kernels.loop import (
    Runs,
    new_runs,
    part_of_runs,
    run_in_the_loop,
    write_difference_rewards,
)
from cmarlsim.kernels.scene import Draws, Scene, State, new_chunk, new_scene
from cmarlsim.kernels.world import Bools, Floats, Ints, Locations, Site, locations_at
from cmarlsim.learning.mlp import MLP
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import stream, uniforms
from cmarlsim.simulation.execution import Run
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


def copy_of(runs: Runs) -> Runs:
    return runs._replace(
        locations=Locations(*(array.copy() for array in runs.locations)),
        **{name: getattr(runs, name).copy() for name in ("lam", "lam_tight", "worth", "reward")},
        steps=type(runs.steps)(*(array.copy() for array in runs.steps)),
    )


def flat(runs: Runs) -> list[np.ndarray]:
    return [*runs.locations, runs.lam, runs.lam_tight, runs.worth, *runs.steps, runs.reward]


def assert_same(one: Runs, other: Runs) -> None:
    for array, wanted in zip(flat(one), flat(other), strict=True):
        np.testing.assert_array_equal(array, wanted)


# --- against the twin ---


class Twin:
    """One run in plain Python."""

    def __init__(self, case: Case, start: Ints, c_tight: Floats) -> None:
        self.ground, self.policy = naive.survey(case.scenario, case.floorplan), case.policy
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


# --- against the engine ---


def check_against_engine(case: Case, seed: int, rollouts: int) -> None:
    """Several runs at once, each with the draws that a run with its seed uses."""
    scenario, policy = scenario_of(case), policy_of(case)
    N, T0, edges = scenario.agents.N, scenario.dual.T0, len(scenario.rules().links.footprint)
    seeds = range(seed, seed + RUNS)
    start = [stream(s, "start").integers(len(scenario.floorplan.waypoints), size=N) for s in seeds]
    runs, engines = new_runs(locations_at(np.array(start)), scenario.M, T0), []
    stage = Stage(case, scenario, scenario.site, policy, scenario.c)
    engines = [Run(scenario, policy, s) for s in seeds]
    for k in range(rollouts):
        tables = (("action", N), ("link", edges))
        draws = Draws(
            *(np.concatenate([uniforms(s, name, k, 1, (T0, size)) for s in seeds]) for name, size in tables)
        )
        advance(stage, runs, draws)
        for b, engine in enumerate(engines):
            chunk = engine.advance(1, keep_steps=True)
            assert np.array_equal(runs.lam[b], chunk.lam[0])
            assert np.array_equal(runs.lam_tight[b], chunk.lam_ideal[0])  # eq. (16), here for c itself
            for name, array in runs.steps._asdict().items():
                assert np.array_equal(array[b * T0 : (b + 1) * T0], getattr(chunk, name)), name


@given(worlds.random_cases(), worlds.seeds)
@settings(max_examples=100 if COMPILED else 8)
def test_multipliers_are_those_of_the_engine(case: Case, seed: int) -> None:
    check_against_engine(case, seed, rollouts=4)


@pytest.mark.compiled
def test_multipliers_of_large_teams_are_those_of_the_engine() -> None:
    case = random_weights(two_copies(), scale_lam=True, lam_roots=1)
    check_against_engine(case, 3, rollouts=10)
    case.scenario["agents"]["N"] = 66
    check_against_engine(random_weights(case, scale_lam=True), 4, rollouts=3)


# --- the log, and parts of the runs ---


@pytest.mark.parametrize("links", LINK_MODELS, ids=lambda links: links["model"])
def test_a_full_log_is_lengthened_and_does_not_show(links: naive.Toml) -> None:
    case = random_weights(shipped_case("tiny"), scale_lam=True)
    case = case._replace(scenario=case.scenario | {"links": links | {"p": 0.5} if "p" in links else links})
    scenario, generator = scenario_of(case), np.random.default_rng(8)
    stage, N, M = stage_of(case, scenario.site, scenario.c), 2, 3
    roomy = new_runs(locations_at(generator.integers(4, size=(RUNS, N))), M, scenario.dual.T0)
    tight, total = copy_of(roomy), 0
    for _ in range(3):
        roomy.worth[...] = tight.worth[...] = generator.random((RUNS, M))
        draws = drawn(scenario, generator, RUNS)
        assert advance(stage, roomy, draws) == 0
        total += advance(stage, tight, draws, room=N * (N + M) + 1)  # for one step, and no more
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
    """Rollouts of the parts are those of the whole."""
    case = random_weights(shipped_case("tiny"), scale_lam=True)
    scenario, generator = scenario_of(case), np.random.default_rng(9)
    stage = stage_of(case, scenario.site, scenario.c)
    whole = new_runs(locations_at(generator.integers(4, size=(5, 2))), 3, scenario.dual.T0)
    whole.worth[...] = generator.random((5, 3))
    parts, draws = copy_of(whole), drawn(scenario, generator, 5)
    advance(stage, whole, draws)
    for first, last in ((3, 5), (0, 1), (1, 1), (1, 3)):
        part = part_of_runs(parts, first, last)
        assert all(np.shares_memory(a, b) for a, b in zip(flat(part), flat(parts), strict=True) if a.size)
        advance(stage, part, Draws(*(table[first:last] for table in draws)))
    assert_same(parts, whole)


# --- what attending is worth ---

groups = st.tuples(st.integers(1, 5) | st.sampled_from([64, 66, 130]), st.integers(1, 4)).flatmap(
    lambda shape: hnp.arrays(np.bool_, shape, elements=st.integers(0, 7).map(lambda i: i == 0))
)


@given(groups, worlds.seeds)
def test_rewards_are_what_the_team_would_lose_without_each_agent(inside: Bools, seed: int) -> None:
    worth = np.random.default_rng(seed).exponential(size=inside.shape[1])
    reward = np.full((len(inside), 6), -7.0)
    write_difference_rewards(worth, words_of(inside.T), reward, 2, 5)
    owed = [naive.owed(worth, inside, n) for n in range(len(inside))]
    assert reward[:, 2:5] == pytest.approx(np.tile(owed, (3, 1)).T, rel=0, abs=1e-12)
    assert (reward[:, [0, 1, 5]] == -7.0).all()


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


def test_tightened_thresholds_of_the_paper() -> None:
    """Its thresholds add up to 2.1, and Lemma 1 asks for at most 4: 1.9 / 6 for each zone, if all is used."""
    c = np.arange(1, 7) / 10
    assert tightened(c, 5, 1.0) == pytest.approx(c + 1.9 / 6)
    assert tightened(c, 3, 1.0) == pytest.approx(c)
    assert tightened(np.array([0.1, 0.995]), 5, 1.0).tolist() == [0.99, 0.995]


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
    ("links.model=always",),
    ("links.model=never",),
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
