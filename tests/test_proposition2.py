"""Proposition 2's verdicts, which flip where a bound is tampered with, and the command."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from commands import Call

from analysis.delays import (
    AGREEMENT,
    AS_CORRECTED,
    AS_PRINTED,
    CUTS,
    EVERY_PAIR,
    OBSERVERS,
    PATHS,
    Delays,
    by_lag,
    claims,
    measure,
)
from analysis.intervals import distribution_error, wilson
from analysis.proposition2 import draw, proposition2, tabulated
from cmarlsim.bounds.verdicts import COLUMNS
from cmarlsim.footprints.footprint import named

REPETITIONS = 4000


@pytest.fixture(scope="module")
def cycle() -> Delays:
    return measure(named("cycle:6", 0.3), REPETITIONS, 0)


@pytest.fixture(scope="module")
def path() -> Delays:
    return measure(named("path:4", 0.3), REPETITIONS, 0)


def words(delays: Delays) -> dict[str, str]:
    table = claims(delays)
    assert list(table.columns[: len(COLUMNS)]) == list(COLUMNS)
    return dict(zip(table["variant"], table["verdict"], strict=True))


def simulation(delays: Delays) -> Delays:
    """What is known without the chain."""
    return replace(delays, exact=None, worst=None, observers=None)


def test_on_a_cycle_the_printed_direction_fails(cycle: Delays) -> None:
    exact = {AS_PRINTED: "fails", AS_CORRECTED: "holds", EVERY_PAIR: "holds", OBSERVERS: "holds"}
    assert words(cycle) == exact | {PATHS: "holds", CUTS: "holds", AGREEMENT: "holds"}
    simulated = {AS_PRINTED: "fails", AS_CORRECTED: "holds", PATHS: "undecided", CUTS: "holds"}
    assert words(simulation(cycle)) == simulated


def test_on_a_path_it_is_an_equality(path: Delays) -> None:
    assert set(words(path).values()) == {"holds"}
    table = claims(path).set_index("variant")
    assert table.loc[OBSERVERS, "slack"] > 0.1
    equal = table.loc[[AS_PRINTED, AS_CORRECTED, EVERY_PAIR, PATHS, CUTS]]
    assert (equal["slack"] < 1e-9).all()
    assert (equal["measured"] == 0).all()
    assert "equality | equality | equality | holds, " in tabulated(claims(path))


def test_slack_is_the_largest_excess_and_where_it_is(cycle: Delays) -> None:
    assert cycle.exact is not None
    line = claims(cycle).set_index("variant").loc[AS_CORRECTED]
    excess = [a - b for a, b in zip(cycle.exact, cycle.bound, strict=True)]
    assert line["slack"] == max(excess) > 0.2
    assert excess[line["lag"]] == max(excess)


@pytest.mark.parametrize("known", [lambda delays: delays, simulation], ids=["exact", "simulated"])
def test_verdicts_flip_when_bounds_are_tampered_with(path: Delays, known: Callable[[Delays], Delays]) -> None:
    """One trial too few in the negative binomial, failures counted for trials, and one trial too many."""
    case = known(path)
    for shift in (1, 3):
        early = np.concatenate([path.bound[shift:], np.ones(shift)])
        assert words(replace(case, bound=early))[AS_CORRECTED] == "fails"
        assert words(replace(case, paths=early))[PATHS] == "fails"
    late = np.concatenate([[0.0], path.bound[:-1]])
    assert words(replace(case, bound=late))[AS_PRINTED] == "fails"
    assert words(replace(case, bound=late))[AS_CORRECTED] == "holds"
    assert words(replace(case, cuts=late))[CUTS] == "fails"


def test_verdicts_on_all_pairs_and_on_observers_flip(cycle: Delays) -> None:
    for variant in (EVERY_PAIR, OBSERVERS):
        higher = np.minimum(cycle.bound + 0.9, 1.1)
        assert words(replace(cycle, bound=higher))[variant] == "fails"


def test_a_simulation_of_something_else_does_not_agree(cycle: Delays) -> None:
    other = measure(named("cycle:6", 0.33), REPETITIONS, 0)
    last = len(other.count)
    assert cycle.exact is not None
    tampered = replace(other, exact=cycle.exact[:last], worst=None, observers=None)
    assert words(other)[AGREEMENT] == "holds"
    assert words(tampered)[AGREEMENT] == "fails"


@pytest.mark.compiled
def test_a_large_footprint_is_judged_by_simulation_alone() -> None:
    large = measure(named("grid:3x4", 0.4), REPETITIONS, 0)
    assert large.exact is None
    assert words(large) == {AS_PRINTED: "fails", AS_CORRECTED: "holds", PATHS: "holds", CUTS: "holds"}
    assert set(claims(large)["method"]) == {"simulated"}
    assert by_lag(large)["exact"].isna().all()


def test_by_lag_has_wilson_intervals(cycle: Delays) -> None:
    table = by_lag(cycle, most=7)
    assert len(table) == 7
    assert table["lag"].iloc[[0, -1]].tolist() == [0, len(cycle.bound) - 1]
    assert (table["low"] <= table["simulated"]).all()
    assert (table["simulated"] <= table["high"]).all()
    assert table["exact"].tolist() == [cycle.exact[lag] for lag in table["lag"]]


def test_wilson_ends_solve_the_score_equation() -> None:
    """(share - end)^2 = z^2 end (1 - end) / n, with z = 1.96 for 95 %."""
    for successes, n in ((0, 10), (3, 10), (10, 10), (577, 1000)):
        share = successes / n
        for end in wilson(successes, n):
            assert (share - end) ** 2 == pytest.approx(1.959964**2 * end * (1 - end) / n, abs=1e-7)
    low, high = wilson([0, 10], 10)
    assert (low[0], high[1]) == (0, 1)
    assert high[0] == pytest.approx(0.2775, abs=1e-4)


def test_the_error_of_a_distribution_function_is_rarely_exceeded() -> None:
    generator, n, miss = np.random.default_rng(0), 200, 0.2
    draws = np.sort(generator.random((500, n)), axis=1)
    steps = np.arange(n)
    away = np.maximum(draws - steps / n, (steps + 1) / n - draws).max(axis=1)
    assert 0.1 < (away > distribution_error(n, miss)).mean() < miss + 4 * np.sqrt(miss * (1 - miss) / 500)


def test_the_figure_shows_every_curve(cycle: Delays, path: Delays) -> None:
    table = pd.concat([by_lag(cycle), by_lag(path)], ignore_index=True)
    figure = draw(table)
    assert [axes.get_title().split("\n")[0] for axes in figure.axes] == ["cycle:6", "path:4"]
    lines = figure.axes[0].get_lines()
    mine = table[table["footprint"] == "cycle:6"]
    assert np.allclose(lines[0].get_xdata(), mine["lag"] * 0.3)
    assert np.allclose(lines[0].get_ydata(), mine["exact"] - mine["bound"])
    assert np.allclose(lines[1].get_ydata(), mine["paths"] - mine["bound"])
    assert np.allclose(lines[2].get_ydata(), mine["simulated"] - mine["bound"])


@pytest.fixture
def call(call: Call) -> Call:
    """Run the command in an empty folder: exit code, stdout, stderr."""
    return partial(call, proposition2)


def test_the_command_writes_table_figure_and_verdicts(call: Call) -> None:
    Path("mine.txt").write_text("0 1 .5\n1 2 .25\n2 0 .25\n")
    arguments = ("--footprint", "mine.txt", "--footprint", "path:3", "--repetitions", "500")
    code, out, err = call(*arguments)
    assert (code, err) == (0, "")
    assert f"{AS_PRINTED}: " in out
    written = sorted(path.name for path in Path("results").iterdir())
    assert written == [
        "proposition2-claims.csv",
        "proposition2.csv",
        "proposition2.md",
        "proposition2.pdf",
        "proposition2.png",
    ]
    verdicts = pd.read_csv("results/proposition2-claims.csv")
    lines = Path("results/proposition2.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in lines[4:]] == ["| mine.txt", *["| path:3"] * 4]
    assert all(line.count("|") == 11 for line in lines[2:])
    assert "| 2 | 0.05 | equality | equality |" in lines[6]
    cases = verdicts.drop_duplicates(["footprint", "p"])[["footprint", "p"]].to_numpy().tolist()
    assert cases == [["mine.txt", 0.25], *(["path:3", p] for p in (0.01, 0.05, 0.2, 0.6))]
    assert "--p replaces" not in out
    first = Path("results/proposition2.csv").read_bytes()
    assert call(*arguments)[0] == 2
    assert call(*arguments, "--force")[0] == 0
    assert Path("results/proposition2.csv").read_bytes() == first
    assert "--p replaces the edge probabilities of mine.txt\n" in call(*arguments, "--p", "0.2", "--force")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--footprint", "pth:3"], "footprint = 'pth:3': must be a file"),
        (["--footprint", "path:3", "--p", "1.5"], "'--p': 1.5: must be from"),
        (["--footprint", "bigp.txt", "--p", "0.2"], "bigp.txt: p = 1.5 of edge [0, 1]: must be in (0, 1]"),
        (
            ["--footprint", "nan.graphml", "--p", "0.2"],
            "nan.graphml: the p of every edge must be a number: 'nan' is not a number",
        ),
        (["--footprint", "path:20000"], "'path:20000': has 20,000 nodes, more than 10,000"),
        (["--footprint", "grid:1000x11"], "'grid:1000x11': has 11,000 nodes"),
        (
            ["--footprint", "complete:9000"],
            "'complete:9000': about 40,495,500 edges for N = 9000 agents",
        ),
        (["--footprint", "path:1"], "'path:1': has one agent only"),
        (["--footprint", "apart.txt"], "apart.txt: not connected, its components are [0, 1], [2, 3]"),
        (["--repetitions", "0"], "repetitions"),
    ],
)
def test_bad_input_is_one_line(call: Call, arguments: list[str], message: str) -> None:
    Path("apart.txt").write_text("0 1 .5\n2 3 .5\n")
    Path("bigp.txt").write_text("0 1 1.5\n")
    nx.write_graphml(nx.Graph([(0, 1, {"p": np.nan})]), "nan.graphml")
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
