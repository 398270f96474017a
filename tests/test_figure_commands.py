"""The figures' commands as a user sees them: files, recordings that do not fit, one-line errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from commands import Call

from analysis import recordings as recordings_module
from analysis.figures import FIGURES
from analysis.paper import paper
from analysis.paper_figure import command_of
from cmarlsim import Policy, Scenario, execute
from cmarlsim.training import Training
from cmarlsim.training.recipe import Recipe

figure3a, figure3bf, figure4, figure5a, figure5b, figure5c = map(command_of, FIGURES)


def each_of(*figures: Callable[..., int]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("figure", figures, ids=lambda figure: figure.__name__)


def record(
    name: str, *settings: str, scenario: str = "tiny", level: str = "step", seed: int = 0, steps: int = 50
) -> str:
    given, rank = Scenario.load(scenario, settings), Policy.load("rank")
    execute(given, rank, steps, seed, record=level, out=name).close()
    return name


@each_of(figure3a, figure3bf, figure4, figure5a, figure5b)
def test_each_figure_is_three_files(call: Call, figure: Callable[..., int]) -> None:
    code, out, err = call(figure, record("r.h5"), "--out", "here")
    assert (code, err) == (0, "")
    name = figure.__name__
    assert sorted(path.name for path in Path("here").iterdir()) == [
        f"{name}.{x}" for x in ("csv", "pdf", "png")
    ]
    assert f"here/{name}.png" in out
    assert len(pd.read_csv(f"here/{name}.csv")) > 0
    assert call(figure, "r.h5", "--out", "here")[0] == 2
    assert call(figure, "r.h5", "--out", "here", "--force")[0] == 0


@each_of(figure3a, figure3bf, figure5a, figure5b)
@pytest.mark.parametrize("level", ["rollout", "summary"])
def test_a_level_that_keeps_too_little_is_named(call: Call, figure: Callable[..., int], level: str) -> None:
    code, out, err = call(figure, record("r.h5", level=level))
    assert (code, out) == (2, "")
    assert err == (
        f"error: r.h5: recorded at level '{level}', but the figure needs level 'step': "
        "record with --record step\n"
    )
    assert not list(Path("results").glob("*"))


@each_of(figure3bf, figure5b)
def test_there_is_a_panel_for_each_agent_of_a_small_team(call: Call, figure: Callable[..., int]) -> None:
    code, _, err = call(figure, record("r.h5", "agents.N=41", steps=10))
    assert (code, err) == (
        2,
        "error: r.h5: agents.N = 41: the figure has a panel for each agent, for up to 40\n",
    )


@each_of(figure4, figure5c)
def test_figures_4_and_5c_need_rollouts(call: Call, figure: Callable[..., int]) -> None:
    policy = ("--policy", "rank") if figure is figure5c else ()
    assert call(figure, record("r.h5", level="rollout"), *policy)[0] == 0
    code, _, err = call(figure, record("s.h5", level="summary"), *policy, "--force")
    assert code == 2
    assert "s.h5: recorded at level 'summary', but the figure needs level 'rollout'" in err


DIFFERENT = {
    "dual.alpha": ("dual.alpha=0.25",),
    "links.d": ("links.d=0.5",),
    "zones.top.radius, zones.top.c": ("zones.2.c=0.15", "zones.2.radius=0.3"),
    "agents.N, agents.speed": ("agents.N=3", "agents.speed=0.5"),
}


@pytest.mark.parametrize("keys", DIFFERENT)
def test_different_scenarios_are_refused_by_the_keys_that_differ(call: Call, keys: str) -> None:
    code, _, err = call(figure4, record("a.h5"), record("b.h5", *DIFFERENT[keys], seed=1))
    assert code == 2
    assert err == f"error: b.h5: does not go with a.h5, they differ in: {keys}\n"


def test_other_differences_are_named_too(call: Call) -> None:
    record("a.h5")
    code, _, err = call(figure5a, "a.h5", record("b.h5", steps=60, seed=1))
    assert (code, err) == (2, "error: b.h5: does not go with a.h5, they differ in: steps\n")
    code, _, err = call(figure5a, "a.h5", record("c.h5", scenario="paper", steps=100))
    assert code == 2
    assert "they differ in: floorplan, name, agents.N, dual.alpha" in err.replace("dual.eta, ", "")
    assert " more" in err
    code, _, err = call(figure5a, "a.h5", record("d.h5"))
    assert (code, err) == (2, "error: d.h5: is the same run as a.h5 (seed 0)\n")


@each_of(*map(command_of, FIGURES))
def test_recordings_or_run_but_not_both_or_neither(call: Call, figure: Callable[..., int]) -> None:
    assert call(figure) == (2, "", "error: give either recordings or --run\n")
    assert call(figure, record("r.h5"), "--run") == (
        2,
        "",
        "error: give either recordings or --run, not both\n",
    )


def test_run_runs_the_papers_team(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def run(*arguments: object) -> list[object]:
        asked.append(arguments)
        return [execute(Scenario.load("tiny"), Policy.load("rank"), 50, seed) for seed in range(2)]

    monkeypatch.setattr(recordings_module, "run_paper", run)
    assert call(figure4, "--run", "--runs", "3")[0] == 0
    assert call(figure3a, "--run")[0] == 0
    (policies, radii, runs, level), other = asked
    assert policies["paper"].sha256 == Policy.load("paper").sha256
    assert (radii, runs, level) == ([5.0], 3, "rollout")
    assert other[1:] == ([5.0], 1, "step")


def test_figure_5c_takes_ranges_and_policies_but_nothing_else(call: Call) -> None:
    files = [record(f"{d}-{seed}.h5", f"links.d={d}", seed=seed) for d in (2, 1) for seed in (1, 0)]
    code, out, err = call(figure5c, *files, "--policy", "order=rank")
    assert (code, err) == (0, "")
    assert "order" in out
    table = pd.read_csv("results/figure5c.csv")
    assert table[["policy", "d", "seed"]].to_numpy().tolist() == [
        ["order", d, s] for d in (1, 2) for s in (0, 1)
    ]
    other = record("other.h5", "links.d=3", "dual.eta=0.7")
    code, _, err = call(figure5c, *files, other, "--policy", "rank", "--force")
    assert (code, err) == (2, f"error: other.h5: does not go with {files[0]}, they differ in: dual.eta\n")
    code, _, err = call(figure5c, *files, "--policy", "paper", "--force")
    assert code == 2
    assert "2-1.h5: was recorded with another policy than paper; name the policy's file with --policy" in err
    always = record("always.h5", "links.model=always")
    code, _, err = call(figure5c, always, "--policy", "rank", "--force")
    assert code == 2
    assert "links.model = 'always': the figure needs 'sight-or-disc'" in err


def test_policies_have_labels_of_their_own(call: Call) -> None:
    code, _, err = call(figure5c, "--run", "--policy", "a=rank", "--policy", "a=paper")
    assert (code, err) == (2, "error: --policy a=paper: the label 'a' stands for another one already\n")
    code, _, err = call(figure5c, "--run", "--policy", "a=rank", "--policy", "b=rank")
    assert (code, err) == (2, "error: --policy b=rank: is the same policy as 'a'\n")
    with pytest.warns(UserWarning, match="Theorem 1"):
        small = Scenario.load("paper", ["agents.N=2"])
    Training(small, 0, Recipe()).policy().save("small.h5")
    code, _, err = call(figure5c, "--run", "--policy", "mine=small.h5")
    assert code == 2
    assert "error: --policy mine: the policy is for N = 2, M = 6 and 12 tiles" in err
    code, _, err = call(figure5c, "--run", "--policy", "nowhere")
    assert code == 2
    assert "nowhere: no such file" in err


def test_all_figures_and_the_table_from_recordings(call: Call) -> None:
    files = [
        record(f"{d}-{seed}.h5", f"links.d={d}", scenario="paper", seed=seed, steps=300)
        for d in (1, 5)
        for seed in (0, 1)
    ]
    code, out, err = call(paper, *files, "--policy", "rank", "--out", "all")
    assert (code, err) == (0, "")
    figures = [f"figure{x}" for x in ("3a", "3bf", "4", "5a", "5b", "5c")]
    wanted = {f"{name}.{x}" for name in figures for x in ("png", "pdf", "csv")} | {
        "section5.csv",
        "section5.md",
    }
    assert {path.name for path in Path("all").iterdir()} == wanted
    table = pd.read_csv("all/section5.csv")
    assert set(table["policy"]) == {"rank"}
    assert {"agrees", "disagrees"} <= set(table["verdict"])
    lines = Path("all/section5.md").read_text().splitlines()
    assert lines[0] == "| the paper says | criterion | rank |"
    assert len(lines) == 2 + len(table)
    for line, row in zip(lines[2:], table.to_dict("records"), strict=True):
        assert line.startswith(f"| {row['paper']} | {row['criterion']} | ")
        assert line.endswith(f": {row['verdict']} |")
    assert "Section V" in out


def test_other_scenarios_get_the_figures_that_are_not_about_ranges(call: Call) -> None:
    code, out, err = call(paper, record("r.h5"), "--out", "other")
    assert code == 0, err
    assert "not the paper's scenario, differs in: floorplan, name" in out
    assert {path.stem for path in Path("other").iterdir()} == {
        figure.name for figure in FIGURES if figure.needs != "ranges"
    }


def test_the_table_is_about_the_papers_scenario(call: Call) -> None:
    d4 = record("d4.h5", "links.d=4", scenario="paper", steps=100)
    code, _, err = call(paper, d4, "--policy", "rank")
    assert code == 2
    assert "links.d = 5: no recording has it with the policy 'rank'" in err
    d5 = record("d5.h5", scenario="paper", steps=100, level="rollout")
    code, _, err = call(paper, d4, d5, "--policy", "rank")
    assert code == 2
    assert "d5.h5: recorded at level 'rollout', but the figure needs level 'step'" in err
