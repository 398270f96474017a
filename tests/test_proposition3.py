"""Proposition 3's verdicts, which flip where a bound is tampered with, and the command."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import Call

from analysis.intervals import mean_and_error
from analysis.multipliers import (
    AGREEMENT,
    NORMS,
    TRANSIENT,
    MeasuredErrors,
    from_recordings,
    looks,
    rows,
    simulate,
    worst,
)
from analysis.proposition3 import chosen, draw, final, proposition3, tabulated
from analysis.settings import COUNTER_EXAMPLES, Setting
from cmarlsim import Policy, Scenario, execute
from cmarlsim.bounds.verdicts import COLUMNS, CORRECTED, PRINTED
from cmarlsim.footprints.footprint import Footprint, fitted, strongest

PATH = Setting(footprint="path:4", p=0.2, M=1, alpha=0.2, T0=40, rollouts=8, repetitions=1000)
STAR = Setting(footprint="star:7", p=0.2, M=6, alpha=0.9, T0=40, rollouts=3, repetitions=400)


@pytest.fixture(scope="module")
def path() -> MeasuredErrors:
    return simulate("path", PATH, 0)


@pytest.fixture(scope="module")
def star() -> MeasuredErrors:
    return simulate("star", STAR, 0)


def word(case: MeasuredErrors, norm: str, form: str, projection: bool = True) -> str:
    """Verdict after the last rollout."""
    found = rows(case).set_index(["k", "norm", "form", "projection"])
    return str(found.loc[(max(case.errors), norm, form, projection), "verdict"])


def tampered(case: MeasuredErrors, **changes: float) -> MeasuredErrors:
    return replace(case, bound=replace(case.bound, **changes))


def test_on_a_path_the_closer_bound_is_met(path: MeasuredErrors) -> None:
    found = rows(path)
    assert list(found.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert set(found.loc[found["claim"] == AGREEMENT, "verdict"]) == {"holds"}
    linear = found[~found["projection"] & (found["norm"] == NORMS[0]) & (found["form"] == CORRECTED)]
    assert (linear["low"] <= linear["bound"]).all()
    assert (linear["bound"] <= linear["high"]).all()
    assert set(found["verdict"]) <= {"holds", "undecided", "vacuous"}
    first = found[(found["k"] == 1) & (found["form"] == PRINTED)]
    assert set(first["verdict"]) == {"holds"}
    assert len(found) == len(looks(8)) * (2 * 9 + 1)


@pytest.mark.parametrize(
    "changes",
    [{"d_G": 2}, {"p": 0.25}, {"alpha": 0.4}, {"eta": 0.4}, {"T0": 60}],
    ids=lambda changes: next(iter(changes)),
)
def test_verdicts_flip_when_the_bound_is_tampered_with(
    path: MeasuredErrors, changes: dict[str, float]
) -> None:
    assert word(path, NORMS[0], CORRECTED) == "undecided"
    false = tampered(path, **changes)
    for norm, form in ((NORMS[0], CORRECTED), (NORMS[0], TRANSIENT), (NORMS[1], CORRECTED)):
        assert word(false, norm, form) == "fails"


def test_exact_means_of_something_else_differ(path: MeasuredErrors) -> None:
    assert path.exact is not None
    for factor in (0.9, 1.1):
        other = replace(path, exact=factor * path.exact)
        assert word(other, NORMS[0], AGREEMENT, projection=False) == "fails"


def test_on_a_star_the_printed_max_norm_fails(star: MeasuredErrors) -> None:
    assert (word(star, NORMS[0], PRINTED), word(star, NORMS[0], CORRECTED)) == ("undecided",) * 2
    for norm in NORMS[1:]:
        assert (word(star, norm, PRINTED), word(star, norm, TRANSIENT)) == ("fails", "fails")
        assert word(star, norm, CORRECTED) == "holds"


def test_the_corrected_bound_needs_its_union(star: MeasuredErrors) -> None:
    """Without it, with one zone for six, and with the constant of one agent for all of them, it fails."""
    assert word(replace(star, M=1), NORMS[1], CORRECTED) == "fails"
    assert star.bound.one_agent(7, 6, 3) < star.bound.all_agents(7, 6, 3)
    assert word(replace(star, N=2), NORMS[1], CORRECTED) == "fails"


@pytest.mark.compiled
def test_fifty_leaves_leave_proposition_3_behind() -> None:
    found = final(rows(simulate("star", COUNTER_EXAMPLES[1].varied(repetitions=60), 1)).assign(case=0))
    ratio = found[found["projection"]].set_index(["norm", "form"])["ratio"]
    assert 2.2 < ratio[NORMS[1], PRINTED] < 2.9
    assert ratio[NORMS[1], CORRECTED] < 0.9


def test_where_agents_are_too_many_some_are_followed(
    monkeypatch: pytest.MonkeyPatch, star: MeasuredErrors
) -> None:
    monkeypatch.setattr("analysis.multipliers.MOST_VALUES", 2 * STAR.repetitions * STAR.M)
    some = simulate("star", STAR, 0)
    for k, errors in some.errors.items():
        assert np.array_equal(errors.projected, star.errors[k].projected[:, :2])
    assert set(rows(some)["norm"]) == set(NORMS[:2])
    *_, printed, corrected = (cell.strip() for cell in tabulated(rows(some).assign(case=0)).split("|")[:-1])
    assert printed == corrected == "some agents followed"


def test_where_nobody_observes_there_is_no_error() -> None:
    found = rows(simulate("none", Setting(occupancy=0.0, rollouts=2, repetitions=4), 0))
    assert set(found["measured"]) == {0}
    assert set(found["verdict"]) == {"holds"}


def test_a_bound_that_says_nothing_is_vacuous() -> None:
    slow = simulate("slow", Setting(footprint="path:3", p=0.05, T0=20, M=2, rollouts=2, repetitions=4), 0)
    assert word(slow, NORMS[0], PRINTED) == "vacuous"
    assert word(slow, NORMS[0], CORRECTED) != "vacuous"


def test_the_worst_is_chosen_by_other_repetitions_than_it_is_measured_in() -> None:
    samples = np.array([[0.0, 1.0], [0.0, 1.0], [5.0, 2.0], [5.0, 3.0]])
    assert worst(samples).tolist() == [2.0, 3.0]
    assert worst(samples[:, :1]).tolist() == [0.0, 0.0, 5.0, 5.0]


def test_intervals_miss_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any of three means is missed about as often as is said."""
    monkeypatch.setattr("analysis.intervals.MISS", 0.2)
    generator = np.random.default_rng(0)
    missed = []
    for _ in range(400):
        mean, error = mean_and_error(generator.normal(size=(12, 3)))
        missed.append(bool((np.abs(mean) > error).any()))
    assert 0.1 < np.mean(missed) < 0.2 + 4 * math.sqrt(0.2 * 0.8 / 400)


def test_the_strongest_part_of_a_footprint() -> None:
    """All edges give d_G / p = 1 / .1, those of .3 and more 3 / .3, those of .35 are not connected."""
    complete = [[0, 1], [1, 2], [2, 3], [0, 2], [0, 3], [1, 3]]
    p = np.array([0.31, 0.35, 0.32, 0.02, 0.02, 0.02])
    best = strongest(Footprint("four", 4, np.array(complete), p))
    assert best.edges.tolist() == [[0, 1], [1, 2], [2, 3]]
    weak = strongest(Footprint("four", 4, np.array(complete), np.where(p < 0.1, 0.2, p)))
    assert len(weak.edges) == 6


def test_a_patrol_is_judged_by_estimates() -> None:
    scenario, policy = Scenario.load("tiny", ["links.d=3"]), Policy.load("rank")
    runs = [execute(scenario, policy, 400, seed) for seed in range(4)]
    least, mean = from_recordings("tiny", runs)
    footprint = fitted(*runs)
    assert mean.bound.p == pytest.approx(np.mean([run.links().mean(axis=0)[0, 1] for run in runs]))
    assert (least.bound.d_G, least.bound.p) == (footprint.diameter, footprint.p.min())
    K = 400 // scenario.dual.T0
    errors = least.errors[K]
    assert np.array_equal(errors.projected, [run.lam[K] - run.lam_ideal[K] for run in runs])
    assert (errors.unprojected > errors.projected - 1e-12).all()
    assert errors.unprojected.max() > 0
    table = rows(least)
    assert set(table["basis"]) == {least.basis} != {"proven"}
    assert AGREEMENT not in set(table["claim"])


@pytest.mark.filterwarnings("ignore:.*Theorem 1 does not apply")
def test_without_projection_errors_add_up_as_the_multipliers_do() -> None:
    """With thresholds for which multipliers hardly fall to 0, projection makes hardly a difference."""
    settings = ["links.d=3", *(f"zones.{m}.c=0.999" for m in range(3))]
    runs = [execute(Scenario.load("tiny", settings), Policy.load("rank"), 400, seed) for seed in range(4)]
    for errors in from_recordings("tiny", runs)[0].errors.values():
        assert np.allclose(errors.unprojected, errors.projected, rtol=0, atol=0.01)
    assert errors.unprojected.mean() > 0.1


def test_the_figure_shows_measurements_and_bounds(path: MeasuredErrors, star: MeasuredErrors) -> None:
    table = pd.concat([rows(star).assign(case=0), rows(path).assign(case=1)], ignore_index=True)
    assert chosen(table) == [0, 1]
    figure = draw(table)
    axes = figure.axes
    assert len(axes) == 3
    mine = table[(table["case"] == 0) & (table["norm"] == NORMS[1])]
    curve = mine[mine["projection"] & (mine["form"] == CORRECTED)]
    lines = axes[0].get_lines()
    assert np.allclose(lines[0].get_ydata(), curve["measured"])
    assert np.allclose(lines[-1].get_ydata(), curve["bound"])
    ratios = final(table).query("norm == 'max norm' and form == 'printed' and projection")["ratio"]
    drawn = [line.get_ydata() for line in axes[2].get_lines()]
    assert any(len(y) == 2 and np.allclose(y, ratios) for y in drawn)


def test_settings_are_read() -> None:
    read = Setting.read("footprint=star:51 M=50 alpha=0.9 p=0.25 rollouts=7")
    assert read == Setting(footprint="star:51", p=0.25, M=50, alpha=0.9, rollouts=7)
    assert Setting.read("alpha=0.01").length == 300
    assert Setting.read("alpha=0.9").length == 4


def test_a_files_own_probabilities_hold_unless_one_is_given(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("0 1 .5\n1 2 .25\n")
    setting = Setting(footprint=str(tmp_path / "mine.txt"))
    assert setting.load(0).p.tolist() == [0.5, 0.25]
    assert setting.bound(setting.load(0)).p == 0.25
    assert setting.varied(p=0.75).load(0).p.tolist() == [0.75, 0.75]


@pytest.fixture
def call(call: Call) -> Call:
    """Run the command in an empty folder: exit code, stdout, stderr."""
    return partial(call, proposition3)


def test_the_command_writes_table_figure_and_verdicts(call: Call) -> None:
    arguments = (
        *("--case", "footprint=star:4 M=3 alpha=0.9 T0=30 rollouts=3 repetitions=50"),
        *("--case", "footprint=path:3 M=2 occupancy=0.5 c=0.4 T0=20 rollouts=2 repetitions=50"),
    )
    code, out, err = call(*arguments)
    assert (code, err) == (0, "")
    assert f"Proposition 3, {CORRECTED}: model: " in out
    written = sorted(path.name for path in Path("results").iterdir())
    assert written == [f"proposition3.{ending}" for ending in ("csv", "md", "pdf", "png")]
    table = pd.read_csv("results/proposition3.csv")
    assert {"bound", "measured", "low", "high", "ratio", "verdict"} < set(table.columns)
    assert table["case"].unique().tolist() == [0, 1]
    lines = Path("results/proposition3.md").read_text().splitlines()
    assert len(lines) == 6
    assert all(line.count("|") == 17 for line in lines[2:])
    first = Path("results/proposition3.csv").read_bytes()
    assert call(*arguments)[0] == 2
    assert call(*arguments, "--force")[0] == 0
    assert Path("results/proposition3.csv").read_bytes() == first


def test_recordings_are_judged(call: Call) -> None:
    scenario, policy = Scenario.load("tiny", ["links.d=3"]), Policy.load("rank")
    for seed in range(4):
        execute(scenario, policy, 200, seed, out=f"{seed}.h5")
    code, out, err = call(*(f"{seed}.h5" for seed in range(4)))
    assert (code, err) == (0, "")
    assert "estimated: " in out
    assert call("0.h5", "1.h5", "--force")[2].startswith("error: 0.h5: give four runs or more")


def test_what_is_wrong_with_a_file_is_said_first(call: Call) -> None:
    Path("a.csv").write_text("1,2\n")
    assert call("a.csv")[2].startswith("error: a.csv: ")
    assert "runs or more" not in call("a.csv")[2]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("alhpa=0.1", "unknown key alhpa; did you mean 'alpha'?"),
        ("M=many", "M = 'many': should be a valid integer"),
        ("M=0", "--case 'M=0': M = 0: should be greater than or equal to 1"),
        ("repetitions=1", "repetitions = 1: should be greater than or equal to 4"),
        (
            "alpha=0 rollouts=3",
            "--case 'alpha=0 rollouts=3': alpha = 0: should be greater than",
        ),
        ("alpha=1", "alpha = 1: should be less than or equal to 0.999999"),
        ("alpha=1e-320", "alpha = 1e-320: should be greater than or equal to 0.000001"),
        ("p=0", "p = 0: should be greater than or equal to 0.000001"),
        ("eta=-1", "eta = -1: should be greater than or equal to 0.000001"),
        ("eta=1e300 rollouts=3 repetitions=50", "eta = 1e+300: should be less than or equal to 1000"),
        ("occupancy=nan", "occupancy = nan: should be"),
        ("T0=0", "T0 = 0: should be greater than or equal to 1"),
        ("rollouts=100000000", "rollouts = 100000000: should be less than or equal to 1000000"),
        (
            "footprint=path:3000 T0=100000 rollouts=3 repetitions=4",
            "case of footprint=path:3000 M=5 T0=100000 rollouts=3 repetitions=4: moves about 1.1e+12 numbers",
        ),
        (
            "M=10000 repetitions=2000 rollouts=2 T0=1",
            "keeps at once about 2.0e+07 numbers, more than 1.7e+07",
        ),
        ("footprint=path:100000000", "'path:100000000': about 100,000,000 edges for N"),
        ("footprint=path:1", "footprint 'path:1': has one agent only"),
        ("c=1.5", "c = 1.5: should be less than or equal to 1"),
    ],
)
def test_bad_input_is_one_line(call: Call, case: str, message: str) -> None:
    code, out, err = call("--case", case)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
