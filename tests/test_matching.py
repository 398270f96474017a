"""Lemma 1's assignment matched by travel: the oracle, and the run that all agents imagine."""

from itertools import permutations

import numpy as np
import pytest

from analysis.baselines.bound import attended_together, overlapping, upper_bound
from analysis.baselines.matching import MatchedRun, oracle, schedule
from analysis.baselines.rounds import trips
from cmarlsim import Scenario
from cmarlsim.simulation.prescribed import PrescribedRun

PAPER = Scenario.load("paper")
K = 300


def margin(reward_mean: np.ndarray, scenario: Scenario) -> float:
    return float((reward_mean[50:].mean(axis=0) - scenario.c).min())


@pytest.mark.parametrize(("order", "least"), [(1, 0.372), (-1, 0.395)])
def test_the_oracle_keeps_what_was_measured_and_so_does_the_schedule(order: int, least: float) -> None:
    """On the paper's scenario .374 to .377 of at most .4, with reversed thresholds .400."""
    scenario = PAPER.with_thresholds(PAPER.c[::order])
    steps = K * scenario.dual.T0
    for seed in (0, 1):
        reached = margin(oracle(scenario, steps, seed).play(K).reward_mean, scenario)
        assert least < reached <= upper_bound(scenario) + 1e-9
        planned = PrescribedRun(scenario, schedule(scenario, steps, seed), seed)
        assert margin(planned.advance(K, False).reward_mean, scenario) == pytest.approx(reached, abs=0.003)


def test_all_imagine_the_same_run() -> None:
    assert np.array_equal(schedule(PAPER, 1000, 0), schedule(PAPER, 1000, 7))
    assert (schedule(PAPER, 1000).reshape(10, 100, 5) == schedule(PAPER, 1000)[::100, None]).all()


def test_zones_are_held_by_those_who_travel_least() -> None:
    run, way, r = MatchedRun(PAPER, 3), trips(PAPER).steps, np.random.default_rng(0)
    run.advance(1, False)
    for _ in range(20):
        before, lam = run.target.copy(), r.permutation(6) / 6
        run.lam = np.tile(lam, (5, 1))
        action = run.advance(1, True).action
        wanted = set(np.argsort(-lam)[:5].tolist())
        assert set(run.target.tolist()) == wanted
        travel = min(way[before, list(order)].sum() for order in permutations(wanted))
        assert way[before, run.target].sum() == travel
        assert (action == run.target).all()


def test_who_is_lost_is_left_out() -> None:
    team = oracle(PAPER, 0, 0)
    team.play(20)
    team.run.lose(2)
    assert isinstance(team.run, MatchedRun)
    for _ in range(20):
        lam = team.run.lam[0]
        team.play(1)
        held = set(np.delete(team.run.target, 2).tolist())
        assert held == set(np.argsort(-lam, kind="stable")[:4].tolist())
    assert margin(np.concatenate([team.play(1).reward_mean for _ in range(250)]), PAPER) > 0.25


def in_one_place(c: tuple[float, float], N: int) -> Scenario:
    """The paper's building with two zones around one waypoint, and a third elsewhere."""
    red, blue = PAPER.zones[0].model_dump(), PAPER.zones[2].model_dump()
    zones = [red | {"c": c[0]}, red | {"name": "within", "radius": 0.5, "c": c[1]}, blue | {"c": 0.2}]
    return Scenario.model_validate(PAPER.model_dump() | {"zones": zones, "agents": {"N": N}})


@pytest.mark.filterwarnings("ignore:.*Theorem 1 does not apply")
def test_zones_that_overlap_are_attended_together() -> None:
    scenario = in_one_place((0.5, 0.3), 1)
    assert overlapping(scenario)
    assert not overlapping(PAPER)
    assert sorted(map(tuple, attended_together(scenario).tolist())) == [
        (False, False, True),
        (True, True, False),
    ]
    assert upper_bound(scenario) == pytest.approx((1 - 0.5 - 0.2) / 2)  # half of what one agent has left
    assert upper_bound(in_one_place((0.5, 0.3), 2)) == pytest.approx(0.5)
    assert upper_bound(in_one_place((0.9, 0.3), 2)) == pytest.approx(0.1)
    reached = margin(oracle(scenario, 0, 0).play(400).reward_mean, scenario)
    assert reached < upper_bound(scenario)
