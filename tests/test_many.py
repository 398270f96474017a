"""Many runs in one call, links kept sparse, and runs that would not fit into memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import COMPILED

import cmarlsim
from cmarlsim import limits
from cmarlsim.recordings.datasets import choose_links
from cmarlsim.recordings.recording import Recording
from cmarlsim.simulation import memory_limits
from cmarlsim.simulation.execution import Run

RANK = cmarlsim.Policy.load("rank")
TINY = cmarlsim.Scenario.load("tiny")
STEPS = 30 * TINY.dual.T0


def same(one: Recording, other: Recording) -> bool:
    names = [*one.names] if one.level != "summary" else []
    equal = [one.read(name).tobytes() == other.read(name).tobytes() for name in names]
    certificates = one.certificate().tobytes() == other.certificate().tobytes()
    return all(equal) and certificates and (one.satisfaction() == other.satisfaction()).all()


@pytest.mark.parametrize("record", ["step", "rollout", "summary"])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_runs_at_once_are_the_runs_one_by_one(threads: int, record: str) -> None:
    scenarios = [TINY, cmarlsim.Scenario.load("tiny", ["links.d=0.1", "dual.alpha=0.03"])]
    batch = [(scenario, RANK, seed) for scenario in scenarios for seed in (3, 1, 4)]
    together = cmarlsim.execute_batch(batch, STEPS, record=record, threads=threads)
    assert [recording.seed for recording in together] == [3, 1, 4, 3, 1, 4]
    for (scenario, policy, seed), recording in zip(batch, together, strict=True):
        assert recording.scenario is scenario
        assert same(recording, cmarlsim.execute(scenario, policy, STEPS, seed, record=record))
    assert not same(together[0], together[1])


def test_seeds_are_a_batch_of_one_scenario() -> None:
    runs = cmarlsim.execute(TINY, RANK, STEPS, seeds=[5, 6])
    assert [run.seed for run in runs] == [5, 6]
    assert all(same(run, cmarlsim.execute(TINY, RANK, STEPS, run.seed)) for run in runs)
    assert cmarlsim.execute(TINY, RANK, STEPS, seeds=[]) == []


def test_one_bad_run_ends_the_batch() -> None:
    reported: list[int] = []
    batch = [(TINY, cmarlsim.Policy.load("paper"), 0), (TINY, RANK, 0)]
    with pytest.raises(cmarlsim.InputError, match="the policy is for N = 5"):
        cmarlsim.execute_batch(batch, STEPS, threads=1, progress=lambda done: not reported.append(done))
    assert sum(reported) <= 30


@pytest.mark.parametrize(("answer", "rollouts"), [(False, 200), (True, 300), (None, 300)])
def test_a_generator_of_runs_stops_where_progress_says_so(answer: Any, rollouts: int) -> None:
    batch = ((TINY, RANK, seed) for seed in range(3))
    runs = cmarlsim.execute_batch(batch, 300 * TINY.dual.T0, threads=1, progress=lambda done: answer)
    assert [run.rollouts_done for run in runs] == [rollouts] * 3


@pytest.mark.parametrize(("name", "overrides"), [("tiny", []), ("paper", ["links.d=3"])])
@pytest.mark.parametrize("chunk", [1, 3, 40])
def test_sparse_links_are_the_dense_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, overrides: list[str], chunk: int
) -> None:
    monkeypatch.setattr("cmarlsim.simulation.execution._CHUNK_ROLLOUTS", chunk)
    scenario = cmarlsim.Scenario.load(name, overrides)
    steps = (7 if COMPILED else 2) * scenario.dual.T0
    dense = cmarlsim.execute(scenario, RANK, steps, 2, links="dense")
    sparse = cmarlsim.execute(scenario, RANK, steps, 2, links="sparse")
    assert (sparse.links() == dense.link).all()
    assert dense.link[1:].any()
    assert (sparse.links(5, 17) == dense.link[5:17]).all()
    assert (dense.links(5, 17) == dense.link[5:17]).all()
    assert sparse.links(9, 9).shape == (0, *dense.link.shape[1:])
    assert (sparse.link_pair[:, 0] < sparse.link_pair[:, 1]).all()
    for other in ("position", "action", "reward", "estimate", "lam"):
        assert (getattr(sparse, other) == getattr(dense, other)).all(), other
    file = cmarlsim.execute(scenario, RANK, steps, 2, links="sparse", out=tmp_path / "r.h5")
    assert same(file, sparse)
    assert (Recording.open(tmp_path / "r.h5").links(3) == dense.link[3:]).all()
    assert file.file["step/link_pair"].dims[0].keys() == ["change"]
    assert "go up or down" in file.file["step/link_count"].attrs["note"]


@pytest.mark.parametrize("agents", [2, 5, 66])
@pytest.mark.parametrize("model", ["bernoulli", "always", "never"])
def test_links_of_every_model_are_kept_sparse(
    monkeypatch: pytest.MonkeyPatch, model: str, agents: int
) -> None:
    monkeypatch.setattr("cmarlsim.simulation.execution._CHUNK_ROLLOUTS", 2)
    drawn = ["links.p=0.3", "links.footprint=complete"] if model == "bernoulli" else []
    scenario = cmarlsim.Scenario.load("tiny", [f"links.model={model}", f"agents.N={agents}", *drawn])
    sparse = cmarlsim.execute(scenario, RANK, 5 * scenario.dual.T0, links="sparse")
    dense = cmarlsim.execute(scenario, RANK, 5 * scenario.dual.T0, links="dense")
    assert (sparse.links() == dense.link).all()
    assert dense.link.any() == (model != "never")


def test_a_form_that_was_not_kept_is_named() -> None:
    sparse, dense = (cmarlsim.execute(TINY, RANK, STEPS, links=form) for form in ("sparse", "dense"))
    with pytest.raises(cmarlsim.InputError, match=r"kept sparse, not as 'link': links\(\) gives matrices"):
        _ = sparse.link
    with pytest.raises(cmarlsim.InputError, match="kept dense, not as 'link_pair'"):
        _ = dense.link_pair


def test_recordings_that_do_not_fit_into_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "machine_bytes", lambda: 10**6)
    cmarlsim.execute(TINY, RANK, STEPS)
    with pytest.raises(cmarlsim.InputError, match=r"1 recordings in memory need .* or write to files"):
        cmarlsim.execute(TINY, RANK, 100 * STEPS)
    with pytest.raises(cmarlsim.InputError, match="200 recordings in memory need"):
        cmarlsim.execute(TINY, RANK, STEPS, seeds=range(200))
    assert len(cmarlsim.execute(TINY, RANK, STEPS, seeds=range(200), record="summary")) == 200


@pytest.mark.parametrize(
    ("links", "agents", "sparse"), [("auto", 64, False), ("auto", 65, True), ("dense", 65, False)]
)
def test_links_of_few_agents_are_dense(links: str, agents: int, sparse: bool) -> None:
    scenario = cmarlsim.Scenario.load("tiny", [f"agents.N={agents}"])
    assert choose_links(scenario, 100, "step", links) == sparse


def test_records_that_would_grow_too_large_are_refused_with_what_helps() -> None:
    scenario, steps = cmarlsim.Scenario.load("tiny", ["agents.N=2000"]), 40_000
    with pytest.raises(cmarlsim.InputError, match=r"links of N = 2000 .* are 160 GB.*use links='sparse'"):
        cmarlsim.execute(scenario, RANK, steps, links="dense")
    with pytest.raises(cmarlsim.InputError, match=r"estimates of N = 2000 agents.*use record='rollout'"):
        cmarlsim.execute(scenario, RANK, 1000 * steps, links="sparse")


@pytest.mark.parametrize(
    ("overrides", "helps"),
    [
        (["agents.N=60000"], "lower agents.N"),
        (["agents.N=2000", "dual.T0=1000000"], "lower dual.T0 or agents.N"),
    ],
)
def test_tables_that_do_not_fit_are_refused_before_they_are_made(
    monkeypatch: pytest.MonkeyPatch, overrides: list[str], helps: str
) -> None:
    monkeypatch.setattr(limits, "machine_bytes", lambda: 16 * 10**9)
    with pytest.raises(cmarlsim.InputError, match=rf"its tables need \d+\.\d GB.*{helps}"):
        Run(cmarlsim.Scenario.load("tiny", overrides), RANK, 0)


def test_the_tables_of_a_policy_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "machine_bytes", lambda: 10_000)
    with pytest.raises(cmarlsim.InputError, match="M = 6, T0 = 100"):
        Run(cmarlsim.Scenario.load("paper"), cmarlsim.Policy.load("paper"), 0)


def test_the_estimate_of_memory_is_no_less_than_what_is_taken() -> None:
    """All arrays of a run on a plan with many agents, against the sum that is checked."""
    scenario = cmarlsim.Scenario.load("tiny", ["agents.N=300", "dual.T0=50"])
    run = Run(scenario, RANK, 0)
    run.advance(1, keep_steps=False)

    def size(part: object) -> int:
        if isinstance(part, np.ndarray):
            return part.nbytes
        return sum(size(each) for each in part) if isinstance(part, tuple) else 0

    assert size(run._scene) <= sum(memory_limits.table_bytes(scenario, RANK).values())


def test_a_footprint_of_too_many_edges_is_refused() -> None:
    settings = ["links.model=bernoulli", "links.p=0.3", "links.footprint=complete", "agents.N=60000"]
    with pytest.raises(cmarlsim.InputError, match=r"1,799,970,000 edges for N = 60000.*fewer agents"):
        cmarlsim.Scenario.load("tiny", settings)
