"""The log of a rollout: what is in it, in which order; it leads back, and its size does not show."""

import naive
import numpy as np
import pytest
import worlds
from cases import (
    COMPILED,
    Case,
    footprint_pairs,
    own_observations,
    policy_of,
    random_weights,
    scenario_of,
    shipped_case,
    simulated,
    trained_case,
    with_logits,
)
from hypothesis import given, settings
from kernels import run_on, sites, words_of

import cmarlsim.kernels.scene
from cmarlsim.kernels.changes import Log, longer, new_log, time_of_last
from cmarlsim.kernels.gossip import begin_backward_gossip, undo
from cmarlsim.kernels.world import Bools
from cmarlsim.simulation.execution import Run

pytestmark = pytest.mark.kernels

Change = tuple[int, int, int]


def changes_of(log: Log) -> list[Change]:
    return [tuple(change) for change in log.change[: log.length[0]].tolist()]


def expected_changes(case: Case, twin: dict[str, np.ndarray], own: Bools, k: int) -> list[Change]:
    """Of rollout k: by agents that arrive, first their zones, then their links; then links that are drawn."""
    T0, agents = case.scenario["dual"]["T0"], case.scenario["agents"]["N"]
    model, position, pairs = case.scenario["links"]["model"], twin["position"], footprint_pairs(case.scenario)
    talking = np.zeros((agents, agents), dtype=bool) if k == 0 else twin["link"][k * T0 - 1].copy()
    changes: list[Change] = []
    for t in range(T0):
        now = k * T0 + t
        inside = np.zeros_like(own[0]) if now == 0 else own[now - 1]
        for n in range(agents):
            if t > 0 and (position[now, n] == position[now - 1, n]).all():
                continue
            changes += [(t, n, -1 - m) for m in np.flatnonzero(own[now, n] != inside[n]).tolist()]
            if model == "sight-or-disc":
                changed = np.flatnonzero(twin["link"][now, n] != talking[n])
                changes += [(t, n, j) for j in changed.tolist()]
                talking[n, changed] = twin["link"][now, n, changed]
                talking[changed, n] = talking[n, changed]
        if model == "bernoulli":
            changes += [(t, i, j) for i, j in pairs if twin["link"][now, i, j] != talking[i, j]]
            talking = twin["link"][now].copy()
    return changes


def check_log(case: Case, K: int) -> None:
    """In all ways to look at the world: what is logged, and what undoing it leads back to."""
    scenario, policy, T0 = scenario_of(case), policy_of(case), case.scenario["dual"]["T0"]
    twin = simulated(case, 21, K)
    own = own_observations(case, twin["position"])
    for site in sites(scenario):
        run = run_on(scenario, policy, site, 21)
        for k in range(K):
            run.advance(1, keep_steps=False)
            assert changes_of(run._scene.log) == expected_changes(case, twin, own, k)
            back, log, left = run._scene.gossip, run._scene.log, int(run._scene.log.length[0])
            begin_backward_gossip(run._scene.contacts, T0, back)
            for t in reversed(range(T0)):
                now = k * T0 + t
                assert (back.at.zones == words_of(own[now])).all()
                assert (back.at.inside == words_of(own[now].T)).all()
                assert (back.at.link == words_of(twin["link"][now])).all()
                assert time_of_last(log, left) <= t
                if time_of_last(log, left) == t:
                    left = undo(back, log, left)
            assert left == 0


@given(worlds.random_cases())
@settings(max_examples=120 if COMPILED else 25)
def test_logs_of_random_worlds_are_what_the_twin_sees(case: Case) -> None:
    check_log(case, 3)


@pytest.mark.parametrize("factor", [100.0, 1.0, 0.01])
def test_logs_on_the_papers_plan_are_what_the_twin_sees(factor: float) -> None:
    """Also that no more happens in a rollout than has to."""
    check_log(with_logits(trained_case(), factor), 3 if COMPILED else 1)


def test_rows_are_computed_where_agents_come_and_nowhere_else() -> None:
    case, T0 = trained_case(), 100
    run, twin = Run(scenario_of(case), policy_of(case), 22), simulated(case, 22, 3)
    for k in range(3):
        run.advance(1, keep_steps=False)
        visited = np.zeros((5, 12), dtype=bool)
        for tiles in twin["tile"][k * T0 : (k + 1) * T0]:
            visited[np.arange(5), tiles] = True
        assert (run._scene.tables.ready == visited).all()


def test_a_longer_log_remembers() -> None:
    log = new_log(3)
    log.change[...], log.length[0] = np.arange(9).reshape(3, 3), 3
    after = longer(log)
    assert len(after.change) == 6
    assert changes_of(after) == [(0, 1, 2), (3, 4, 5), (6, 7, 8)]


@pytest.mark.parametrize("links", [{"model": "sight-or-disc", "d": 5.0}, {"model": "bernoulli", "p": 0.3}])
@pytest.mark.parametrize("agents", [5, 66])
def test_a_log_that_fills_up_does_not_show(
    monkeypatch: pytest.MonkeyPatch, agents: int, links: naive.Toml
) -> None:
    case = shipped_case("paper")
    changes = {"agents": {"N": agents, "speed": 1.0}, "links": links | {"footprint": "cycle"}}
    case = random_weights(case._replace(scenario=case.scenario | changes), scale_lam=True)
    if not COMPILED:
        case.scenario["dual"]["T0"] = 10
    scenario, traces, grew = scenario_of(case), [], []
    for room in (2**20, 1):
        monkeypatch.setattr(cmarlsim.kernels.scene, "LOG_CAPACITY", room)
        run = Run(scenario, policy_of(case), 23)
        before = len(run._scene.log.change)
        traces.append(run.advance(3, keep_steps=True))
        grew.append(len(run._scene.log.change) > before)
    assert grew == [False, True]
    for name, found, expected in zip(traces[0]._fields, *traces, strict=True):
        assert found.tobytes() == expected.tobytes(), name
