"""What a run lets others do between rollouts: prescribe targets, replace multipliers, take an agent out."""

import naive
import numpy as np
import pytest
from cases import Case, own_observations, policy_of, scenario_of, shipped_case, trained_case, two_copies

from cmarlsim.errors import InputError
from cmarlsim.randomness import stream
from cmarlsim.simulation.execution import Run
from cmarlsim.simulation.prescribed import PrescribedRun


def linked(case: Case, **links: object) -> Case:
    return case._replace(scenario=case.scenario | {"links": links})


@pytest.mark.parametrize("name", ["tiny", "paper"])
def test_agents_go_where_they_are_told(name: str) -> None:
    case, K, seed = shipped_case(name), 3, 4
    N, T0, M = case.scenario["agents"]["N"], case.scenario["dual"]["T0"], len(case.scenario["zones"])
    targets = np.random.default_rng(1).integers(M, size=(K * T0, N)).repeat(7, axis=0)[: K * T0]
    run = PrescribedRun(scenario_of(case), targets, seed)
    position = np.concatenate([run.advance(1, keep_steps=True).position for _ in range(K)])
    plan, speed = naive.build_plan(case.scenario, case.floorplan), naive.ticks(1.0)
    for n, waypoint in enumerate(stream(seed, "start").integers(len(plan.point), size=N)):
        place: naive.Place = ("node", int(waypoint))
        for t in range(K * T0):
            assert position[t, n] == pytest.approx(naive.position_of(plan, place), abs=1e-12)
            place = naive.advance(plan, place, int(targets[t, n]), speed)


def test_targets_that_cannot_be_are_refused() -> None:
    scenario = scenario_of(shipped_case("tiny"))
    for targets, what in [
        (np.zeros((15, 2), dtype=int), "multiple of T0"),
        (np.zeros((10, 3), dtype=int), r"must be \(T, 2\)"),
        (np.zeros((10, 2)), "whole numbers"),
        (np.full((10, 2), 3), "zones are 0 to 2"),
    ]:
        with pytest.raises(InputError, match=what):
            PrescribedRun(scenario, targets, 0)
    with pytest.raises(InputError, match="end after 1 rollouts: 2 were asked for"):
        PrescribedRun(scenario, np.zeros((10, 2), dtype=int), 0).advance(2, keep_steps=False)


def test_what_agents_know_is_the_sum_of_their_estimates() -> None:
    case = trained_case()
    run = Run(scenario_of(case), policy_of(case), 1)
    assert not run.known.any()
    for _ in range(4):
        chunk = run.advance(1, keep_steps=True)
        assert (run.known == chunk.estimate.sum(axis=0)).all()
    assert run.known.any()


def test_multipliers_can_be_replaced_between_rollouts() -> None:
    case = trained_case()
    free, held = (Run(scenario_of(case), policy_of(case), 1) for _ in range(2))
    lam = np.random.default_rng(2).random((5, 6))
    free.lam = lam
    for k in range(3):
        before = held.lam
        held.lam = lam
        chunk, other = held.advance(1, keep_steps=True), free.advance(1, keep_steps=True)
        assert (chunk.action == other.action).all() == (k == 0)  # equal until eq. (18) was at work
        count = chunk.estimate.sum(axis=0)
        expected = np.maximum(0, 0.99 * lam + 0.5 / 100 * (100 * held.scenario.c - count))
        assert held.lam == pytest.approx(expected)
        assert before is not held.lam
    for wrong in (lam[:4], -lam, lam + np.inf):
        with pytest.raises(InputError, match="lam of shape"):
            held.lam = wrong


@pytest.mark.parametrize("model", ["sight-or-disc", "never"])
def test_a_lost_agent_attends_nothing_and_talks_to_nobody(model: str) -> None:
    case, dead, K = linked(trained_case(), model=model, d=5.0), 3, 2
    T0 = case.scenario["dual"]["T0"]
    run, whole = (Run(scenario_of(case), policy_of(case), 6) for _ in range(2))
    for each in (run, whole):
        each.advance(K, keep_steps=False)
    run.lose(dead)
    chunk, other = run.advance(K, keep_steps=True), whole.advance(K, keep_steps=True)
    alive = [n for n in range(5) if n != dead]
    assert np.isnan(chunk.position[:, dead]).all()
    assert not np.isnan(chunk.position[:, alive]).any()
    first = chunk.action[:T0, alive] == other.action[:T0, alive]
    assert first.all()  # the same draws and multipliers
    if model == "never":
        assert (chunk.position[:, alive] == other.position[:, alive]).all()
    own, walls = own_observations(case, chunk.position), naive.wall_segments(case.floorplan)
    assert not own[:, dead].any()
    assert (chunk.reward == own.any(axis=1)).all()
    for t in range(0, K * T0, 9):
        link = naive.links(case.scenario, walls, chunk.position[t, alive].tolist())
        assert (chunk.link[t][np.ix_(alive, alive)] == link).all()
    assert not chunk.link[:, dead].any()
    assert not chunk.link[:, :, dead].any()
    for k in range(K):
        rows = slice(k * T0, (k + 1) * T0)
        assert (chunk.estimate[rows] == naive.gossip_literal(own[rows], chunk.link[rows])).all()


def test_everybody_may_be_lost_and_twice() -> None:
    case = shipped_case("tiny")
    run = Run(scenario_of(case), policy_of(case), 0)
    for n in (0, 1, 1):
        run.lose(n)
    chunk = run.advance(3, keep_steps=True)
    assert not chunk.reward.any()
    assert not chunk.link.any()
    assert not run.known.any()


def test_who_cannot_be_lost_is_said() -> None:
    case = shipped_case("tiny")
    with pytest.raises(InputError, match="agents are 0 to 1"):
        Run(scenario_of(case), policy_of(case), 0).lose(2)
    for other in (linked(case, model="always"), two_copies()):
        scenario = scenario_of(other)
        run = Run(scenario, policy_of(other), 0)
        if scenario.links.model == "always":
            with pytest.raises(InputError, match="needs 'sight-or-disc'"):
                run.lose(0)
        else:
            run.lose(0)
            assert np.isnan(run.advance(1, keep_steps=True).position[:, 0]).all()
