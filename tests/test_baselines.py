"""All baselines: their tables, what is searched for, events, findings, and the command."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis.baselines.__main__ as main
from analysis.baselines import catalogue, measure, search
from analysis.baselines.catalogue import (
    BOTH_WAYS,
    OURS,
    Policies,
    Ruled,
    Tuned,
    all_baselines,
    partition,
)
from analysis.baselines.findings import compared
from analysis.baselines.measure import (
    capacity,
    changed,
    equal,
    event_runs,
    loads_of,
    nominal_runs,
    scaled,
)
from analysis.baselines.metrics import bits_sent, lam_change
from analysis.baselines.rules import FrozenRule, GossipRule
from analysis.baselines.tables import after_events, band, smallest
from cmarlsim import Policy, Scenario, tiled
from cmarlsim.errors import InputError
from cmarlsim.simulation.execution import Run
from cmarlsim.terminal.console import command

PAPER, TRAINED, RANK = Scenario.load("paper"), Policy.load("paper"), Policy.load("rank")
POLICIES = Policies(TRAINED, TRAINED, TRAINED)
TUNED = Tuned((0.5,) * 6, dict.fromkeys(BOTH_WAYS, 0.1))
OURS_ONLY = Ruled(OURS, "", TRAINED, GossipRule()).baseline()


def test_all_baselines_are_there_once_and_run() -> None:
    baselines = all_baselines(PAPER, POLICIES, TUNED)
    names = [baseline.name for baseline in baselines]
    assert len(set(names)) == len(names) == 19
    assert {f"{name}-tightened" for name in BOTH_WAYS} < set(names)
    for baseline in baselines:
        rows = nominal_runs(baseline, PAPER, 400, [0])
        assert rows["zone"].to_list() == [zone.name for zone in PAPER.zones]
        assert rows["satisfaction"].between(0, 1).all()
        assert (rows["idleness_worst"] >= 0).all()
        assert (baseline.sends == "nothing") == (rows["bits_sent"][0] == 0)


def test_rows_say_what_happened() -> None:
    chunk = Run(PAPER, TRAINED, 7).advance(4, keep_steps=True)
    rows = nominal_runs(OURS_ONLY, PAPER, 400, [7])
    satisfaction = chunk.reward.mean(axis=0)
    assert rows["satisfaction"].to_numpy() == pytest.approx(satisfaction)
    assert rows["margin"].to_numpy() == pytest.approx(satisfaction - PAPER.c)
    walked = np.hypot(*np.moveaxis(np.diff(chunk.position, axis=0), -1, 0)).sum()
    assert rows["metres"].to_numpy() == pytest.approx(walked / 2000)
    assert rows["bits_sent"][0] == pytest.approx(bits_sent(OURS_ONLY.sends, chunk, PAPER) / 2000)
    run = smallest(rows).iloc[0]
    assert run["margin"] == pytest.approx((satisfaction - PAPER.c).min())
    assert run["idleness_worst"] == rows["idleness_worst"].max()


def test_multipliers_change_by_their_relative_step_at_the_end() -> None:
    lam = np.ones((8, 2, 3))
    assert lam_change(lam) == 0
    assert lam_change(0 * lam) == 0
    lam[:5] = 99  # long ago
    lam[6, 0, 1] = 4  # up by 3 and down again, beside 3 + 6
    assert lam_change(lam) == pytest.approx((6 / 9 + 0) / 2)


@pytest.mark.parametrize("load", [2.1, 3.0, 3.5, 4.0])
def test_thresholds_add_up_to_the_load(load: float) -> None:
    c = scaled(PAPER.c, load)
    assert c.sum() == pytest.approx(load)
    assert c.max() <= 0.95
    free = c < 0.95 - 1e-9
    assert np.ptp((c / PAPER.c)[free]) == pytest.approx(0, abs=1e-9)
    assert equal(PAPER.c, load) == pytest.approx(np.full(6, load / 6))


def test_loads_end_where_theorem_1_does() -> None:
    loads = loads_of(PAPER)
    assert (loads[0], loads[-1]) == (pytest.approx(2.1), 4)
    assert changed(PAPER) == pytest.approx(PAPER.c[::-1])


def test_capacity_is_where_the_worst_run_first_fails() -> None:
    rows = [
        {"baseline": name, "shape": "scaled", "load": load, "seed": seed, "margin": margin + seed}
        for name, margins in {
            "crosses": (0.2, 0.1, -0.3, 0.5),
            "holds": (0.1, 0.0, 0.1, 0.2),
            "fails": (-0.1, 0.2, 0.2, 0.2),
        }.items()
        for load, margin in zip((1.0, 2.0, 3.0, 4.0), margins, strict=True)
        for seed in (0, 1)
    ]
    rows.append({"baseline": "holds", "shape": "equal", "load": 1.0, "seed": 0, "margin": -1})
    assert capacity(pd.DataFrame(rows), "scaled").to_dict() == {"crosses": 2.25, "holds": 4.0, "fails": 0.0}
    assert capacity(pd.DataFrame(rows), "equal")["holds"] == 0


def test_events_are_felt_after_half_time_only() -> None:
    plain = nominal_runs(OURS_ONLY, PAPER, 400, [1])
    rows = event_runs(OURS_ONLY, PAPER, 800, [1])
    death, thresholds = rows[rows["event"] == "death"], rows[rows["event"] == "thresholds"]
    assert death["margin_before"].to_numpy() == pytest.approx(plain["margin"].to_numpy())
    assert thresholds["margin_before"].to_numpy() == pytest.approx(plain["margin"].to_numpy())
    run = Run(PAPER, TRAINED, 1)
    run.advance(4, keep_steps=False)
    run.lose(1)
    after = run.advance(4, keep_steps=False).reward_mean
    assert death["margin_after"].to_numpy() == pytest.approx(after.mean(axis=0) - PAPER.c)
    assert death["margin_last_quarter"].to_numpy() == pytest.approx(after[2:].mean(axis=0) - PAPER.c)
    assert thresholds["c_after"].to_numpy() == pytest.approx(PAPER.c[::-1])
    assert death["informed"].isna().all()


def test_a_patrol_loses_the_zones_of_its_dead() -> None:
    """Agent 4 holds magenta: without it the zone gets nothing, and the others what they had."""
    rows = event_runs(partition(50), PAPER, 8000, [4])
    rows = rows[rows["event"] == "death"].set_index("zone")
    assert rows["margin_after"]["magenta"] == pytest.approx(-0.6)
    assert rows["margin_after"]["cyan"] == pytest.approx(0.5)
    summary = after_events(rows.reset_index())["death"]
    assert summary["margin_after"].item() == pytest.approx(-0.6)
    assert np.isnan(summary["informed"].item())


def test_informed_is_the_step_from_which_all_know_the_new_thresholds() -> None:
    rows = event_runs(OURS_ONLY, PAPER, 16_000, [0])
    informed = rows["informed"].dropna().unique()
    assert len(informed) == 1
    run = OURS_ONLY.start(PAPER, 16_000, 0)
    run.play(80)
    run.post(changed(PAPER))
    run.play(int(informed[0]) // 100 - 1)
    assert not run.informed
    run.play(1)
    assert run.informed


@pytest.mark.parametrize("peak", [0.0, 0.07, 0.31, 0.4])
def test_tightening_is_searched_where_the_margin_is_largest(
    peak: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def margins(
        scenario: object, policy: object, rule: object, K: int, seeds: range, tightening: float
    ) -> np.ndarray:
        assert seeds == search.TUNING_SEEDS
        return np.array([-abs(tightening - peak)])

    monkeypatch.setattr(search, "smallest_margins", margins)
    assert search.best_tightening(PAPER, TRAINED, GossipRule(), 10, 0.4) == pytest.approx(peak, abs=0.4 / 32)


def test_frozen_multipliers_are_searched_by_direction(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = np.array([0.2, 1.0, 0.5, 0.1, 0.7, 0.3])

    def margins(scenario: object, policy: object, rule: FrozenRule, K: int, seeds: range) -> np.ndarray:
        lam = np.array(rule.lam)
        return np.array([-np.abs(lam / lam.max() - wanted).sum()])

    monkeypatch.setattr(search, "smallest_margins", margins)
    assert np.abs(np.array(search.best_frozen(PAPER, TRAINED, 10)) - wanted).sum() < 0.3


def test_smallest_margins_are_those_of_the_runs() -> None:
    found = search.smallest_margins(PAPER, TRAINED, GossipRule(), 4, [3, 4])
    for seed, margin in zip((3, 4), found, strict=True):
        reward_mean = Run(PAPER, TRAINED, seed).advance(4, keep_steps=False).reward_mean
        assert margin == pytest.approx((reward_mean.mean(axis=0) - PAPER.c).min())


def test_bands_are_over_runs_and_are_compared_where_they_do_not_overlap() -> None:
    margin = {"a": [0.1, 0.3], "b": [0.4, 0.5], "c": [0.2, 0.4]}
    bands = band(pd.DataFrame(margin).melt(var_name="baseline", value_name="margin"))
    assert bands.loc["a"].to_list() == pytest.approx([0.1, 0.2, 0.3])
    found = [compared(bands.loc[one], bands.loc[other]) for one, other in ("ba", "ab", "ac", "cb", "bc")]
    assert found == [1, -1, 0, 0, 0]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """One policy for all and a short search: the command in seconds."""
    monkeypatch.setattr(Policies, "of", classmethod(lambda cls, scenario: POLICIES))
    monkeypatch.setattr(measure, "loads_of", lambda scenario: [2.1, 4.0])
    monkeypatch.setattr(main, "best_frozen", lambda scenario, policy, rollouts: (0.5,) * scenario.M)
    monkeypatch.setattr(main, "best_tightening", lambda *arguments: 0.1)


@pytest.mark.compiled
@pytest.mark.usefixtures("small")
def test_the_command_writes_page_picture_and_tables(tmp_path: Path) -> None:
    arguments = ["--seeds", "2", "--steps", "400", "--out"]
    for folder in ("one", "two"):
        with pytest.raises(SystemExit) as stop:
            command(main.baselines, [*arguments, str(tmp_path / folder)])
        assert stop.value.code == 0
    one, two = tmp_path / "one", tmp_path / "two"
    written = sorted(path.name for path in one.iterdir())
    csv = [f"baselines-{name}.csv" for name in ("capacity", "events", "zones")]
    assert written == sorted([*csv, "baselines.md", "baselines.pdf", "baselines.png"])
    for name in (*csv, "baselines.md"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    page = (one / "baselines.md").read_text("utf-8")
    names = [baseline.name for baseline in all_baselines(PAPER, POLICIES, TUNED)]
    for name in names:
        assert page.count(f"\n| `{name}` |") == 4  # nominal, events, capacity in two shapes
    zones = pd.read_csv(one / "baselines-zones.csv")
    assert zones.groupby("baseline", sort=False).size().to_dict() == dict.fromkeys(names, 12)
    row = zones[zones["baseline"] == "partition-200"].groupby("seed")["margin"].min()
    assert f"{row.mean():+.3f} ({row.min():+.3f} to {row.max():+.3f})" in page
    waits = zones.groupby(["baseline", "seed"])["idleness_worst"].max().groupby("baseline").mean()
    assert f"| `{OURS}` | `partition-200` |" in page
    assert f"| {waits[OURS]:,.0f} | {waits['partition-200']:,.0f} |" in page
    with pytest.raises(SystemExit) as stop:
        command(main.baselines, [*arguments, str(one)])
    assert stop.value.code == 2


@pytest.mark.compiled
def test_any_scenario_has_the_baselines_that_need_no_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiled(2, 1, N=10).save(tmp_path / "campus.toml")
    with pytest.raises(SystemExit) as stop:
        command(
            main.baselines,
            [
                str(tmp_path / "campus.toml"),
                "--seeds",
                "1",
                "--steps",
                "1200",
                "--out",
                str(tmp_path / "out"),
            ],
        )
    assert stop.value.code == 0
    zones = pd.read_csv(tmp_path / "out" / "baselines-zones.csv")
    names = [
        baseline.name for baseline in all_baselines(tiled(2, 1, N=10), Policies(None, None, None), TUNED)
    ]
    assert zones["baseline"].unique().tolist() == names
    assert {"rank", "oracle", "schedule", "partition-150", "partition-600"} < set(names)
    assert not set(catalogue.TRAINED) & set(names)
    said = "Left out for want of policies that were trained for this scenario: `gossip`, `shared`, `silent`"
    assert said in capsys.readouterr().out
    page = (tmp_path / "out" / "baselines.md").read_text("utf-8")
    assert said in page
    assert "| `rank` | `partition-600` |" in page
    assert all(page.count(f"\n| `{name}` |") == 4 for name in names)


def test_policies_are_those_that_fit() -> None:
    assert Policies.of(Scenario.load("tiny")) == (None, None, None)
    assert None not in Policies.of(PAPER)


@pytest.mark.filterwarnings("ignore:.*Theorem 1 does not apply")
def test_an_agent_that_is_alone_does_not_die() -> None:
    alone = Scenario.load("paper", ["agents.N=1"])
    assert list(measure.possible_events(alone)) == ["thresholds"]
    rows = event_runs(partition(50), alone, 400, [0])
    assert rows["event"].unique().tolist() == ["thresholds"]
    assert list(measure.possible_events(PAPER)) == ["thresholds", "death"]


@pytest.mark.parametrize(
    ("steps", "T0", "length"), [(None, 100, 40_000), (None, 150, 40_200), (600, 150, 600)]
)
def test_runs_have_quarters_of_whole_rollouts(steps: int | None, T0: int, length: int) -> None:
    assert main.half_times(steps, T0) == length


def test_lengths_without_a_half_time_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Policies, "of", classmethod(lambda cls, scenario: POLICIES))
    with pytest.raises(InputError, match="multiple of 4 T0 = 400"):
        main.baselines(steps=600, out=tmp_path / "none")
    assert not (tmp_path / "none").exists()
