"""Training episodes, against a plain rollout made of the twin's parts."""

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import naive
import numpy as np
import pytest
import worlds
from cases import Case, corridor, policy_of, scenario_of, shipped_case
from hypothesis import given
from kernels import numbered_places, sites, words_of

from cmarlsim.kernels.episodes import Episodes, difference_reward, new_episodes, run_episodes
from cmarlsim.kernels.scene import new_scene, new_steps
from cmarlsim.kernels.world import NEVER, Bools, Floats, Ints, Locations, Site, locations_at

pytestmark = pytest.mark.kernels

teams = st.tuples(st.integers(1, 5) | st.just(66), st.sampled_from([4, 70]))


@given(teams.flatmap(lambda shape: hnp.arrays(np.bool_, shape)), worlds.seeds)
def test_an_agent_is_owed_what_the_team_would_lose_without_it(inside: Bools, seed: int) -> None:
    lam = np.random.default_rng(seed).exponential(size=inside.shape[1])
    for active in range(len(inside)):
        expected = naive.owed(lam, inside, active)
        assert difference_reward(lam, words_of(inside.T), active) == pytest.approx(expected, rel=0, abs=1e-12)


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
    plan, centre = naive.build_plan(case.scenario, case.floorplan), naive.tile_centres(case.floorplan)
    speed = naive.ticks(case.scenario["agents"]["speed"])
    numbered = numbered_places(plan, site.numbered, speed) if len(site.numbered.tile) else None
    here: list[list[naive.Place]] = [[("node", int(p)) for p in row] for row in start]
    for _ in range(2):
        episodes: Episodes = new_episodes(lam, locations, uniform)
        run_episodes(site, rules, weights, active, scene, steps, episodes)
        for b in range(B):
            for t in range(T0):
                tile = [naive.tile_of(case.floorplan, naive.position_of(plan, place)) for place in here[b]]
                cdf = [naive.cdf_row(case.policy, n, centre[tile[n]], lam[b]) for n in range(N)]
                action = [naive.draw_action(cdf[n], uniform[b, t, n]) for n in range(N)]
                here[b] = [naive.advance(plan, here[b][n], action[n], speed) for n in range(N)]
                inside = np.array(
                    [naive.zones_of(case.scenario, naive.position_of(plan, x)) for x in here[b]]
                )
                assert (episodes.tile[b, t], episodes.action[b, t]) == (tile[active], action[active])
                assert episodes.reward[b, t] == pytest.approx(
                    naive.owed(lam[b], inside, active), rel=0, abs=1e-12
                )
        for b, n in np.ndindex(B, N):
            assert here[b][n] == place_of(locations, b, n, numbered)


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


def test_episodes_in_which_everybody_enters_every_zone_at_once_equal_the_twins() -> None:
    """More happens at the first step than a new log holds."""
    case, generator = corridor(cells=70, agents=20), np.random.default_rng(4)
    for zone in case.scenario["zones"]:
        zone["radius"] = 80.0
    lam, uniform = generator.random((1, 70)), generator.random((1, 2, 20))
    check_episodes(case, lam, generator.integers(70, size=(1, 20)), uniform, active=3)
