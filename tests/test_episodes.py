"""Training episodes, against rollouts of the twin in which all agents share multipliers."""

import naive
import numpy as np
import pytest
import worlds
from cases import Case, corridor, policy_of, scenario_of, shipped_case
from hypothesis import given
from kernels import numbered_places, sites

from cmarlsim.kernels.episodes import Episodes, new_episodes, run_episodes
from cmarlsim.kernels.scene import new_scene, new_steps
from cmarlsim.kernels.world import NEVER, Floats, Ints, Locations, Site, locations_at

pytestmark = pytest.mark.kernels


def check_episodes(case: Case, lam: Floats, start: Ints, uniform: Floats, active: int) -> None:
    """With the scenario's numbered, if it has one, and without."""
    for site in sites(scenario_of(case)):
        check_batches(case, site, lam, start, uniform, active)


def check_batches(case: Case, site: Site, lam: Floats, start: Ints, uniform: Floats, active: int) -> None:
    """Two batches, the second from where the first one ended."""
    scenario = scenario_of(case)
    B, T0, N = uniform.shape
    weights = policy_of(case).weights(N, scenario.world)
    rules = scenario.rules()
    rules = rules._replace(links=rules.links._replace(code=NEVER))
    locations, scene, steps = locations_at(start), new_scene(site, rules, weights, N, T0), new_steps(T0, N)
    ground = naive.ground_of(case.scenario | {"links": {"model": "never"}}, case.floorplan)
    numbered = None
    if len(site.numbered.tile):
        numbered = numbered_places(ground.plan, site.numbered, scenario.speed_ticks)
    places: list[list[naive.Place]] = [[("node", int(p)) for p in row] for row in start]
    for _ in range(2):
        episodes: Episodes = new_episodes(lam, locations, uniform)
        run_episodes(site, rules, weights, active, scene, steps, episodes)
        for b in range(B):
            shared, undrawn = np.tile(lam[b], (N, 1)), np.empty((T0, 0))
            rollout = naive.play(ground, case.policy, places[b], shared, uniform[b], undrawn, ())
            places[b] = rollout.places
            assert episodes.tile[b].tolist() == rollout.tile[:, active].tolist()
            assert episodes.action[b].tolist() == rollout.action[:, active].tolist()
            owed = naive.rewards_owed(ground, rollout, lam[b])[active]
            assert episodes.reward[b] == pytest.approx(owed, rel=0, abs=1e-12)
    for b, n in np.ndindex(B, N):
        assert place_of(locations, b, n, numbered) == places[b][n]


def place_of(locations: Locations, b: int, n: int, numbered: list[naive.Place] | None) -> naive.Place:
    """Where an agent is; by the number of its place if places are `numbered`."""
    node, edge, offset = (int(array[b, n]) for array in locations)
    if numbered is not None:
        return numbered[node]
    return ("node", node) if node >= 0 else ("edge", edge, offset)


@given(worlds.random_cases(), worlds.seeds)
def test_episodes_equal_the_twins(case: Case, seed: int) -> None:
    N, M, T0 = case.scenario["agents"]["N"], len(case.scenario["zones"]), case.scenario["dual"]["T0"]
    generator = np.random.default_rng(seed)
    start = generator.integers(len(case.floorplan["waypoints"]), size=(3, N))
    lam, uniform = generator.random((3, M)), generator.random((3, T0, N))
    check_episodes(case, lam, start, uniform, active=seed % N)


def test_episodes_on_the_papers_plan_equal_the_twins() -> None:
    case, generator = shipped_case("paper"), np.random.default_rng(3)
    lam, uniform = generator.random((2, 6)), generator.random((2, 40, 5))
    check_episodes(case, lam, generator.integers(19, size=(2, 5)), uniform, active=3)


@pytest.mark.parametrize("radius", [0.4, 80.0])
def test_episodes_of_a_crowd_equal_the_twins(radius: float) -> None:
    """In zones that everybody enters at once, more happens at the first step than a new log holds."""
    case, generator = corridor(cells=70, agents=66), np.random.default_rng(4)
    for zone in case.scenario["zones"]:
        zone["radius"] = radius
    lam, uniform = generator.random((1, 70)), generator.random((1, 3, 66))
    check_episodes(case, lam, generator.integers(70, size=(1, 66)), uniform, active=65)
