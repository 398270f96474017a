"""The best fixed partition and the upper bound, against enumeration and plain simulation."""

from itertools import product

import naive
import numpy as np
import pytest
from cases import Case, scenario_of, shipped_case

from analysis.baselines.bound import upper_bound
from analysis.baselines.catalogue import stay
from analysis.baselines.partition import best_partition, set_partitions, targets
from analysis.baselines.rounds import Round, best_round, shortest_tour, trips
from cmarlsim.kernels.world import Bools
from cmarlsim.simulation.prescribed import PrescribedRun

PAPER, TINY = shipped_case("paper"), shipped_case("tiny")


def patrolled(case: Case, each: Round, periods: int) -> Bools:
    """(T, M) the zones that one agent attends, by the twin: it waits at a zone, then walks to the next.

    The first period, which begins on the way to the first zone, is left out.
    """
    plan = naive.build_plan(case.scenario, case.floorplan)
    place: naive.Place = ("node", plan.goal[each.tour[-1]])
    seen, lengths = [], []
    for _ in range(periods + 1):
        begun = len(seen)
        for zone, dwell in zip(each.tour, each.dwell, strict=True):
            waited = 0
            while waited < dwell:
                place = naive.advance(plan, place, zone, naive.ticks(1.0))
                waited += place == ("node", plan.goal[zone])
                seen.append(naive.zones_of(case.scenario, naive.position_of(plan, place)))
        lengths.append(len(seen) - begun)
    assert len(set(lengths)) == 1
    return np.array(seen[lengths[0] :])


def test_partitions_of_a_set_are_all_there_once() -> None:
    for size, bell in enumerate((1, 1, 2, 5, 15, 52, 203)):
        found = list(set_partitions(tuple(range(size)), size))
        assert (
            len({frozenset(frozenset(block) for block in blocks) for blocks in found}) == len(found) == bell
        )
    assert len(list(set_partitions(tuple(range(6)), 2))) == 2**5
    assert all(len(blocks) <= 5 for blocks in set_partitions(tuple(range(6)), 5))


@pytest.mark.parametrize(("longest", "margin"), [(50, 0.23), (200, 0.30)])
def test_the_papers_partition_keeps_what_was_measured(longest: int, margin: float) -> None:
    """One agent between red and green, four that stay: .23 with dwell times of 40-50, .30 with 200."""
    scenario = scenario_of(PAPER)
    best = best_partition(scenario, longest)
    shuttle, least = best[0], min(each.margin for each in best)
    assert [each.tour for each in best] == [(0, 1), (2,), (3,), (4,), (5,)]
    assert max(shuttle.dwell) <= longest
    assert margin - 0.005 < least < margin + 0.02
    attended = patrolled(PAPER, shuttle, 1)
    assert (attended.mean(axis=0) - scenario.c)[:2].min() == pytest.approx(least, abs=1e-12)
    steps, period = 4000, len(attended)
    reward = (
        PrescribedRun(scenario, targets(scenario, best, steps), 0)
        .advance(steps // 100, keep_steps=True)
        .reward
    )
    whole = reward[-(steps // period - 1) * period :].mean(axis=0)
    assert whole[:2] == pytest.approx(attended.mean(axis=0)[:2], abs=1e-12)
    assert (whole - scenario.c).min() == pytest.approx(least, abs=1e-12)


@pytest.mark.parametrize("block", [(0, 1), (3, 5), (1, 2, 4)])
def test_dwell_times_are_the_best_of_all(block: tuple[int, ...]) -> None:
    scenario, longest = scenario_of(PAPER), 5
    tour = shortest_tour(block, trips(scenario))
    best = best_round(tour, scenario.c, trips(scenario), longest)
    found = [
        (patrolled(PAPER, Round(best.tour, dwell, 0.0), 1).mean(axis=0) - scenario.c)[list(block)].min()
        for dwell in product(range(1, longest + 1), repeat=len(block))
    ]
    assert best.margin == pytest.approx(max(found), abs=1e-12)


def test_tours_are_the_shortest() -> None:
    scenario = scenario_of(PAPER)
    way = trips(scenario)
    assert shortest_tour((0, 2, 4, 1), way)[0] == 0
    tour = shortest_tour((2, 3, 4, 5), way)
    assert [abs(a - b) for a, b in zip(tour, (*tour[1:], tour[0]), strict=True)].count(1) >= 2
    assert (way.steps == way.steps.T).all()
    assert way.steps[0, 5] == 31


def test_static_leaves_out_the_least_wanted_zones() -> None:
    scenario = scenario_of(PAPER).with_thresholds([0.5, 0.1, 0.3, 0.4, 0.2, 0.6])
    assert stay(scenario, 300, 0).tolist() == [[0, 2, 3, 4, 5]] * 300


def test_who_has_no_round_holds_the_most_wanted_zone() -> None:
    scenario = scenario_of(PAPER)
    alone = best_partition(scenario, 10)[:2]
    assert (targets(scenario, alone, 10)[:, 2:] == 5).all()


def best_by_enumeration(case: Case, steps: int) -> float:
    """Largest smallest margin over all starts and all actions of the agents of `tiny`."""
    plan, c = naive.build_plan(case.scenario, case.floorplan), [z["c"] for z in case.scenario["zones"]]
    zones, agents, nodes = range(len(c)), case.scenario["agents"]["N"], range(len(plan.point))
    after = [{naive.advance(plan, ("node", p), zone, naive.ticks(1.0))[1] for zone in zones} for p in nodes]
    inside = [naive.zones_of(case.scenario, plan.point[p]) for p in nodes]

    def look(team: tuple[int, ...], counts: tuple[int, ...]) -> tuple:
        attended = tuple(counts[m] + any(inside[p][m] for p in team) for m in zones)
        return tuple(sorted(team)), attended

    states = {look(team, (0,) * len(zones)) for team in product(nodes, repeat=agents)}
    for _ in range(steps - 1):
        states = {look(new, counts) for team, counts in states for new in product(*(after[p] for p in team))}
    return max(min(n / steps - c[m] for m, n in enumerate(counts)) for _, counts in states)


@pytest.mark.parametrize("zones", [(0,), (0, 1), (0, 1, 2), (2, 1)])
@pytest.mark.parametrize("agents", [1, 2])
def test_nobody_does_better_than_the_bound(zones: tuple[int, ...], agents: int) -> None:
    chosen = [TINY.scenario["zones"][m] for m in zones]
    case = TINY._replace(scenario=TINY.scenario | {"zones": chosen, "agents": {"N": agents, "speed": 1.0}})
    slack = [upper_bound(scenario_of(case)) - best_by_enumeration(case, steps) for steps in range(1, 8)]
    assert -1e-9 < min(slack) < 0.17  # and it says something


def test_the_bound_is_the_share_of_time() -> None:
    tiny, paper = scenario_of(TINY), scenario_of(PAPER)
    assert upper_bound(tiny) == pytest.approx(min(1 - 0.4, (2 - 0.9) / 3))
    assert upper_bound(paper) == pytest.approx(min(1 - 0.6, (5 - 2.1) / 6))
    assert upper_bound(paper.with_thresholds([0.8] * 6)) == pytest.approx((5 - 4.8) / 6)
    for longest in (10, 50, 200):
        assert min(each.margin for each in best_partition(paper, longest)) < upper_bound(paper)
