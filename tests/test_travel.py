"""One agent's way through a rollout equals a plain loop over its steps."""

import hypothesis.strategies as st
import naive
import numpy as np
import pytest
import worlds
from cases import Case, corridor, policy_of, scenario_of, trained_case, with_logits
from hypothesis import given
from kernels import numbered_places, sites, stretches

from cmarlsim.kernels.bits import has
from cmarlsim.kernels.engine import begin_rollout
from cmarlsim.kernels.scene import new_scene, new_steps
from cmarlsim.kernels.world import Floats, Locations, Site, locations_at

pytestmark = pytest.mark.kernels

FACTORS = (100.0, 1.0, 0.01)
ROW = 2  # where its steps are written to


def walk(
    case: Case, plan: naive.Plan, place: naive.Place, n: int, lam: Floats, uniform: Floats
) -> tuple[list[naive.Place], list[int], list[int]]:
    """Places of steps 0 to T0, tiles and actions."""
    speed, centre = naive.ticks(case.scenario["agents"]["speed"]), naive.tile_centres(case.floorplan)
    places, tiles, actions = [place], [], []
    for u in uniform.tolist():
        tiles.append(naive.tile_of(case.floorplan, naive.position_of(plan, places[-1])))
        cdf = naive.cdf_row(case.policy, n, centre[tiles[-1]], lam)
        actions.append(naive.draw_action(cdf, u))
        places.append(naive.advance(plan, places[-1], actions[-1], speed))
    return places, tiles, actions


def check_travel(case: Case, start: list[naive.Place], lam: Floats, uniform: Floats) -> None:
    """In all ways to look at the world; `lam` (N, M), `uniform` (T0, N)."""
    scenario, plan = scenario_of(case), naive.build_plan(case.scenario, case.floorplan)
    walks = [walk(case, plan, place, n, lam[n], uniform[:, n]) for n, place in enumerate(start)]
    for site in sites(scenario):
        numbers = None
        if len(site.numbered.tile):
            numbered = numbered_places(plan, site.numbered, scenario.speed_ticks)
            numbers = {place: q for q, place in enumerate(numbered)}
            if any(place not in numbers for place in start):
                continue
        check_on(site, case, plan, numbers, walks, lam, uniform)


def check_on(
    site: Site,
    case: Case,
    plan: naive.Plan,
    numbers: dict[naive.Place, int] | None,
    walks: list[tuple[list[naive.Place], list[int], list[int]]],
    lam: Floats,
    uniform: Floats,
) -> None:
    (T0, N), scenario = uniform.shape, scenario_of(case)
    rules, weights = scenario.rules(), policy_of(case).weights(N, scenario.world)
    scene, steps = new_scene(site, rules, weights, N, T0), new_steps(ROW + T0 + 1, N)
    trajectory, locations = scene.trajectory, locations_at(np.zeros(N))
    steps.tile[...] = steps.action[...] = 999
    for n, (way, _, _) in enumerate(walks):
        put_at(locations, n, way[0], numbers)
    # with what is left over from the rollout before
    trajectory.arriving[...], scene.log.length[0], scene.attended[...] = np.uint64(1), 3, 2
    begin_rollout(site, rules, weights, locations, lam, uniform, scene, steps, ROW)
    assert scene.log.length[0] == 0
    assert not scene.attended.any()
    for n, (way, tiles, actions) in enumerate(walks):
        assert steps.tile[:, n].tolist() == [999] * ROW + tiles + [999]
        assert steps.action[:, n].tolist() == [999] * ROW + actions + [999]
        for t, place in enumerate(way):
            arrives = t == 0 or place != way[t - 1]
            assert has(trajectory.arriving[t], n) == arrives
            x = naive.position_of(plan, place)
            if t < T0:
                assert steps.position[ROW + t, n].tolist() == pytest.approx(x, rel=0, abs=1e-12)
            if numbers is not None:
                assert trajectory.place[t, n] == numbers[place]
                continue
            if arrives:
                assert trajectory.position[t, n].tolist() == pytest.approx(x, rel=0, abs=1e-12)
            ends = stretches(site.world)[trajectory.place[t, n]].tolist()
            assert naive.point_to_segment(x, ends[:2], ends[2:]) < 1e-12
            assert (ends[:2] == ends[2:]) == (place[0] == "node")
        end = locations_at(np.zeros(N))
        put_at(end, n, way[-1], numbers)
        assert [array[n] for array in locations] == [array[n] for array in end]


def put_at(locations: Locations, n: int, place: naive.Place, numbers: dict[naive.Place, int] | None) -> None:
    at = (-1, place[1], place[2]) if place[0] == "edge" else (place[1], -1, 0)
    if numbers is not None:
        at = (numbers[place], -1, 0)
    locations.node[n], locations.edge[n], locations.offset[n] = at


@given(worlds.random_cases(), st.integers(1, 25), st.sampled_from(FACTORS), worlds.seeds)
def test_ways_through_random_worlds_equal_the_twins(case: Case, T0: int, factor: float, seed: int) -> None:
    generator, changed = np.random.default_rng(seed), with_logits(case, factor)
    N, M, plan = case.scenario["agents"]["N"], len(case.scenario["zones"]), naive.build_plan(*case[:2])
    start: list[naive.Place] = [("node", int(p)) for p in generator.integers(len(plan.point), size=N)]
    if plan.edge and generator.random() < 0.3:
        e = int(generator.integers(len(plan.edge)))
        start[0] = ("edge", e, int(generator.integers(1, plan.length[e])))
    lam = generator.exponential(size=(N, M)) * (generator.random((N, M)) < 0.8)
    check_travel(changed, start, lam, generator.random((T0, N)))


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("T0", [1, 2, 100])
def test_ways_of_the_papers_agents_equal_the_twins(factor: float, T0: int) -> None:
    case, generator = with_logits(trained_case(), factor), np.random.default_rng(T0)
    start: list[naive.Place] = [("node", int(p)) for p in generator.integers(19, size=5)]
    check_travel(case, start, generator.exponential(size=(5, 6)), generator.random((T0, 5)))


def test_draws_at_the_borders_of_a_rows_cells_equal_the_twins() -> None:
    """Without weights all four zones are equally likely, and a draw of a fourth is of the second cell."""
    case, generator = corridor(cells=4, agents=3), np.random.default_rng(1)
    shapes = {"W1": (3, 6, 2), "b1": (3, 2), "W2": (3, 2, 4), "b2": (3, 4)}
    policy = {name: np.zeros(shape) for name, shape in shapes.items()}
    encoding = {"low": [0.0, 0.0], "high": [4.0, 1.0], "scale_lam": True, "lam_roots": 1}
    case = case._replace(policy=policy | encoding)
    uniform = generator.integers(8, size=(60, 3)) / 8 - generator.choice([0.0, 2**-53], size=(60, 3))
    check_travel(case, [("node", 0), ("node", 3), ("node", 1)], np.zeros((3, 4)), np.maximum(0.0, uniform))
