"""Lemmas 1 and 2 and the conditions of Theorem 1: against brute force, closed forms, and tampering."""

import math
import warnings
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import outcome

from analysis.theorem1 import conditions, lemma1, lemma2, repeats
from analysis.theorem1.__main__ import theorem1
from analysis.theorem1.conditions import FORMS, PROPOSITION_4, Constants, ErrorBound
from analysis.theorem1.repeats import Values, values_of
from cmarlsim import InputError, Policy, Recording, Scenario, execute
from cmarlsim.bounds.proposition3 import MultiplierBound
from cmarlsim.bounds.proposition4 import PathBounds
from cmarlsim.bounds.theorem1 import least_slack, slack
from cmarlsim.bounds.verdicts import COLUMNS, PRINTED, SHARPER, Statement
from cmarlsim.simulation.execution import Run

PAPER = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def best_by_brute_force(lam: np.ndarray, N: int) -> float:
    """Largest lambda^T V: every agent in any zone, a zone counted once."""
    return max(sum(lam[m] for m in set(where)) for where in product(range(len(lam)), repeat=N))


def least_by_brute_force(c: np.ndarray, N: int) -> tuple[float, float]:
    """Least slack over all orders of the multipliers and all rays of each order's cone."""
    found = []
    for order in permutations(range(len(c))):
        for j in range(1, len(c) + 1):
            lam = np.zeros(len(c))
            lam[list(order[:j])] = 1
            left = best_by_brute_force(lam, N) - lam @ c
            found.append((left, left / math.sqrt(j)))
    return min(left for left, _ in found), min(ratio for _, ratio in found)


@pytest.mark.parametrize("N", [1, 2, 3, 5])
def test_the_ideal_policy_is_the_best_of_all_assignments(N: int) -> None:
    lam, c = np.random.default_rng(N).random((20, 4)).round(1), PAPER[:4]  # with ties
    truth = [(best_by_brute_force(each, N) - each @ c) / np.linalg.norm(each) for each in lam]
    assert lemma1.slacks(lam, c, N) == pytest.approx(truth)


@pytest.mark.parametrize("N", [1, 2, 3, 4])
def test_the_least_slack_is_that_of_the_worst_ray(N: int) -> None:
    generator = np.random.default_rng(7)
    for c in generator.beta(0.5, 0.5, size=(6, 4)):
        found, truth = least_slack(c, N), least_by_brute_force(c, N)
        assert found == pytest.approx(truth)
        lam = generator.exponential(size=(300, 4)) ** 3
        if truth[1] >= 0:
            assert lemma1.slacks(lam, c, N).min() >= found[1] - 1e-12
        by_largest = lemma1.slacks(lam, c, N) * np.linalg.norm(lam, axis=1) / lam.max(axis=1)
        assert by_largest.min() >= found[0] - 1e-12


@pytest.mark.parametrize("N", [2, 3])
def test_lemma_1_holds_exactly_up_to_N_minus_1_and_the_largest_threshold(N: int) -> None:
    """Up to ||c||_1 = N - 1 + ||c||_inf, where the paper asks for N - 1."""
    c = np.random.default_rng(5).beta(0.5, 0.5, size=(500, 5))
    left = np.array([least_slack(each, N)[0] for each in c]) - (1 - c.max(axis=1))
    holds = c.sum(axis=1) <= N - 1 + c.max(axis=1)
    assert (left[holds] >= -1e-12).all()
    assert (left[~holds] < 0).all()
    assert (c.sum(axis=1)[holds] > N - 1).any()


def test_the_papers_slack() -> None:
    """One zone alone is the worst: 1 - .6; so (27) gives a factor sqrt(6) away."""
    assert least_slack(PAPER, 5) == pytest.approx((0.4, 0.4))
    assert lemma1.closed_slack(PAPER, 5) == pytest.approx(0.4)
    small = np.full(100, 0.01)
    assert lemma1.closed_slack(small, 2) == pytest.approx(0.1) == least_slack(small, 2)[1]


def words(table: pd.DataFrame, claim: str, form: str) -> list[str]:
    return table[(table["claim"] == claim) & (table["form"] == form)]["verdict"].tolist()


def test_lemma_1s_rows_and_where_its_conclusion_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    lam = np.random.default_rng(0).random((5, 6))
    found = lemma1.rows(Scenario.load("paper"), lam)
    assert tuple(found.columns) == COLUMNS
    assert set(found["verdict"]) == {"holds"}
    for factor, form in ((0.39 / 0.4, PRINTED), (4, SHARPER)):
        tampered = tuple(factor * np.array(least_slack(PAPER, 5)))
        monkeypatch.setattr(lemma1, "least_slack", lambda c, N, tampered=tampered: tampered)
        assert "fails" in words(lemma1.rows(Scenario.load("paper"), lam), "Lemma 1", form)


def test_more_than_all_agents_together_can_do() -> None:
    """||c||_1 = 1.4 for one agent: with all multipliers alike lambda^T (V - c) < 0."""
    with pytest.warns(UserWarning, match="Theorem 1 does not apply"):
        found = lemma1.rows(Scenario.load("tiny", ["agents.N=1", "zones.top.c=0.9"]), np.ones((1, 3)))
    assert words(found, "Lemma 1", PRINTED)[:2] == ["fails", "fails"]
    least = found[found["quantity"].str.startswith("(30)")]["measured"]
    assert least.item() == pytest.approx(-0.4)
    assert words(found, "Lemma 1", SHARPER) == []


def test_conditions_that_a_scenario_does_not_meet() -> None:
    with pytest.warns(UserWarning, match="Theorem 1 does not apply"):
        crowded = Scenario.load("tiny", ["agents.N=1", "zones.top.radius=1.2"])
    found = lemma1.conditions(crowded)
    assert [line["verdict"] for line in found] == ["holds", "fails", "fails", "holds"]
    assert found[2]["measured"] == 2  # left and right reach to (1, 0)


def fake(R: int = 40, K: int = 6, noise: float = 0.01) -> Values:
    """Rollouts of two agents and three zones whose values are known but for the noise."""
    generator = np.random.default_rng(3)
    lam = np.tile([3.0, 4.0, 0.0], (K, 1))
    away = np.linspace(0.5, 1.0, K)
    shared = np.tile([0.9, 0.7, 0.1], (K, R, 1))
    own = shared - away[:, None, None] * np.array([0.3, 0.4, 0.0])
    nearer = shared - repeats.NEARER * away[:, None, None] * np.array([0.6, 0.8, 0.0])
    frozen = np.tile([1.0, 0.8, 0.0], (K, R, 1))
    parts = [part + noise * generator.normal(size=part.shape) for part in (own, shared, nearer, frozen)]
    return Values(2, np.array([0.2, 0.3, 0.4]), lam, away, *parts)


def test_epsilon_beta_L_and_26_of_known_values() -> None:
    samples, exact = fake(), fake(noise=0.0)
    truth = {
        "mismatch": (0.6 * 0.1 + 0.8 * 0.3) * np.ones(6),
        "beta": 0.8 * 0.2 * np.ones(6),
        "gain": 0.6 * 0.7 + 0.8 * 0.4 - 0.5 * exact.away,
        "L": 0.5 * np.ones(6),
        "nearer": np.ones(6),
        "norm": math.sqrt(0.1**2 + 0.3**2 + 0.1**2) * np.ones(6),
    }
    for s in (samples, exact):
        found = {
            "mismatch": s.mismatch(s.shared),
            "beta": s.mismatch(s.frozen),
            "gain": s.gain(),
            "L": s.slope(s.own),
            "nearer": s.slope(s.nearer, repeats.NEARER),
            "norm": s.distance(s.ideal[:, None], s.shared),
        }
        for name, (middle, low, high) in found.items():
            assert ((low <= truth[name] + 1e-12) & (truth[name] <= high + 1e-12)).all(), name
            assert middle == pytest.approx(truth[name], abs=0.05 if s is samples else 1e-12), name
    assert Constants.of(exact) == Constants(
        pytest.approx(0.3), pytest.approx(truth["norm"][0]), pytest.approx(0.5)
    )
    assert exact.ideal.tolist() == [[1, 1, 0]] * 6


def test_ties_are_broken_towards_what_agents_do() -> None:
    tied = Values(
        1, np.full(3, 0.2), np.array([[2.0, 2.0, 1.0]]), np.ones(1), *[np.array([[[0.1, 0.8, 0.9]]])] * 4
    )
    assert tied.ideal.tolist() == [[0, 1, 0]]


def test_repeated_rollouts_of_a_team_whose_values_are_known() -> None:
    """Ranked agents that stay: those of the two largest multipliers; then V = V_P for T0 to infinity."""
    scenario = Scenario.load("tiny")
    samples = values_of(scenario, Policy.load("rank"), [0], [3, 8])
    run = Run(scenario, Policy.load("rank"), 0)
    chunk = run.advance(8, keep_steps=False)
    assert np.array_equal(samples.lam[-1], chunk.lam_ideal[-1])
    assert samples.away[-1] == np.abs(chunk.lam[-1] - chunk.lam_ideal[-1]).max()
    assert samples.frozen == pytest.approx(np.repeat(samples.ideal[:, None], repeats.LONG, axis=1))
    own = run.fork(run.lam).advance(1, keep_steps=False).reward_mean[0]
    assert samples.own[-1] == pytest.approx(np.tile(own, (repeats.REPEATED, 1)))  # ranking draws nothing
    together = run.fork(chunk.lam_ideal[-1]).advance(1, keep_steps=False).reward_mean[0]
    assert samples.shared[-1] == pytest.approx(np.tile(together, (repeats.REPEATED, 1)))


def test_a_fork_with_other_draws() -> None:
    scenario, policy = Scenario.load("paper"), Policy.load("paper")
    run = Run(scenario, policy, 0)
    run.advance(1, keep_steps=False)
    one, same, other = (run.fork(run.lam, seed).advance(1, keep_steps=True).position for seed in (5, 5, 6))
    assert np.array_equal(one, same)
    assert np.array_equal(one[0], other[0])
    assert not np.array_equal(one, other)
    with pytest.raises(InputError, match="seed"):
        run.fork(run.lam, -1)


BOUND = ErrorBound("proven", printed=0.02, corrected=0.03)


def test_the_forms_of_delta_and_25() -> None:
    c, N = np.array([0.2, 0.3, 0.4]), 3
    assert [BOUND.error(form) for form in FORMS] == [0.02, 0.02, 0.03]
    assert [conditions.delta(form, c, N, 0.1) for form in FORMS[:2]] == pytest.approx(slack(c, 0.1))
    for form, factor in zip(FORMS, (3, math.sqrt(3), 1), strict=True):
        most = conditions.most_mismatch(form, c, N)
        assert most == pytest.approx(0.6 / factor)
        assert conditions.delta(form, c, N, most) == pytest.approx(0)
        L = conditions.most_L(form, c, N, 0.1, BOUND.error(form))
        assert pytest.approx((0.6 - factor * 0.1) / factor / BOUND.error(form)) == L
        assert conditions.gain_bound(form, c, N, 0.1 + L * BOUND.error(form)) == pytest.approx(0)
        assert conditions.most_L(form, c, N, 1.0, 0.1) == conditions.most_L(form, c, N, 0.0, math.inf) == 0
        assert conditions.most_L(form, c, N, 0.1, 0.0) == math.inf
    error = MultiplierBound(d_G=3, p=0.2, alpha=0.01, eta=0.5, T0=100).printed()
    assert conditions.most_L(PRINTED, PAPER, 5, 0.0, error) * 3 / 0.2 == pytest.approx(0.4 / 3)


def recorded(*settings: str, policy: str = "rank", steps: int = 400) -> list[Recording]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Theorem 1 does not apply")
        scenario = Scenario.load("tiny", settings)
    return [execute(scenario, Policy.load(policy), steps, seed) for seed in range(4)]


def test_verdicts_of_lemma_2_flip_with_their_constants() -> None:
    """With the true constants all hold; with half of any of them something fails."""
    runs, samples = recorded(), fake(noise=0.001)
    true, (_, others) = Constants(0.31, 0.34, 0.51), samples.halves()
    rows = lemma2.rows(runs, samples, true, [BOUND])
    assert tuple(rows.columns) == COLUMNS
    assert words(rows, "(25)", SHARPER)[:2] == ["holds", "holds"]
    assert words(rows, "(25)", PRINTED)[0] == "fails"  # delta is negative with M in it
    assert words(rows, "(23)", PRINTED) == ["fails", "fails", "holds"]
    assert words(rows, "(23)", SHARPER) == ["holds"]
    assert words(rows, "(26)", PRINTED) == ["holds"]
    assert words(rows, "Lemma 2", SHARPER) == ["fails"]  # (33), for errors are larger than the bound on them

    def of_31(constants: Constants, error: float) -> list[object]:
        bound = ErrorBound("proven", error, error)
        return [line["verdict"] for line in lemma2.inequality_31(others, constants, [bound])]

    def of_33(constants: Constants) -> dict[object, object]:
        found = lemma2.inequality_33(others, constants, [ErrorBound("proven", 0.5, 0.5)])
        return {line["form"]: line["verdict"] for line in found if line["claim"] == "Lemma 2"}

    assert of_31(true, 1.0) == ["holds", "holds"]
    assert of_31(true, 0.03) == of_31(Constants(0.0, 0.3, 0.3), 0.5) == ["fails", "fails"]
    for L, word in ((0.51, "holds"), (0.1, "fails")):
        (line,) = lemma2.inequality_32(others, Constants(0.31, 0.34, L))
        assert line["verdict"] == word
    assert of_33(true) == {PRINTED: "vacuous", PROPOSITION_4: "vacuous", SHARPER: "holds"}
    assert of_33(Constants(0.0, 0.0, 0.1))[SHARPER] == "fails"


def test_a_larger_L_makes_25_and_theorem_1_vacuous() -> None:
    runs = recorded("links.model=always")
    for L, word in ((0.5, "holds"), (1000.0, "vacuous")):
        found = pd.DataFrame(lemma2.theorem_1(runs, Constants(0.0, 0.1, L), [BOUND]))
        expected = word if L < 1 else "vacuous"
        assert words(found, "Theorem 1", SHARPER) == [expected]


def test_errors_given_the_past_are_not_bounded_by_their_mean() -> None:
    runs = recorded("links.model=bernoulli", "links.p=0.2", "links.footprint=path")
    (bound,) = conditions.error_bounds(runs)
    assert (bound.basis, bound.printed) == ("proven", pytest.approx(0.5 * 1 / (0.05 * 10 * 0.2)))
    errors = np.stack([lemma2.errors_of(run) for run in runs])
    for run, mine in zip(runs, errors, strict=True):
        k = int(mine.argmax())
        assert mine[k] == max(abs(run.lam[k, n, m] - run.lam_ideal[k, m]) for n in range(2) for m in range(3))
    found = pd.DataFrame(
        lemma2.given_the_past(runs, [ErrorBound("proven", errors.max() * 0.99, errors.mean() * 0.2)])
    )
    assert words(found, "Lemma 2", PRINTED) == ["holds", "fails"]
    assert words(found, "Lemma 2", "corrected") == ["fails", "fails"]


def test_without_25_the_error_follows_from_what_was_measured() -> None:
    """It is the y that solves (2 - alpha) y^2 = alpha S - 2 (1 - alpha) spare y."""
    c, alpha = np.array([0.2, 0.3, 0.4]), 0.1
    bounds, S = PathBounds(c, alpha, 0.5), 0.64 + 0.49 + 0.36
    constants = Constants(mismatch=0.2, norm=1.0, L=2.0)
    for errors, spare in (([0.1, 0.15], 0.1), ([0.1, 0.2], 0.0), ([0.1, 0.5], -math.sqrt(0.29 / 2))):
        y = lemma2.error_without_25(bounds, 3, constants, np.array(errors))
        assert (2 - alpha) * y**2 == pytest.approx(alpha * S - 2 * (1 - alpha) * spare * y)
        assert y > 0


def test_what_proposition_3_rests_on() -> None:
    (nothing,) = conditions.error_bounds(recorded("links.model=never"))
    assert (nothing.printed, nothing.corrected) == (math.inf, math.inf)
    (always,) = conditions.error_bounds(recorded("links.model=always"))
    assert (always.basis, always.printed) == ("proven", pytest.approx(0.5 / (0.05 * 10)))
    (alone,) = conditions.error_bounds(recorded("agents.N=1"))
    assert alone.printed == 0
    estimated = conditions.error_bounds(recorded())
    assert all(bound.basis.startswith("estimated") for bound in estimated)


def test_a_smaller_eta_is_of_no_use_to_a_policy_that_sees_ratios() -> None:
    """Multipliers are proportional to eta, so it does the same, and L times the error is the same."""
    rank = Policy.load("rank")
    one, other = (
        execute(Scenario.load("tiny", ["links.model=never", f"dual.eta={eta}"]), rank, 400)
        for eta in (0.5, 0.125)
    )
    assert np.array_equal(one.action, other.action)
    assert np.array_equal(one.lam, 4 * other.lam)
    constants = [Constants.of(values_of(run.scenario, rank, [0], range(1, 12))) for run in (one, other)]
    assert pytest.approx(4 * constants[0].L) == constants[1].L


@pytest.mark.compiled
def test_the_command_writes_a_row_a_statement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.theorem1.__main__.LOOKS", 5)
    monkeypatch.setattr(repeats, "REPEATED", 12)
    arguments = ["tiny", "--policy", "rank", "--runs", "4", "--steps", "2000", "--out", str(tmp_path)]
    code, out, err = outcome(theorem1, arguments, capsys)
    assert (code, err) == (0, "")
    figures = {
        f"theorem1-{name}.{kind}" for name in ("lemmas", "trajectories") for kind in ("png", "pdf", "csv")
    }
    assert {path.name for path in tmp_path.iterdir()} == {"theorem1.csv", "theorem1.md", *figures}
    table = pd.read_csv(tmp_path / "theorem1.csv")
    assert tuple(table.columns) == COLUMNS
    assert set(table["verdict"]) <= {"holds", "fails", "vacuous", "undecided"}
    assert {"Lemma 1", "Lemma 2", "(23)", "(24)", "(25)", "(26)", "Theorem 1"} <= set(table["claim"])
    assert all(claim in out for claim in table["claim"])
    assert len((tmp_path / "theorem1.md").read_text().splitlines()) > len(table)
    code, _, err = outcome(theorem1, arguments, capsys)
    assert code == 2
    assert "exists" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tiny", "--policy", "rank", "--set", "dual.alpha=0"], "dual.alpha = 0: Theorem 1 divides by it"),
        (["tiny", "--policy", "paper"], "--policy paper: the policy is for N = 5"),
        (["nowhere"], "nowhere: no such file"),
        (["tiny", "--policy", "rank", "--runs", "2"], "--runs"),
        (["tiny", "--policy", "rank", "--steps", "10"], "--steps 10: at least 10 rollouts of T0 = 10"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = outcome(theorem1, [*arguments, "--out", str(tmp_path)], capsys)
    assert (code, err.count("\n")) == (2, 1)
    assert message in err
    assert not list(tmp_path.iterdir())


def test_statements_and_their_verdicts() -> None:
    most, least = (
        Statement("X", PRINTED, "q", 2.0, "proven", way, trivial)
        for way, trivial in ((False, 5.0), (True, 1.0))
    )
    assert [most.row(x)["verdict"] for x in (1.0, 2.0, 3.0)] == ["holds", "holds", "fails"]
    assert [least.row(x)["verdict"] for x in (1.0, 2.0, 3.0)] == ["fails", "holds", "holds"]
    assert most.row(2.1, 1.9, 2.3)["verdict"] == "undecided" == least.row(2.1, 1.9, 2.3)["verdict"]
    assert Statement("X", PRINTED, "q", 5.0, "proven", trivial=5.0).row(1.0)["verdict"] == "vacuous"
    assert Statement("X", PRINTED, "q", -1.0, "proven", True, 0.0).row(1.0)["verdict"] == "vacuous"
    assert tuple(most.row(1.0)) == COLUMNS
    assert math.isnan(float(str(Statement("X", PRINTED, "q", 0.0, "proven").row(1.0)["ratio"])))
