"""The verdicts on Proposition 1, against the team of `tiny` enumerated by hand, and the command."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_team
from commands import Call
from tiny_team import INSIDE, LAM, NEXT, REWARD, T0, TINY, M, N

import analysis.proposition1
from analysis.enumerated import Alone, Joint, recurrent_classes, slopes, stationary
from analysis.proposition1 import (
    OWN,
    SHORT,
    TRAINED,
    cases,
    check,
    own_chain,
    proposition1,
    restless,
)
from cmarlsim import Scenario
from cmarlsim.bounds.verdicts import COLUMNS, CORRECTED, PRINTED
from cmarlsim.errors import InputError
from cmarlsim.storage.shipped import find

ALONE = Alone.of(TINY)
JOINT = Joint(ALONE)
PI = tiny_team.tables(tiny_team.random_tables(np.random.default_rng(5)))
Call = Call


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return check(TINY, 100, 0)


def words(table: pd.DataFrame, form: str, containing: str = "") -> set[str]:
    mine = table[(table["form"] == form) & table["quantity"].str.contains(containing, regex=False)]
    return set(mine["verdict"])


def test_the_enumeration_is_the_one_by_hand() -> None:
    assert np.array_equal(JOINT.reward, REWARD)
    assert np.allclose(JOINT.matrix(PI), tiny_team.chain(PI), rtol=0, atol=1e-14)
    assert np.array_equal(ALONE.inside[JOINT.places], INSIDE)
    joint, own = JOINT.matrix(PI, (1, 2)), [(a, 2) for a in range(M)]
    for state in range(len(joint)):
        reached = np.unique(NEXT[state, [tiny_team.ACTIONS.index(action) for action in own]])
        assert joint[state, reached].sum() == pytest.approx(1)


@pytest.mark.parametrize("lam", LAM)
def test_values_and_gradients_are_those_by_hand(lam: np.ndarray) -> None:
    logits = np.log(PI)
    assert JOINT.lagrangian(PI, lam) == pytest.approx(tiny_team.lagrangian(PI, lam), abs=1e-12)
    assert JOINT.objective(PI, lam, T0) == pytest.approx(tiny_team.finite_objective(PI, lam), abs=1e-12)
    attended = np.stack([ALONE.attended(each) for each in PI])
    assert ALONE.lagrangian(attended, lam) == pytest.approx(tiny_team.lagrangian(PI, lam), abs=1e-12)
    for n in range(N):
        truth = tiny_team.slopes(lambda pi: tiny_team.lagrangian(pi, lam), logits, n)
        assert np.allclose(slopes(lambda pi: JOINT.lagrangian(pi, lam), PI, n), truth, rtol=0, atol=1e-9)
        local = JOINT.local_q(PI, lam, n)
        assert np.allclose(ALONE.gradient(PI[n], local), truth, rtol=0, atol=1e-9)
        alone = ALONE.local_q(PI[n], ALONE.thinned(attended, lam, n))
        assert np.allclose(alone, local, rtol=0, atol=1e-12)
        mean = JOINT.sampled_mean(PI, lam, n, T0)
        assert np.allclose(mean, tiny_team.expected_estimate(PI, n, REWARD @ lam), rtol=0, atol=1e-12)


def test_recurrent_classes_and_stationary_laws() -> None:
    P = np.array([[0.5, 0.5, 0, 0], [0.25, 0.75, 0, 0], [0.5, 0, 0, 0.5], [0, 0, 0, 1.0]])
    assert [states.tolist() for states in recurrent_classes(P)] == [[0, 1], [3]]
    assert stationary(P[:2, :2]) == pytest.approx([1 / 3, 2 / 3])


def test_agents_that_never_stay_leave_l_to_the_first_state() -> None:
    """In step, both are in zones at every other step; out of step, one of them always is."""
    pi = restless(ALONE)
    assert pi is not None
    in_step, out = 0.5 * (1 - (2 / 3) ** 2), 1 / 3
    values = [level * LAM[0].sum() - TINY.c @ LAM[0] for level in (in_step, out)]
    assert sorted(JOINT.values(pi, LAM[0])) == pytest.approx(sorted(values))


def test_verdicts(table: pd.DataFrame) -> None:
    assert words(table, PRINTED, "local Q") == {"holds"}
    assert words(table, PRINTED, "never stay (2 recurrent classes)") == {"fails"}
    assert words(table, CORRECTED) == {"holds"}
    assert words(table, OWN) == {"fails"}
    assert words(table, SHORT, "of (13)") == {"holds"}
    assert words(table, SHORT, "of L") == {"fails"}
    assert words(table, TRAINED, "cosine") == {"fails"}
    short = table[(table["form"] == SHORT) & table["quantity"].str.contains("of L")]
    error = short.groupby("quantity", sort=False)["measured"].max().to_numpy()
    assert error[1:] / error[:-1] == pytest.approx([0.1, 0.1], rel=0.05)  # it falls as 1 / T0


@pytest.mark.parametrize("factor", [-1.0, 1.001])
def test_verdicts_flip_when_the_gradient_is_tampered_with(
    monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    true, sampled = Alone.gradient, Joint.sampled_mean
    monkeypatch.setattr(Alone, "gradient", lambda *a: factor * true(*a))
    monkeypatch.setattr(Joint, "sampled_mean", lambda *a, **k: factor * sampled(*a, **k))
    table = check(TINY, 100, 0)
    assert words(table, PRINTED, "local Q") == words(table, CORRECTED) == {"fails"}
    assert words(table, SHORT, "of (13)") == {"fails"}


@pytest.mark.compiled
def test_what_training_samples_is_the_gradient() -> None:
    assert words(check(TINY, 10_000, 1), TRAINED, "sampled") == {"holds"}


@pytest.mark.compiled
def test_sampling_tells_a_wrong_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    true = analysis.proposition1.returns_to_go
    monkeypatch.setattr(analysis.proposition1, "returns_to_go", lambda r, discount: 0.5 * true(r, discount))
    assert "fails" in words(check(TINY, 4000, 0), TRAINED, "sampled")


@pytest.fixture
def call(call: Call) -> Call:
    """Run the command in an empty folder: exit code, stdout, stderr."""
    return partial(call, proposition1)


@pytest.mark.compiled
def test_the_command_writes_table_and_verdicts(call: Call) -> None:
    code, out, err = call("tiny", "--episodes", "1000")
    assert (code, err) == (0, "")
    assert "| printed | local Q, eq. (12), against the gradient of L | tiny |" in out
    assert sorted(path.name for path in Path("results").iterdir()) == ["proposition1.csv", "proposition1.md"]
    first = Path("results/proposition1.csv").read_bytes()
    assert set(COLUMNS) < set(pd.read_csv("results/proposition1.csv").columns)
    assert call("tiny", "--episodes", "1000")[0] == 2
    assert call("tiny", "--episodes", "1000", "--force")[0] == 0
    assert Path("results/proposition1.csv").read_bytes() == first
    assert call("nowhere", "--force")[0] == 2


def test_scenarios_given_twice_are_refused(call: Call) -> None:
    for other in ("tiny", str(find("scenarios", "tiny", ".toml"))):
        code, out, err = call("tiny", other)
        assert (code, out) == (2, "")
        assert err == f"error: {other}: there is another scenario 'tiny': give each once\n"


def test_progress_is_told_after_each_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis.proposition1, "MOST_STATES", 0)
    done: list[int] = []
    check(TINY, 100, 0, done.append)
    assert done == [1] * analysis.proposition1.CASES


def test_what_cannot_be_enumerated_is_refused() -> None:
    fine = Scenario.load("paper", ["agents.speed=0.0131", "dual.T0=5000"])
    with pytest.raises(InputError, match="scenario 'paper': has too many places to enumerate"):
        Alone.of(fine)


def test_what_rounding_hides_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of large weights hardly ever leaves some places, and its law cannot be computed."""
    monkeypatch.setattr(analysis.proposition1, "SCALES", (8.0,))
    with np.errstate(divide="ignore"):  # probabilities of 0
        rows = [own_chain(case, ALONE, 0) for case in cases(TINY, 0)]
    assert any(row["measured"] > 1e-3 for row in rows)
    assert {row["verdict"] for row in rows} == {"holds", "undecided"}
    assert ALONE.rounding(np.full(PI[0].shape, 1 / M)) < 1e-13


def test_random_policies_of_many_zones_are_no_more_determined() -> None:
    hospital = Scenario.load("hospital")
    assert all(case.pi.min() > 1e-6 for case in cases(hospital, 0))
