"""Links given to a run, laws fitted to them, and what `analysis.links` says of both."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from pathlib import Path

import cases
import naive
import numpy as np
import pandas as pd
import pytest
from commands import outcome
from test_traces import HEAD
from test_traces import ROWS as TRACED

from analysis.links.__main__ import links
from analysis.links.drawing import draw
from analysis.links.fit import Fit, autocorrelation, correlation, pair_table
from analysis.links.replay import (
    BERNOULLI,
    CHAIN,
    KINDS,
    RECORDED,
    ROWS,
    SHIFTED,
    Outcome,
    check_repeats,
    cost_table,
    replays,
)
from analysis.links.verdicts import model_rows
from cmarlsim import InputError, Policy, Recording, Scenario, execute
from cmarlsim.bounds.verdicts import COLUMNS
from cmarlsim.footprints.surrogates import TwoState
from cmarlsim.footprints.traces import Replay, read_k7
from cmarlsim.kernels.world import Bools
from cmarlsim.simulation.link_trace import LinkTraceRun

SIGMAS = 4.5
THREE = ["agents.N=3"]
ALONE = ["agents.N=1", "zones.top.c=0", "zones.left.c=0", "zones.right.c=0"]


def recorded(settings: Sequence[str] = THREE, rollouts: int = 20, seed: int = 5) -> Recording:
    scenario = Scenario.load("tiny", settings)
    return execute(scenario, Policy.load("rank"), rollouts * scenario.dual.T0, seed)


@pytest.mark.parametrize(
    "settings",
    [
        THREE,
        [],
        [*THREE, "links.model=always"],
        [*THREE, "links.model=never"],
        [*THREE, "links.model=bernoulli", "links.p=0.2", "links.footprint=path"],
    ],
    ids=lambda settings: " ".join(settings),
)
def test_recorded_links_make_the_recorded_run_again(settings: list[str]) -> None:
    recording = recorded(settings)
    run = LinkTraceRun(recording.scenario, Policy.load("rank"), 5, recording.links())
    parts = [run.advance(rollouts, keep_steps=True) for rollouts in (3, 1, 16)]
    for name in ("position", "tile", "action", "link", "reward", "estimate", "reward_mean"):
        again = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(again, getattr(recording, name)), name
    for name in ("lam", "lam_ideal"):
        again = np.concatenate([getattr(part, name) for part in parts])
        assert np.array_equal(again, getattr(recording, name)[1:]), name


@pytest.mark.compiled
def test_a_trained_team_runs_again_over_its_links() -> None:
    scenario, policy = Scenario.load("paper"), Policy.load("paper")
    recording = execute(scenario, policy, 300, 1)
    trace = LinkTraceRun(scenario, policy, 1, recording.links()).advance(3, keep_steps=False)
    assert np.array_equal(trace.lam, recording.lam[1:])
    assert np.array_equal(trace.reward_mean, recording.reward_mean)


def test_any_links_are_gossiped_over_as_eq_17_says() -> None:
    case, K, T0 = cases.shipped_case("tiny"), 4, 10
    scenario = Scenario.load("tiny", THREE)
    up = np.random.default_rng(3).random((K * T0, 3)) < 0.3
    trace = LinkTraceRun(scenario, Policy.load("rank"), 2, up).advance(K, keep_steps=True)
    matrices = np.zeros((K * T0, 3, 3), dtype=bool)
    for f, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
        matrices[:, i, j] = matrices[:, j, i] = up[:, f]
    assert np.array_equal(trace.link, matrices)
    own = np.array([[naive.zones_of(case.scenario, x) for x in step] for step in trace.position.tolist()])
    lam = np.zeros((3, 3))
    for k in range(K):
        rows = slice(k * T0, (k + 1) * T0)
        estimate = naive.gossip_literal(own[rows], matrices[rows])
        assert (trace.estimate[rows] == estimate).all()
        lam = np.maximum(0, 0.95 * lam + 0.5 / T0 * (T0 * scenario.c - np.sum(estimate, axis=0)))
        assert trace.lam[k] == pytest.approx(lam, abs=1e-12)


def test_one_flipped_link_makes_another_run() -> None:
    recording = recorded()
    changed = 0
    for t in range(0, 200, 7):
        up = recording.links()[:, [0], [1]]
        up[t] = ~up[t]
        rest = recording.links()[:, [0, 1], [2, 2]]
        trace = LinkTraceRun(recording.scenario, Policy.load("rank"), 5, np.hstack([up, rest])).advance(
            20, True
        )
        assert (trace.link != recording.link).sum() == 2
        before = t // 10
        assert np.array_equal(trace.lam[:before], recording.lam[1 : before + 1])
        changed += not np.array_equal(trace.lam, recording.lam[1:])
    assert changed >= 5


def test_pairs_may_be_listed_in_any_order_and_left_out() -> None:
    scenario, up = Scenario.load("tiny", THREE), np.random.default_rng(4).random((50, 2)) < 0.5
    trace = LinkTraceRun(scenario, Policy.load("rank"), 0, up, [[2, 1], [0, 1]]).advance(5, keep_steps=True)
    assert np.array_equal(trace.link[:, 1, 2], up[:, 0])
    assert np.array_equal(trace.link[:, 0, 1], up[:, 1])
    assert not trace.link[:, 0, 2].any()


def test_a_radio_trace_can_be_run_over(tmp_path: Path) -> None:
    file = tmp_path / "mine.k7"
    file.write_text(HEAD + TRACED)
    radio = Replay(read_k7(file), 1)
    up = np.concatenate([active for _, active in radio.active_steps(1)])
    run = LinkTraceRun(Scenario.load("tiny", THREE), Policy.load("rank"), 0, up, radio.surrogate.edges)
    link = run.advance(4, keep_steps=True).link
    assert np.array_equal(link[:, [0, 1], [1, 2]], up)
    assert not link[:, 0, 2].any()


def test_links_that_cannot_be_are_refused() -> None:
    scenario, rank = Scenario.load("tiny", THREE), Policy.load("rank")
    lopsided = np.zeros((10, 3, 3), dtype=bool)
    lopsided[4, 0, 1] = True
    for given, pairs, what in [
        (np.zeros((15, 3), dtype=bool), None, "multiple of T0 = 10"),
        (np.zeros((0, 3), dtype=bool), None, "multiple of T0 = 10"),
        (np.zeros((10, 3)), None, "must be bool"),
        (np.zeros((10, 4), dtype=bool), None, "pair of agents for each of 4"),
        (np.zeros((10, 2, 2), dtype=bool), None, "symmetric matrices of N = 3"),
        (lopsided, None, "symmetric"),
        (np.zeros((10, 1), dtype=bool), [[0, 3]], r"\[0, 3\] must be two different agents of 0 to 2"),
        (np.zeros((10, 1), dtype=bool), [[1, 1]], r"\[1, 1\] must be two different"),
        (np.zeros((10, 2), dtype=bool), [[0, 1], [1, 0]], "listed once"),
    ]:
        with pytest.raises(InputError, match=what):
            LinkTraceRun(scenario, rank, 0, given, pairs)
    run = LinkTraceRun(scenario, rank, 0, np.zeros((20, 3), dtype=bool))
    with pytest.raises(InputError, match="end after 2 rollouts: 3 were asked for"):
        run.advance(3, keep_steps=False)


LAW = TwoState(np.array([0.3, 0.8, 0.5, 0.4]), np.array([0.03, 0.1, 0.4, 0.24]))


@pytest.mark.kernels
def test_two_state_links_have_the_law_they_are_given() -> None:
    """Share and changes within 4.5 sigma of what the chain has in closed form."""
    T = 10_000
    up = LAW.draw(T, 11)
    memory = 1 - LAW.s / (LAW.p * (1 - LAW.p))
    assert LAW.memory == pytest.approx(memory)
    sigma = np.sqrt(LAW.p * (1 - LAW.p) * (1 + memory) / (1 - memory) / T)
    assert (np.abs(up.mean(axis=0) - LAW.p) < SIGMAS * sigma).all()
    for f, (p, s) in enumerate(zip(LAW.p, LAW.s, strict=True)):
        for state, ends in ((True, s / p), (False, s / (1 - p))):
            after = up[1:, f][up[:-1, f] == state]
            error = math.sqrt(ends * (1 - ends) / len(after))
            assert abs((after != state).mean() - ends) < SIGMAS * error
        pairs = T / 2  # of steps that are far from each other: more would be too strict
        assert autocorrelation(up, 3)[1:, f] == pytest.approx(
            memory[f] ** np.arange(1, 4), abs=9 / math.sqrt(pairs)
        )
    assert np.abs(np.corrcoef(up.T) - np.eye(4)).max() < SIGMAS * math.sqrt(2 * 19 / T)
    assert not np.array_equal(up, LAW.draw(T, 11, 1))
    assert np.array_equal(up, LAW.draw(T, 11))


def test_forgetful_links_are_those_of_eq_4() -> None:
    law = LAW.forgetful
    assert law.rises == pytest.approx(LAW.p)
    assert law.stays == pytest.approx(LAW.p)
    assert law.memory == pytest.approx(0)
    up, T = law.draw(5000, 2), 5000
    assert (np.abs(up.mean(axis=0) - LAW.p) < SIGMAS * np.sqrt(LAW.p * (1 - LAW.p) / T)).all()
    assert np.abs(autocorrelation(up, 3)[1:]).max() < SIGMAS / math.sqrt(T)


def test_the_law_of_a_trace_is_what_is_counted_in_it() -> None:
    column = [1, 1, 0, 0, 0, 1, 1, 1, 0, 1]
    up = np.array([column, [0] * 10, [1] * 10, [1, 0] * 5, [1] + [0, 1] * 4 + [1]], dtype=bool).T
    law = TwoState.fitted(up)
    assert law.p == pytest.approx([0.6, 0, 1, 0.5, 0.6])
    assert law.s == pytest.approx([2 / 9, 0, 0, 0.5, 0.4])  # the last changes more than a stationary link can
    assert law.memory[1:3] == pytest.approx(0)
    again = law.draw(10, 0)
    assert not again[:, 1].any()
    assert again[:, 2].all()
    assert (again[1:, 3] != again[:-1, 3]).all()
    with pytest.raises(InputError, match="1 steps: must have two"):
        TwoState.fitted(up[:1])


@pytest.mark.parametrize(
    ("p", "s", "what"),
    [(1.5, 0, "p = 1.5 .* from 0 to 1"), (0.5, -0.1, "s = -0.1"), (0.2, 0.3, r"0 to 0.2 = min\(p, 1 - p\)")],
)
def test_links_that_change_more_often_than_they_can_are_refused(p: float, s: float, what: str) -> None:
    with pytest.raises(InputError, match=what):
        TwoState(np.array([p]), np.array([s]))
    with pytest.raises(InputError, match="both"):
        TwoState(np.array([0.5]), np.array([0.1, 0.1]))


def random_links(T: int, seed: int = 0) -> Bools:
    """Three links with memory, of which the last depends on the first."""
    up = TwoState(np.array([0.4, 0.6, 0.5]), np.array([0.1, 0.05, 0.2])).draw(T, seed)
    up[:, 2] ^= up[:, 0] & up[:, 1]
    return up


def test_correlations_are_the_twins() -> None:
    up, T = np.column_stack([random_links(200), np.ones(200, dtype=bool)]), 200
    found, both = autocorrelation(up, 20), correlation(up)
    x = up.astype(float)
    mean = x.mean(axis=0)
    for f, g in itertools.product(range(3), repeat=2):
        product = sum((x[t, f] - mean[f]) * (x[t, g] - mean[g]) for t in range(T)) / T
        assert both[f, g] == pytest.approx(
            product / math.sqrt(mean[f] * (1 - mean[f]) * mean[g] * (1 - mean[g]))
        )
    for f, lag in itertools.product(range(3), (0, 1, 7, 20)):
        product = sum((x[t, f] - mean[f]) * (x[t + lag, f] - mean[f]) for t in range(T - lag)) / (T - lag)
        assert found[lag, f] == pytest.approx(product / (mean[f] * (1 - mean[f])))
    assert found[:, 3].tolist() == [1] + [0] * 20
    assert both[3].tolist() == [0, 0, 0, 1]


def test_the_table_of_pairs_says_what_links_did() -> None:
    fits = [Fit(3, random_links(500, seed)) for seed in (0, 1)]
    table = pair_table(fits).set_index("pair")
    assert table.index.tolist() == ["0-1", "0-2", "1-2"]
    for f, line in enumerate(table.itertuples()):
        changes = np.mean([np.abs(np.diff(fit.up[:, f].astype(int))).mean() for fit in fits]) / 2
        share = [fit.up[:, f].mean() for fit in fits]
        p = np.mean(share)
        assert (line.p, line.p_low, line.p_high) == pytest.approx((p, min(share), max(share)))
        assert (line.up, line.down) == pytest.approx((p / changes, (1 - p) / changes))
        assert (line.up_iid, line.down_iid) == pytest.approx((1 / (1 - p), 1 / p))
        assert line.r10 == pytest.approx(np.mean([autocorrelation(fit.up, 10)[10, f] for fit in fits]))
        assert line.r10_chain == pytest.approx(np.mean([fit.law.memory[f] ** 10 for fit in fits]))


def words(up: Bools) -> dict[str, str]:
    """Verdicts on eq. (4) by what they are about."""
    return {str(row["form"]): str(row["verdict"]) for row in model_rows([Fit(3, up)])}


def test_each_assumption_is_seen_to_fail_alone() -> None:
    T, same = 6000, np.full(3, 0.4)
    independent = TwoState(same, same * (1 - same)).draw(T, 1)
    fine = words(independent)
    assert set(fine.values()) == {"holds"}
    assert len(fine) == 3
    p = np.array([0.4, 0.4, 0.55])
    for up, failing in [
        (TwoState(p, p * (1 - p)).draw(T, 1), "the same p for all pairs"),
        (independent[:, [0, 1, 1]], "independent pairs"),
        (TwoState(same, np.full(3, 0.1)).draw(T, 1), "independent in time"),
    ]:
        assert [form for form, word in words(up).items() if word == "fails"] == [failing]


def test_what_correlation_may_be_allows_for_memory() -> None:
    """By Bartlett's formula, 1 + 2 (m^2 + m^4 + ...) times the variance that independent steps have."""
    T, same = 6000, np.full(3, 0.4)
    found = {}
    for s in (0.24, 0.1):
        rows = model_rows([Fit(3, TwoState(same, np.full(3, s)).draw(T, 1))])
        found[s] = next(float(str(row["bound"])) for row in rows if row["form"] == "independent pairs")
    m = 1 - 0.1 / 0.24
    assert found[0.1] / found[0.24] == pytest.approx(math.sqrt((1 + m**2) / (1 - m**2)), rel=0.1)
    assert 4 < found[0.24] * math.sqrt(T) < 4.5  # a normal quantile for three pairs at 1e-4


def outcomes_of(error: float) -> dict[str, Outcome]:
    """Five runs over every kind of links with errors near `error`."""
    near = error * (1 + 1e-4 * np.arange(5)).reshape(5, 1)
    zone, largest = np.tile(near[..., None, None], (1, 1, 3, 3)), np.tile(near[..., None], (1, 1, 3))
    return {kind: Outcome(np.zeros((5, 1, 3)), zone, largest) for kind in KINDS}


def test_costs_are_means_of_differences() -> None:
    draws = np.random.default_rng(5)
    outcomes = {
        kind: Outcome(
            draws.random((4, count, 2)), draws.random((4, count, 3, 2)), draws.random((4, count, 3))
        )
        for kind, count in ((RECORDED, 1), (BERNOULLI, 3))
    }
    table = cost_table(outcomes, ["left", "right"]).set_index(["links", "quantity"])
    line = table.loc[(BERNOULLI, "margin of zone right")]
    truth, other = (outcomes[kind].margin[..., 1].mean(axis=1) for kind in (RECORDED, BERNOULLI))
    apart = other - truth
    assert (line["value"], line["difference"]) == pytest.approx((other.mean(), apart.mean()))
    half = 3.182446 * apart.std(ddof=1) / 2  # Student's quantile for three degrees of freedom
    assert line["difference_high"] - line["difference"] == pytest.approx(half, rel=1e-5)
    smallest = table.loc[(RECORDED, "smallest margin"), "value"]
    assert smallest == pytest.approx(outcomes[RECORDED].margin.min(axis=2).mean())
    worst = table.loc[(BERNOULLI, "multiplier error of zone left"), "value"]
    assert worst == pytest.approx(outcomes[BERNOULLI].zone_error[..., 0].max(axis=2).mean())


def test_surrogates_keep_what_they_say() -> None:
    fit = Fit(3, random_links(400))
    made = {kind: make(fit, 3, 1) for kind, make in KINDS.items()}
    assert np.array_equal(made[RECORDED], fit.up)
    shifts = [shift for shift in range(400) if np.array_equal(np.roll(fit.up, shift, axis=0), made[SHIFTED])]
    assert len(shifts) == 1
    assert shifts[0] > 0
    patterns = {tuple(row) for row in fit.up.tolist()}
    assert {tuple(row) for row in made[ROWS].tolist()} <= patterns
    assert np.abs(correlation(made[ROWS]) - correlation(fit.up)).max() < 4.5 / math.sqrt(400)
    memory = {kind: autocorrelation(made[kind], 1)[1, :2] for kind in (CHAIN, BERNOULLI)}
    assert memory[CHAIN].min() > 0.4
    assert np.abs(memory[BERNOULLI]).max() < 4.5 / math.sqrt(400)
    for kind in (SHIFTED, ROWS, CHAIN, BERNOULLI):
        assert np.array_equal(KINDS[kind](fit, 3, 1), made[kind])
        assert not np.array_equal(KINDS[kind](fit, 3, 2), made[kind])
        assert not np.array_equal(KINDS[kind](fit, 4, 1), made[kind])


def test_replays_repeat_the_recording_or_say_that_they_cannot() -> None:
    recordings = [recorded(seed=seed) for seed in (1, 2)]
    fits, rank = [Fit.of(recording) for recording in recordings], Policy.load("rank")
    found = replays(recordings, rank, fits, 2, lambda done: None)
    for r, recording in enumerate(recordings):
        assert found[RECORDED].margin[r, 0] == pytest.approx(recording.margin())
        error = np.abs(recording.lam - recording.lam_ideal[:, None])[1:]
        assert found[RECORDED].zone_error[r, 0] == pytest.approx(error.mean(axis=0))
        assert found[RECORDED].max_error[r, 0] == pytest.approx(error.max(axis=2).mean(axis=0))
    assert found[BERNOULLI].margin.shape == (2, 2, 3)
    assert not np.array_equal(found[BERNOULLI].zone_error[:, 0], found[BERNOULLI].zone_error[:, 1])
    other = Fit(3, ~fits[0].up)
    with pytest.raises(InputError, match="do not make its 'lam' again"):
        check_repeats(recordings[0], rank, other)
    recordings[0].file["rollout/reward_mean"][-1] *= 0.5
    with pytest.raises(InputError, match="do not make its 'reward_mean' again"):
        check_repeats(recordings[0], rank, fits[0])


def test_the_command_writes_verdicts_tables_and_a_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario, files = Scenario.load("tiny", THREE), [tmp_path / f"{seed}.h5" for seed in range(4)]
    for seed, file in enumerate(files):
        execute(scenario, Policy.load("rank"), 200, seed, out=file)
    arguments = [*map(str, files), "--policy", "rank", "--out", str(tmp_path), "--draws", "2"]
    code, out, err = outcome(links, arguments, capsys)
    assert (code, err) == (0, "")
    assert "multiplier error, max norm: " in out
    verdicts = pd.read_csv(tmp_path / "links.csv")
    assert verdicts.columns.tolist() == list(COLUMNS)
    assert set(verdicts["verdict"]) <= {"holds", "fails"}
    assert not verdicts.duplicated(["claim", "form"]).any()
    for name, rows in (("pairs", 3), ("costs", 5 * 8)):
        assert len(pd.read_csv(tmp_path / f"links-{name}.csv")) == rows
    page = (tmp_path / "links.md").read_text()
    assert page.count("\n| bernoulli | ") == 8
    assert all((tmp_path / f"links.{kind}").stat().st_size > 5000 for kind in ("png", "pdf"))
    code, out, err = outcome(links, arguments, capsys)
    assert code == 2
    assert "links.png" in err


def test_the_figure_shows_what_was_measured() -> None:
    fits = [Fit(3, random_links(500, seed)) for seed in (0, 1)]
    memory, margin, error = draw(fits, cost_table(outcomes_of(1.0), ["a", "b", "c"])).axes
    r = np.mean([fit.autocorrelation for fit in fits], axis=0)
    assert memory.lines[4].get_ydata() == pytest.approx(r[1:].mean(axis=1))
    for axes, value in ((margin, 0.0), (error, 1.0002)):
        assert axes.lines[0].get_ydata() == pytest.approx([value] * 3)


@pytest.mark.parametrize(
    ("settings", "record", "rollouts", "what"),
    [
        (THREE, "rollout", 10, "recorded at level 'rollout'"),
        (ALONE, "step", 10, "has one agent only"),
        (THREE, "step", 9, "too short, it holds 9 rollouts: record 10 or more .--steps 100."),
        ([*THREE, "links.model=always"], "step", 10, "no link ever changes .links.model = 'always'."),
    ],
)
def test_recordings_that_say_nothing_are_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    settings: list[str],
    record: str,
    rollouts: int,
    what: str,
) -> None:
    file = tmp_path / "run.h5"
    execute(Scenario.load("tiny", settings), Policy.load("rank"), 10 * rollouts, record=record, out=file)
    code, _, err = outcome(links, [str(file), "--policy", "rank", "--out", str(tmp_path)], capsys)
    assert code == 2
    assert err.count("\n") == 1
    assert re.search(what, err)


def test_links_that_went_up_once_can_be_drawn(tmp_path: Path) -> None:
    up = np.arange(300)[:, None] > np.array([400, 250, 400])
    fits = [Fit(3, up)]
    draw(fits, cost_table(outcomes_of(1.0), ["a", "b", "c"])).savefig(tmp_path / "links.png")
    pairs = pair_table(fits).set_index("pair")
    assert pairs.loc["0-2", "up"] == pytest.approx(49 / 300 / (0.5 / 299))
    assert math.isnan(pairs.loc["0-1", "up"])
    assert math.isinf(pairs.loc["0-1", "down"])
    assert {row["verdict"] for row in model_rows(fits)} <= {"holds", "fails"}


def test_too_many_agents_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.links.fit.MOST_PAIRS", 2)
    with pytest.raises(InputError, match=r"agents.N = 3: 3 pairs, can compare 2 at most"):
        Fit.of(recorded(rollouts=10))
