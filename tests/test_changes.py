"""The log of a rollout: it has what happens and no more, it leads back, and its size does not show."""

import naive
import numpy as np
import pytest
import worlds
from cases import (
    COMPILED,
    Case,
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
from cmarlsim.kernels.changes import time_of_last
from cmarlsim.kernels.gossip import begin_backward_gossip, undo
from cmarlsim.kernels.world import Bools
from cmarlsim.simulation.execution import Run

pytestmark = pytest.mark.kernels


def fewest_changes(case: Case, twin: dict[str, np.ndarray], own: Bools) -> np.ndarray:
    """(K,) how often an agent enters or leaves a zone, or a link that is looked at or drawn changes."""
    changes = np.diff(own, axis=0, prepend=False).sum(axis=(1, 2))
    if case.scenario["links"]["model"] in ("sight-or-disc", "bernoulli"):
        changes += np.diff(twin["link"], axis=0, prepend=False).sum(axis=(1, 2)) // 2
    return changes.reshape(-1, case.scenario["dual"]["T0"]).sum(axis=1)


def check_log(case: Case, K: int) -> None:
    """In all ways to look at the world: no more is logged than happens, and undoing it leads back."""
    scenario, policy, T0 = scenario_of(case), policy_of(case), case.scenario["dual"]["T0"]
    twin = simulated(case, 21, K)
    own = own_observations(case, twin["position"])
    fewest = fewest_changes(case, twin, own)
    for site in sites(scenario):
        run = run_on(scenario, policy, site, 21)
        for k in range(K):
            run.advance(1, keep_steps=False)
            assert run._scene.log.length[0] == fewest[k]
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
