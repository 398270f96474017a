"""What a run lets others do between rollouts: prescribe targets, replace multipliers, take an agent out."""

import naive
import numpy as np
import pytest
import sights
from cases import (
    LINK_MODELS,
    Case,
    footprint_pairs,
    own_observations,
    policy_of,
    random_weights,
    scenario_of,
    shipped_case,
    trained_case,
)

from cmarlsim.errors import InputError
from cmarlsim.randomness import stream, uniforms
from cmarlsim.recordings.sparse_links import matrices
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
    for n in (2, -1, 0.5):
        with pytest.raises(InputError, match="agents are 0 to 1"):
            Run(scenario_of(case), policy_of(case), 0).lose(n)


# --- lost agents of any scenario, against the twin ---


def simulated_with_losses(case: Case, seed: int, losses: list[list[int]]) -> dict[str, np.ndarray]:
    """What the twin makes of a run whose k-th rollout begins with the loss of the agents losses[k]."""
    N, T0, K = case.scenario["agents"]["N"], case.scenario["dual"]["T0"], len(losses)
    ground, c = (
        naive.ground_of(case.scenario, case.floorplan),
        np.array([zone["c"] for zone in case.scenario["zones"]]),
    )
    speed, pairs = naive.ticks(case.scenario["agents"]["speed"]), footprint_pairs(case.scenario)
    u_action, u_link = uniforms(seed, "action", 0, K, (T0, N)), uniforms(seed, "link", 0, K, (T0, len(pairs)))
    find_links = sights.links if case.scenario["links"]["model"] == "sight-or-disc" else naive.links
    places = [("node", p) for p in stream(seed, "start").integers(len(ground.plan.point), size=N).tolist()]
    lam, lost, rows = np.zeros((N, len(c))), np.zeros(N, dtype=bool), []
    for k in range(K):
        lost[losses[k]] = True
        own, link = np.zeros((T0, N, len(c)), dtype=bool), np.zeros((T0, N, N), dtype=bool)
        for t in range(T0):
            position = np.array([naive.position_of(ground.plan, place) for place in places])
            tile = [0 if lost[n] else naive.tile_of(case.floorplan, position[n]) for n in range(N)]
            own[t] = [naive.zones_of(case.scenario, x) for x in position.tolist()]
            link[t] = find_links(case.scenario, ground.walls, position.tolist(), u_link[k, t], pairs)
            own[t, lost] = link[t, lost] = link[t, :, lost] = False
            cdf = [naive.cdf_row(case.policy, n, ground.centre[tile[n]], lam[n]) for n in range(N)]
            action = [naive.draw_action(cdf[n], u_action[k, t, n]) for n in range(N)]
            places = [naive.advance(ground.plan, places[n], action[n], speed) for n in range(N)]
            position[lost] = np.nan
            rows.append((position, tile, action, link[t], own[t].any(axis=0)))
        estimate = naive.gossip_literal(own, link)
        eta, alpha = case.scenario["dual"]["eta"], case.scenario["dual"]["alpha"]
        lam = np.array([naive.dual_update(lam[n], estimate[:, n], c, alpha, eta) for n in range(N)])
    names = ("position", "tile", "action", "link", "reward")
    return {name: np.array(column) for name, *column in zip(names, *rows, strict=True)} | {"lam": lam}


@pytest.mark.parametrize("links", LINK_MODELS, ids=lambda links: links["model"])
@pytest.mark.parametrize(("agents", "speed"), [(70, 0.0371), (70, 1.0), (5, 0.0371), (5, 1.0)])
def test_lost_agents_of_any_scenario_are_those_of_the_twin(links: dict, agents: int, speed: float) -> None:
    """With numbered places and without, few agents and many, and links of every model."""
    case = random_weights(shipped_case("paper"), scale_lam=True)
    team = {"agents": {"N": agents, "speed": speed}, "dual": {"alpha": 0.05, "eta": 0.8, "T0": 6}}
    case = random_weights(case._replace(scenario=case.scenario | team | {"links": links}), scale_lam=True)
    scenario = scenario_of(case)
    assert (len(scenario.numbered.tile) > 0) == (speed == 1.0)
    losses = [[], [3], [], [1, 4, agents - 1], []]
    dense, sparse = (Run(scenario, policy_of(case), 2) for _ in range(2))
    chunks, thin = [], []
    for dead in losses:
        for n in dead:
            dense.lose(n)
            sparse.lose(n)
        chunks.append(dense.advance(1, keep_steps=True))
        thin.append(sparse.advance(1, keep_steps=True, sparse=True))
    expected = simulated_with_losses(case, 2, losses)
    for name in ("position", "tile", "action", "link", "reward"):
        found = np.concatenate([getattr(chunk, name) for chunk in chunks])
        np.testing.assert_allclose(found, expected[name], rtol=0, atol=1e-12)
    np.testing.assert_allclose(dense.lam, expected["lam"], rtol=1e-12)
    assert (sparse.lam == dense.lam).all()
    begin = np.cumsum([0, *(count for chunk in thin for count in chunk.link_count.tolist())])
    pairs = np.concatenate([chunk.link_pair for chunk in thin])
    assert (matrices(begin, pairs, agents, 0, len(begin) - 1) == expected["link"]).all()
