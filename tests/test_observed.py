"""Proposition 2 with recorded observations: closed forms, verdicts that flip, and the command's option."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import Call

from analysis.delays import AGREEMENT, AS_CORRECTED, AS_PRINTED
from analysis.observed import (
    Observed,
    exactly,
    footprints_for,
    measure_observed,
    observed_by_lag,
    observed_claims,
    read_observations,
)
from analysis.proposition2 import proposition2
from cmarlsim import Policy, Recording, Scenario, execute
from cmarlsim.errors import InputError
from cmarlsim.footprints.footprint import named
from cmarlsim.recordings.recording import Memory

K, T0, P = 20, 6, 0.3


def recording(position: np.ndarray) -> Recording:
    """Agents of `tiny` where `position` (T, N, 2) says, during whole rollouts."""
    T, N = position.shape[:2]
    scenario, k = Scenario.load("tiny", ["dual.T0=6", f"agents.N={N}"]), T // T0
    shapes = {"tile": (N,), "action": (N,), "link": (N, N), "reward": (3,), "estimate": (N, 3)}
    arrays = {"step/position": position} | {f"step/{x}": np.zeros((T, *each)) for x, each in shapes.items()}
    arrays |= {"rollout/lam": np.zeros((k + 1, N, 3)), "rollout/lam_ideal": np.zeros((k + 1, 3))}
    arrays["rollout/reward_mean"] = np.zeros((k, 3))
    attributes = {"seed": 0, "record": "step", "policy_sha256": "-", "rollouts_done": k}
    return Recording(Memory(arrays, attributes), "by hand", scenario)


def test_recorded_places_become_observations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Agent 0 stands in zone 2, agent 1 walks from zone 0 to zone 1 and on."""
    position = np.tile([[1.0, 1.0], [0.0, 0.0]], (2 * T0, 1, 1))
    position[7:, 1] = [2.0, 0.2]
    position[9:, 1] = [1.0, 0.0]
    run = recording(position)
    monkeypatch.setattr(Recording, "open", lambda path: run)
    own = read_observations("by hand")
    assert own.shape == (2, T0, 2, 3)
    assert own[:, :, 0].all(axis=(0, 1)).tolist() == [False, False, True]
    steps = own.reshape(-1, 2, 3)[:, 1]
    assert np.flatnonzero(steps[:, 0]).tolist() == list(range(7))
    assert np.flatnonzero(steps[:, 1]).tolist() == [7, 8]


def test_exact_knowledge_of_two_agents_is_the_closed_form() -> None:
    """Agent 0 sees zone 0 always, zone 3 every other rollout; agent 1 sees zone 1 at the last step."""
    own = np.zeros((2, T0, 2, 4), dtype=bool)
    own[:, :, 0, 0] = own[:, -1, 1, 1] = own[0, :, 0, 3] = True
    exact = exactly(named("path:2", P), own)
    late = 0.7 ** np.arange(T0)
    assert np.allclose(exact[:, 1, 0], 1 - late)
    assert np.allclose(exact[:, 0, 1], [0, *[1] * (T0 - 1)])
    assert np.allclose(exact[:, 1, 3], 1 - late / 2)
    assert np.allclose(exact[:, 0, [0, 2, 3]], 1)
    assert np.allclose(exact[:, 1, [1, 2]], 1)


@pytest.fixture(scope="module")
def own() -> np.ndarray:
    """Observations of three agents and two zones, that depend on each other and on the step."""
    generator = np.random.default_rng(0)
    own = generator.random((K, T0, 3, 2)) < np.linspace(0.1, 0.6, T0)[:, None, None]
    own[:, :, 2, 1] = own[:, :, 0, 0]
    own[:, :, :2, 1] = False
    return own


@pytest.fixture(scope="module")
def known(own: np.ndarray) -> Observed:
    return measure_observed(named("path:3", P), own, 2000, 0)


def words(known: Observed) -> dict[str, str]:
    table = observed_claims(known)
    return dict(zip(table["variant"], table["verdict"], strict=True))


def test_verdicts(known: Observed) -> None:
    assert known.repetitions == 2000
    assert words(known) == {AS_PRINTED: "fails", AS_CORRECTED: "holds", AGREEMENT: "holds"}
    assert words(replace(known, exact=None)) == {AS_PRINTED: "fails", AS_CORRECTED: "holds"}
    measured = observed_claims(known).set_index("variant")["measured"]
    assert measured[AS_PRINTED] > 0.9  # it knows what it sees
    table = observed_by_lag(known)
    assert known.exact is not None
    least = known.exact.mean(axis=0)
    assert least[table["agent"][0], table["zone"][0]] == least.min()
    assert (table["exact"] >= table["bound"]).all()


def test_verdicts_flip_when_the_bound_is_tampered_with(known: Observed) -> None:
    for case in (known, replace(known, exact=None)):
        assert words(replace(case, bound=known.bound + 0.9))[AS_CORRECTED] == "fails"
        assert words(replace(case, bound=np.ones(T0)))[AS_PRINTED] != "fails"
    assert known.exact is not None
    assert words(replace(known, exact=0.8 * known.exact))[AGREEMENT] == "fails"


def test_a_repetition_is_a_rollout_with_links_of_its_own(own: np.ndarray, known: Observed) -> None:
    once = measure_observed(named("path:3", P), own, 1, 0)
    assert once.repetitions == K
    again = measure_observed(named("path:3", P), own, K + 1, 0)
    assert again.repetitions == 2 * K
    assert not np.array_equal(again.count, 2 * once.count)
    assert once.error > 4 * known.error


def test_large_footprints_are_simulated_only() -> None:
    own = np.ones((4, 3, 11, 1), dtype=bool)
    large = measure_observed(named("path:11", 0.5), own, 4, 0)
    assert large.exact is None
    assert words(large)[AS_CORRECTED] in ("holds", "undecided")
    assert set(observed_claims(large)["method"]) == {"simulated"}


def test_footprints_for_a_team() -> None:
    assert footprints_for(2) == ["path:2"]
    assert footprints_for(5) == ["path:5", "cycle:5", "star:5", "complete:5"]
    for spec in footprints_for(5):
        assert named(spec, P).N == 5


@pytest.fixture
def call(call: Call) -> Call:
    """Run the command in an empty folder: exit code, stdout, stderr."""
    return partial(call, proposition2)


def test_the_command_replays_a_recording(call: Call) -> None:
    execute(Scenario.load("tiny", ["links.d=3"]), Policy.load("rank"), 200, 0, out="run.h5")
    arguments = ("--observations", "run.h5", "--repetitions", "100", "--p", "0.2", "--force")
    code, out, err = call(*arguments)
    assert (code, err) == (0, "")
    assert f"{AS_CORRECTED}: holds in 1" in out
    assert "recorded in `run.h5`" in Path("results/proposition2.md").read_text()
    assert pd.read_csv("results/proposition2.csv")["footprint"].unique().tolist() == ["path:2"]
    assert call(*arguments, "--footprint", "run.h5")[0] == 0
    code, out, err = call(*arguments, "--footprint", "cycle:5")
    assert (code, out, err) == (2, "", "error: cycle:5: N = 5: must be 2, as many as agents were recorded\n")


def test_recordings_that_do_not_serve_are_refused(call: Call) -> None:
    tiny, policy = Scenario.load("tiny"), Policy.load("rank")
    execute(tiny, policy, 20, 0, record="rollout", out="short.h5")
    execute(
        Scenario.load("tiny", ["agents.N=1", "zones.0.c=0", "zones.1.c=0", "zones.2.c=0"]),
        policy,
        20,
        0,
        out="one.h5",
    )
    for name, message in (
        ("short.h5", "recorded at level 'rollout', but the figure needs level 'step'"),
        ("one.h5", "one.h5: has one agent only"),
        ("none.h5", "none.h5"),
    ):
        code, out, err = call("--observations", name)
        assert (code, out) == (2, "")
        assert message in err
        assert err.count("\n") == 1


def test_other_numbers_of_agents_are_refused(own: np.ndarray) -> None:
    with pytest.raises(InputError, match="path:4: N = 4: must be 3, as many as agents were recorded"):
        measure_observed(named("path:4", P), own, 1, 0)
