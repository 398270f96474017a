"""Partitions of many zones: the local search, its rounds and tours, against enumeration and the engine."""

from itertools import permutations

import numpy as np
import pytest

from analysis.baselines import local_search
from analysis.baselines.local_search import best_found
from analysis.baselines.measure import upper_bound
from analysis.baselines.partition import best_partition, set_partitions, targets
from analysis.baselines.rounds import Rounds, best_round, highest_margin, shortest_tour, trips
from cmarlsim import Scenario, tiled
from cmarlsim.simulation.prescribed import PrescribedRun

CAMPUS = tiled(2, 2, N=8)
PAPER = Scenario.load("paper")


def drawn(seed: int, most: int) -> Scenario:
    """Some of the campus' zones with random thresholds, and a small team."""
    r = np.random.default_rng(seed)
    M, N = int(r.integers(5, most + 1)), int(r.integers(2, 5))
    chosen = np.sort(r.choice(CAMPUS.M, M, replace=False))
    c = np.minimum(r.dirichlet(np.ones(M)) * 0.7 * min(N - 1, M), 0.9)
    zones = [CAMPUS.zones[m].model_dump() | {"c": float(x)} for m, x in zip(chosen, c, strict=True)]
    return Scenario.model_validate(CAMPUS.model_dump() | {"zones": zones, "agents": {"N": N}})


@pytest.mark.parametrize("seed", range(12))
def test_the_search_finds_the_best_of_all_partitions(seed: int) -> None:
    scenario = drawn(seed, most=8)
    rounds = Rounds(scenario, longest=(20, 100, 300)[seed % 3])
    all_of_them = set_partitions(tuple(range(scenario.M)), scenario.agents.N)
    best = max(min(rounds.margin(block) for block in blocks) for blocks in all_of_them)
    found = best_found(rounds, scenario.agents.N)
    assert min(each.margin for each in found) == pytest.approx(best, abs=1e-12)
    assert sorted(zone for each in found for zone in each.tour) == list(range(scenario.M))
    assert len(found) <= scenario.agents.N


def test_the_starts_alone_are_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_search, "improved", lambda rounds, blocks: blocks)
    missed = 0
    for seed in range(6):
        scenario = drawn(seed, most=8)
        rounds = Rounds(scenario, 100)
        blocks = set_partitions(tuple(range(scenario.M)), scenario.agents.N)
        best = max(min(map(rounds.margin, each)) for each in blocks)
        missed += min(each.margin for each in best_found(rounds, scenario.agents.N)) < best - 1e-9
    assert missed > 0


@pytest.mark.parametrize(("seed", "longest"), [(0, 7), (1, 30), (2, 100), (3, 300)])
def test_periods_that_are_left_out_are_no_better(
    seed: int, longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario, r = drawn(seed, most=8), np.random.default_rng(seed)
    way, c = trips(scenario), np.asarray(scenario.c)
    for k in (2, 3, 4):
        tour = shortest_tour(tuple(np.sort(r.choice(scenario.M, k, replace=False)).tolist()), way)
        best = best_round(tour, c, way, longest)
        assert best.margin <= highest_margin(tour, c, way, longest) + 1e-9
        assert max(best.dwell) <= longest
        assert min(best.dwell) >= 1
        monkeypatch.setattr("analysis.baselines.rounds._margin_within", _says_nothing)
        assert best_round(tour, c, way, longest) == best
        monkeypatch.undo()


def _says_nothing(period: np.ndarray, *rest: object) -> np.ndarray:
    """In place of the bound: every period may be the best."""
    return np.ones_like(period, dtype=float)


def test_the_bound_of_a_round_is_near_what_is_reached() -> None:
    rounds = Rounds(CAMPUS, 600)
    for block in ((0, 1), (0, 1, 2), (3, 9, 15), (2, 3, 4, 5, 11)):
        reached, bound = rounds.margin(block), rounds.ceiling(block)
        assert reached <= bound <= rounds.share(block)
        assert bound - reached < 0.01


def test_tours_through_many_zones_are_short() -> None:
    way = trips(CAMPUS)

    def travel(tour: tuple[int, ...]) -> int:
        return int(way.steps[tour, np.roll(tour, -1)].sum())

    block = (0, 3, 5, 8, 11, 13, 17, 20, 23)
    tour = shortest_tour(block, way)
    assert tour[0] == 0
    assert sorted(tour) == list(block)
    shortest = min(travel((0, *rest)) for rest in permutations(block[1:]))
    assert shortest <= travel(tour) <= 1.05 * shortest
    whole = shortest_tour(tuple(range(24)), way)
    assert sorted(whole) == list(range(24))
    reversed_parts = [
        whole[:i] + whole[i : j + 1][::-1] + whole[j + 1 :] for i in range(1, 24) for j in range(i + 1, 24)
    ]
    assert travel(whole) <= min(map(travel, reversed_parts))


def test_on_a_campus_the_partition_reaches_the_bound_and_the_engine_keeps_it() -> None:
    scenario = tiled(2, 2, N=20)
    best, bound = best_partition(scenario, 600), upper_bound(scenario)
    margin = min(each.margin for each in best)
    assert bound - 0.002 < margin <= bound
    T0 = scenario.dual.T0
    reward = PrescribedRun(scenario, targets(scenario, best, 100 * T0), 0).advance(100, False).reward_mean
    assert reward[2:].mean(axis=0).min() > 0
    assert (reward[2:].mean(axis=0) - scenario.c).min() == pytest.approx(margin, abs=0.01)


def test_teams_may_be_smaller_or_larger_than_the_zones() -> None:
    """One agent goes round all zones; where agents are more than zones, each zone has its own."""
    alone = CAMPUS.model_copy(update={"agents": CAMPUS.agents.model_copy(update={"N": 1})})
    (only,) = best_partition(alone, 50)
    assert sorted(only.tour) == list(range(24))
    crowd = CAMPUS.model_copy(update={"agents": CAMPUS.agents.model_copy(update={"N": 30})})
    assert sorted(each.tour for each in best_partition(crowd, 50)) == [(m,) for m in range(24)]
