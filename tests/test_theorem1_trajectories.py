"""Theorem 1 along trajectories: bounds against closed forms and brute force, invariants, verdicts."""

from __future__ import annotations

import math
from typing import Any

import cases
import naive
import numpy as np
import pandas as pd
import pytest
import worlds
from cases import COMPILED
from hypothesis import given, settings
from scipy import stats

from analysis.theorem1 import counterexamples
from analysis.theorem1.__main__ import summary, with_hypothesis
from analysis.theorem1.drawing import draw_trajectories
from analysis.theorem1.paths import (
    CERTIFICATE,
    LARGEST,
    MISSED,
    STEP,
    UNROLLED,
    Paths,
    broken,
    certificates,
    invariant_slacks,
)
from analysis.theorem1.repeats import sampled
from analysis.theorem1.trajectories import conditional_rows, rows
from cmarlsim import InputError, Policy, Recording, Scenario, execute, execute_batch
from cmarlsim.bounds.certificate import certified_satisfaction
from cmarlsim.bounds.proposition4 import PathBounds

PAPER = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
BOUNDS_TINY = PathBounds(np.array([0.2, 0.3, 0.4]), 0.05, 0.5)
BOUNDS = PathBounds(np.array([0.2, 0.7]), 0.1, 0.5)


def test_largest_multipliers_are_those_of_zones_never_attended() -> None:
    for alpha in (0.0, 0.1):
        lam = np.zeros(2)
        for k in range(1, 30):
            lam = (1 - alpha) * lam + 0.5 * BOUNDS.c
            assert PathBounds(BOUNDS.c, alpha, 0.5).largest(k) == pytest.approx(lam)
    assert BOUNDS.largest() == pytest.approx([1.0, 3.5])
    assert BOUNDS.largest(np.array([[1, 2]])).shape == (1, 2, 2)


def test_mean_squares_are_the_recursion_of_lemma_3() -> None:
    for alpha in (0.0, 0.1):
        bounds, square = PathBounds(BOUNDS.c, alpha, 0.5), np.zeros(1)
        for k in range(1, 30):
            square = bounds.next_square(square, 1.3)
            assert bounds.mean_square(1.3, k) == pytest.approx(square[0])
    assert BOUNDS.mean_square(1.3) == pytest.approx(0.25 * 1.3 / (2 * 0.1 - 0.01))
    assert BOUNDS.printed_U() ** 2 / BOUNDS.mean_square(2) == pytest.approx(2 - 0.1)


def test_no_rollout_changes_more_than_the_largest_step() -> None:
    corners = np.stack(np.meshgrid(*[[0.0, 0.3, 1.0]] * 2), axis=-1).reshape(-1, 2)
    assert BOUNDS.largest_step == pytest.approx(((corners - BOUNDS.c) ** 2).sum(axis=1).max())


def test_the_papers_zones_that_are_promised_something() -> None:
    bounds = PathBounds(PAPER, 0.01, 0.5)
    assert bounds.largest_step == pytest.approx(2.91)
    assert bounds.shortfall(6) == pytest.approx(math.sqrt(0.06 / 1.99))
    errors = (math.sqrt(0.06), bounds.shortfall(6), bounds.shortfall(2.91), bounds.shortfall(2.91, 0.4))
    assert [int((error < PAPER).sum()) for error in errors] == [4, 5, 5, 6]


@pytest.mark.parametrize("slack", [-0.3, -0.01, 0.0, 0.01, 0.5])
def test_slack_enters_as_a_quadratic_equation(slack: float) -> None:
    """With y for the mean of ||lambda||: g y^2 + 2 (1 - alpha) eta slack y = eta^2 step."""
    alpha, eta, step = BOUNDS.alpha, BOUNDS.eta, 1.3
    y = BOUNDS.shortfall(step, slack) * eta / alpha
    assert y > 0
    g = 2 * alpha - alpha**2
    assert g * y**2 + 2 * (1 - alpha) * eta * slack * y == pytest.approx(eta**2 * step)
    if slack > 0:
        assert BOUNDS.shortfall(step, slack) < alpha * step / (2 * (1 - alpha) * slack)


def test_the_exponential_step_of_the_bound_in_finite_time() -> None:
    """E exp(s V') <= exp(s (q V + eta^2 S) + s^2 eta^2 (q M V + eta^2 ||c||^4 / 4)) where E r = c."""
    generator, eta, M = np.random.default_rng(1), 0.7, 2
    closest = np.inf
    for _ in range(4000):
        c, alpha = generator.uniform(0.02, 0.98, M), generator.choice([0.02, 0.3])
        bounds = PathBounds(c, alpha, eta)
        lam = generator.uniform(0, 1, M) * bounds.largest() * generator.choice([0, 0.1, 1.0], M)
        s = generator.uniform(0, 2) * (1 - bounds.kept) / (eta**2 * bounds.kept * M)
        square, mean = float(lam @ lam), 0.0
        together = generator.random() < 0.5  # zones attended together, or independently; each with chance c
        u = generator.random(1) if together else None
        for corner in np.ndindex(2, 2):
            r = np.array(corner, dtype=float)
            chance = float(np.prod(np.where(r == 1, c, 1 - c)))
            if u is not None:
                low, high = np.sort(c)
                which = {(0, 0): 1 - high, (1, 1): low}
                chance = which.get(corner, (high - low) if r[c.argmax()] == 1 else 0.0)
            after = np.maximum((1 - alpha) * lam + eta * (c - r), 0)
            mean += chance * math.exp(s * float(after @ after))
        exponent = s * float(bounds.next_square(np.array(square), bounds.largest_step))
        exponent += s**2 * eta**2 * (bounds.kept * M * square + eta**2 * float(c @ c) ** 2 / 4)
        closest = min(closest, exponent - math.log(mean))
        assert math.log(mean) <= exponent + 1e-12
    assert closest < 0.1


def test_the_bound_in_finite_time_is_the_best_of_its_family() -> None:
    q, g, c4 = 0.81, 0.19, (0.04 + 0.49) ** 2
    for K in (1, 30, 10**4):
        best = min(
            0.25
            / ((1 - 2**-i) * g)
            * (1.3 + 2**-i * g * c4 / (8 * q) + 2 * q * math.log(i * (i + 1) / 0.01) / (2**-i * g * K))
            for i in range(1, 60)
        )
        assert BOUNDS.running_square(1.3, K, 0.01) == pytest.approx(best)
    assert BOUNDS.running_square(1.3, 10**12, 0.01) == pytest.approx(BOUNDS.mean_square(1.3), rel=1e-3)
    K = np.array([5, 50])
    expected = math.sqrt(0.53) / (0.1 * K) + 0.1 / 0.5 * np.sqrt(BOUNDS.running_square(1.3, K, 0.01))
    assert BOUNDS.shortfall_by(1.3, K, 0.01) == pytest.approx(expected)


def test_running_means_stay_below_the_bound_at_all_times_at_once() -> None:
    """Rewards that meet (26) with equality: in 2,000 runs it may fail in 20, and it does not fail in more."""
    generator, K = np.random.default_rng(2), 400
    lam, total, beyond = np.zeros((2000, 2)), np.zeros(2000), np.zeros(2000, dtype=bool)
    bound = BOUNDS.running_square(BOUNDS.largest_step, np.arange(1, K + 1), 0.01)
    for k in range(K):
        lam = np.maximum(0.9 * lam + 0.5 * (BOUNDS.c - (generator.random(lam.shape) < BOUNDS.c)), 0)
        total += (lam**2).sum(axis=1)
        beyond |= total / (k + 1) > bound[k]
    assert beyond.mean() < 0.01
    assert total.mean() / K > 0.1 * bound[-1]


def test_without_contraction_there_is_no_bound() -> None:
    bounds = PathBounds(PAPER, 0.0, 0.5)
    for ask in (
        bounds.largest,
        bounds.printed_U,
        bounds.proven_U,
        lambda: bounds.mean_square(6),
        lambda: bounds.running_square(6, 9, 0.1),
        lambda: bounds.shortfall_by(6, 9, 0.1),
    ):
        with pytest.raises(InputError, match=r"dual.alpha = 0: the bound divides by it"):
            ask()


def recorded(case: cases.Case, rollouts: int) -> Recording:
    scenario = cases.scenario_of(case)
    return execute(scenario, cases.policy_of(case), rollouts * scenario.dual.T0, 3, record="rollout")


@settings(max_examples=100 if COMPILED else 20)
@given(worlds.random_cases())
def test_nothing_breaks_an_invariant(case: cases.Case) -> None:
    assert broken(recorded(case, 7)) == []


@settings(max_examples=100 if COMPILED else 20)
@given(worlds.random_cases().filter(lambda case: case.scenario["dual"]["alpha"] > 0))
def test_what_is_missing_is_bounded_by_the_slack_of_the_path(case: cases.Case) -> None:
    run = recorded(case, 40 if COMPILED else 6)
    paths = Paths([run])
    bound = paths.bounds.shortfall(paths.bounds.largest_step, paths.slack)
    burnt_in = np.linalg.norm(run.scenario.c) / (run.scenario.dual.alpha * paths.K)
    missing = np.linalg.norm(np.maximum(run.scenario.c - run.satisfaction(), 0))
    assert missing <= burnt_in + bound + 1e-12


@pytest.fixture(scope="module")
def runs() -> list[Recording]:
    """Two agents who follow the largest multipliers in the tiny building."""
    return execute_batch(
        [(Scenario.load("tiny"), Policy.load("rank"), seed) for seed in range(3)], 600, record="rollout"
    )


def altered(run: Recording, name: str, factor: float) -> Recording:
    arrays = {key: np.array(run.file[key]) for key in run.file if key.startswith("rollout/")}
    arrays[f"rollout/{name}"] *= factor
    return Recording(type(run.file)(arrays, run.file.attrs), "altered", run.scenario)


@pytest.mark.parametrize(
    ("name", "factor", "expected"),
    [
        ("lam", 1.5, {LARGEST}),
        ("lam", 0.5, {MISSED, CERTIFICATE}),
        ("lam_ideal", -1.0, {MISSED}),
        ("lam_ideal", 0.5, {UNROLLED}),
        ("reward_mean", 0.5, {CERTIFICATE, UNROLLED}),
        ("lam_ideal", 3.0, {STEP}),
        ("reward_mean", 3.0, {STEP}),
    ],
)
def test_numbers_that_were_altered_break_an_invariant(
    runs: list[Recording], name: str, factor: float, expected: set[str]
) -> None:
    assert broken(runs[0]) == []
    found = broken(altered(runs[0], name, factor))
    assert expected <= set(found), (found, invariant_slacks(runs[0]))


def test_the_certificate_is_that_of_the_recording(runs: list[Recording]) -> None:
    assert certificates(runs[0], runs[0].lam)[-1] == pytest.approx(runs[0].certificate())


def test_forks_of_a_team_without_dice_are_the_run_itself(runs: list[Recording]) -> None:
    """The policy `rank` draws nothing, and links go by sight."""
    for sample in sampled(runs[1], Policy.load("rank"), forks=20):
        assert (sample.after == runs[1].lam_ideal[sample.k + 1]).all()
        assert (sample.reward == runs[1].reward_mean[sample.k]).all()
        assert (sample.ideal == runs[1].lam_ideal[sample.k]).all()


def test_forks_go_on_with_draws_of_their_own() -> None:
    case = cases.with_logits(cases.random_weights(cases.shipped_case("tiny"), scale_lam=True), 0.05)
    run, dual = recorded(case, 6), case.scenario["dual"]
    (sample,) = sampled(run, cases.policy_of(case), [4], 40)
    assert len(np.unique(sample.reward, axis=0)) > 10
    for reward, after in zip(sample.reward, sample.after, strict=True):
        attended = np.arange(dual["T0"])[:, None] < np.rint(reward * dual["T0"])
        twin = naive.dual_update(sample.ideal, attended, run.scenario.c, dual["alpha"], dual["eta"])
        assert after == pytest.approx(twin)
    assert sample.inner(run.scenario.c) == pytest.approx((sample.reward - run.scenario.c) @ sample.ideal)
    again = sampled(run, cases.policy_of(case), [2, 4], 40)[1]
    assert (again.after == sample.after).all()


def test_means_given_the_past_have_students_intervals() -> None:
    case = cases.with_logits(cases.random_weights(cases.shipped_case("tiny"), scale_lam=True), 0.05)
    run = recorded(case, 6)
    samples = sampled(run, cases.policy_of(case), [1, 5], 30)
    lines = list(conditional_rows(Paths([run]), samples))
    assert len(lines) == 6
    for sample, (inner, printed, sharper) in zip(samples, (lines[:3], lines[3:]), strict=True):
        for line, found in ((inner, sample.inner(run.scenario.c)), (printed, sample.square)):
            assert line["measured"] == pytest.approx(found.mean())
            low, high = stats.t.interval(1 - 1e-4, 29, found.mean(), stats.sem(found))
            assert (line["low"], line["high"]) == pytest.approx((low, high))
        before = 0.95**2 * (sample.ideal**2).sum()
        assert printed["bound"] == pytest.approx(before + 0.25 * 3)
        assert sharper["bound"] == pytest.approx(before + 0.25 * (0.8**2 + 0.7**2 + 0.6**2))
        most = (BOUNDS_TINY.largest(sample.k + 1) ** 2).sum()
        for line in (printed, sharper):
            assert (line["verdict"] == "vacuous") == (line["bound"] >= most) == (sample.k == 1)


def test_forks_need_the_policy_of_the_run(runs: list[Recording]) -> None:
    other = cases.policy_of(cases.random_weights(cases.shipped_case("tiny"), scale_lam=True))
    with pytest.raises(InputError, match="cannot be repeated with this policy"):
        sampled(runs[0], other, [30], 2)


def test_a_team_that_stays_in_one_zone_leaves_the_printed_bound_behind() -> None:
    scenario = Scenario.load("tiny")
    found = counterexamples.idle_team(scenario)
    k = np.arange(len(found))
    expected = 0.5 / 0.05 * np.array([0.3, 0.4]) * (1 - 0.95**k)[:, None]
    assert found[:, 1:] == pytest.approx(expected, abs=0.5)  # they may pass through on their way
    assert found[-1, 1:] == pytest.approx([3.0, 4.0], rel=0.01)
    assert verdicts(counterexamples.lemma5_rows(scenario)) == ["fails", "holds"]
    short = Scenario.load("tiny", ["dual.alpha=0.2"])  # sqrt(.3^2 + .4^2) < sqrt(.2 * 3)
    assert verdicts(counterexamples.lemma5_rows(short)) == ["holds", "holds"]


def verdicts(lines: list[dict[str, object]]) -> list[object]:
    return [line["verdict"] for line in lines]


def test_running_means_need_not_come_near_those_of_the_means() -> None:
    """After k rollouts without a visit the running mean is that of (1 - .95^i) eta c / alpha."""
    expected, running = counterexamples.settled(24)
    k = np.arange(1, 101)
    never = (0.5 * 0.3 / 0.05 * (1 - 0.95**k)).mean()
    assert sorted({round(value, 9) for value in running}) == pytest.approx([0, never])
    assert expected == pytest.approx(3 * 9 / 16)
    assert 3 < (running > 0).sum() < 22


def found(runs: list[Recording]) -> Any:
    """Verdicts by claim, form and quantity."""
    table = rows(Paths(runs), sampled(runs[0], Policy.load("rank"), forks=20))
    assert not table.duplicated(["claim", "form", "quantity"]).any()
    return table.set_index(["claim", "form", "quantity"]).sort_index()


def test_rows_are_what_happened(runs: list[Recording]) -> None:
    table, paths = found(runs), Paths(runs)
    assert list(table.loc["Lemma 6", "verdict"]) == ["fails"]
    lam = np.stack([run.lam_ideal for run in runs])
    running = lam[:, 1:].cumsum(axis=1) / np.arange(1, 61)[:, None]
    line = table.loc[("Proposition 4", "printed", "running mean of lambda_m, most after 10% of any run, top")]
    assert line["measured"] == pytest.approx(running[:, 5:, 2].max())
    assert line["bound"] == pytest.approx(0.5 * math.sqrt(3 / 0.05))
    assert paths.tail.start + 1 == 6  # rollouts done
    line = table.loc[("(24)", "printed", "satisfaction, least after 10% of any run, top")]
    least = min(run.reward_mean[: k + 1, 2].mean() for run in runs for k in range(5, 60))
    assert line["measured"] == line["low"] == pytest.approx(least)
    assert line["bound"] == pytest.approx(0.4 - math.sqrt(0.15))
    line = table.loc[("Lemma 4", "printed", "E ||lambda_1||^2, (61)")]
    assert line["measured"] == pytest.approx((lam[:, 1] ** 2).sum(axis=1).mean())
    assert line["low"] < line["measured"] < line["high"]
    gain = [
        np.mean([(run.reward_mean[k] - PAPER[1:4]) @ run.lam_ideal[k] for k in range(60)]) for run in runs
    ]
    line = table.loc[("(26)", "printed", "mean over k of lambda_k^T (r_k - c), least of all runs")]
    assert line["measured"] == pytest.approx(min(gain))
    size = [np.linalg.norm(run.lam_ideal[:60], axis=1).mean() for run in runs]
    assert paths.slack == pytest.approx(min(np.divide(gain, size)))
    missing = [np.linalg.norm(np.maximum(PAPER[1:4] - run.satisfaction(), 0)) for run in runs]
    (finite,) = table.loc[("(24)", "finite time")]["measured"]
    assert finite == pytest.approx(max(missing))
    certified = np.min([run.certificate().max(axis=0) for run in runs], axis=0)
    beside = table.loc[("local certificate", "beside (24)")]["measured"]
    assert list(beside) == pytest.approx(certified[[0, 1, 2]])


def test_a_short_run_decides_nothing_about_a_limit(runs: list[Recording]) -> None:
    """Ten rollouts: what multipliers have not paid back yet is lambda_K / (eta K)."""
    start = execute(Scenario.load("tiny", ["dual.alpha=0.001"]), Policy.load("rank"), 100, record="rollout")
    paths = Paths([start])
    assert paths.settled[0, 0] == pytest.approx(np.maximum(paths.satisfaction[0, 0], paths.bounds.c))
    running = np.cumsum(start.lam_ideal[:-1], axis=0) / np.arange(1, 11)[:, None]
    assert (paths.settled[0] >= paths.bounds.c - 0.001 / 0.5 * running - 1e-12).all()
    line = found([start]).loc["(24)"].query("verdict == 'undecided'")
    assert len(line)
    assert line.index.get_level_values("quantity").str.endswith("(run too short)").all()
    assert not found([start]).loc["(24)", "verdict"].eq("fails").any()
    assert not found(runs).loc["(24)", "verdict"].eq("undecided").any()


def test_what_supposes_26_says_where_it_failed() -> None:
    heads = ("claim", "form", "quantity", "verdict", "basis")
    lines = [
        ("(26)", "printed", "lambda^T (V_R - c) in rollout 3", "fails", "assumed"),
        ("(24)", "printed", "satisfaction", "fails", "assumed"),
        ("Lemma 5", "sharper", "slack", "holds", "corrected"),
    ]
    table = with_hypothesis(pd.DataFrame(lines, columns=heads))
    assert list(table["basis"]) == ["assumed", "assumed: (26), which failed", "corrected"]
    assert "failed in 1 of 1 rows on repeated rollouts: 1 rows that suppose it fail" in summary(table)
    kept = with_hypothesis(table.assign(verdict="holds", basis="assumed"))
    assert set(kept["basis"]) == {"assumed"}
    assert "refutes nothing" not in summary(kept)


def test_one_run_has_no_interval_but_what_is_possible(
    runs: list[Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.theorem1.trajectories.lemma6_rows", list)
    table = rows(Paths(runs[:1]))
    line = table[table["claim"] == "Lemma 4"].iloc[-1]
    assert (line["low"], line["high"]) == (0, pytest.approx(4.0))
    assert not table["quantity"].str.contains("given the past").any()


TAMPERED = {
    "printed_U": 1e-6,
    "proven_U": 1e-6,
    "mean_square": 1e-12,
    "next_square": 1e-3,
    "running_square": 1e-6,
    "shortfall": -100.0,
    "shortfall_by": -1.0,
}


def test_every_verdict_flips_when_its_bound_is_tampered_with(
    runs: list[Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = found(runs)
    for name, factor in TAMPERED.items():
        true = getattr(PathBounds, name)
        monkeypatch.setattr(PathBounds, name, lambda *a, true=true, factor=factor: factor * true(*a))
    monkeypatch.setattr("analysis.theorem1.paths.feasibility_error", lambda alpha, M: -1.0)
    true_most, true_certificate = PathBounds.largest, certified_satisfaction
    monkeypatch.setattr(PathBounds, "largest", lambda *a: 0.9 * true_most(*a))
    monkeypatch.setattr(
        "analysis.theorem1.paths.certified_satisfaction", lambda *a: true_certificate(*a) + 0.9
    )
    tampered = found(runs)["verdict"]
    of_another_kind = honest.index.get_level_values("claim").isin(["(26)", "Lemma 6"])
    without_interval = honest.index.get_level_values("quantity") == "E ||lambda_1||^2, (61)"
    checked = tampered[~of_another_kind & ~without_interval]
    assert len(checked) > 80
    assert set(checked) == {"fails"}, checked[checked != "fails"]
    before = honest.loc[checked.index, "verdict"]
    assert before.value_counts()["fails"] == 1  # Lemma 5 of a team that stays in one zone
    assert before.value_counts()["holds"] > 50


def test_a_team_that_never_changes_zones_fails_26() -> None:
    scenario = Scenario.load("tiny")
    policy = counterexamples.homebody(scenario)
    batch = [(scenario, policy, seed) for seed in range(2)]
    paths = Paths(execute_batch(batch, 800, record="rollout"))
    samples = sampled(paths.runs[0], policy, forks=20)
    table = rows(paths, samples).set_index(["claim", "form"])["verdict"].sort_index()
    assert set(table.loc["(26)"]) == {"fails"}
    assert "fails" in set(table.loc[("Lemma 3", "sharper")])
    assert paths.slack < 0


def test_the_pictures_show_the_runs(runs: list[Recording]) -> None:
    squares, promises = draw_trajectories(Paths(runs)).axes
    curve = squares.lines[0].get_ydata()
    assert curve[-1] == pytest.approx((runs[0].lam_ideal[1:] ** 2).sum(axis=1).mean())
    assert [bar.get_height() for bar in promises.patches] == pytest.approx(
        Paths(runs).satisfaction[:, 5:].min(axis=(0, 1))
    )
    certified = np.min([certificates(run, run.lam)[5:].max(axis=1).min(axis=0) for run in runs], axis=0)
    assert promises.lines[0].get_ydata() == pytest.approx(certified)


def test_alpha_must_be_above_0() -> None:
    scenario = Scenario.load("tiny", ["dual.alpha=0"])
    run = execute(scenario, Policy.load("rank"), 50, record="rollout")
    assert broken(run) == []
    with pytest.raises(InputError, match=r"dual.alpha = 0: the bound divides by it"):
        rows(Paths([run]))
