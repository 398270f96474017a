"""The table of what each part of the training recipe gives."""

import signal
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest

from analysis import ablation
from analysis.ablation import VARIANTS, chosen, summary, tabulated
from cmarlsim import InputError, Policy, Scenario, execute
from cmarlsim.terminal.interrupt import Stop
from cmarlsim.training import Training
from cmarlsim.training.recipe import Recipe

TABLE = pd.DataFrame(
    [
        {"variant": variant, "training_seed": seed, "d": d, "smallest_margin": margin}
        for variant, rows in {"b": [(0.1, 0.2), (0.04, 0.3), (0.06, 0.4)], "a": [(-0.1, 0.5)] * 3}.items()
        for seed, pair in enumerate(rows)
        for d, margin in zip((1.0, 5.0), pair, strict=True)
    ]
)


def test_summary_by_hand() -> None:
    lines = summary(TABLE)
    assert lines.index.to_list() == ["b", "a"]  # as they were measured
    assert lines.loc["b"].to_list() == [pytest.approx(0.06), 0.3, pytest.approx(0.06), 0.04, 2]
    assert lines.loc["a"].to_list() == [-0.1, 0.5, -0.1, -0.1, 0]


def test_the_table_has_a_line_a_variant() -> None:
    head, rule, first, second = tabulated(summary(TABLE)).splitlines()
    assert {line.count("|") for line in (head, rule, first, second)} == {7}
    assert first == "| b | +0.060 | +0.300 | +0.060 | +0.040 | 2 |"


def test_variants_are_recipes_that_differ() -> None:
    recipes = [base.model_copy(update=dict(changes)) for base, changes in VARIANTS.values()]
    assert all(Recipe.model_validate(recipe.model_dump()) == recipe for recipe in recipes)
    assert len({repr(recipe) for recipe in recipes}) == len(recipes)


@pytest.mark.compiled
def test_margins_are_those_of_the_worst_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ablation, "learn", lambda scenario, seed, recipe, progress: Policy.load("rank"))
    found = ablation.margins(Recipe(), 3, 2, Stop())
    assert found is not None
    assert found["d"].to_list() == [1, 2, 3, 4, 5, 6]
    assert set(found["training_seed"]) == {3}
    scenario = Scenario.load("paper", ["links.d=4"])
    runs = [execute(scenario, Policy.load("rank"), seed=seed, record="rollout") for seed in (1000, 1001)]
    assert found["smallest_margin"][3] == np.min([run.margin() for run in runs])


def test_variants_are_chosen_by_part_of_their_names() -> None:
    assert chosen("") == list(VARIANTS)
    assert chosen("default") == ["the default recipe"]
    with pytest.raises(InputError, match="only = 'nonsense': must be part of one of these: the default"):
        chosen("nonsense")


@pytest.mark.compiled
def test_a_stopped_ablation_has_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C during the third of four trainings."""
    begun: list[int] = []

    def learn(scenario: Scenario, seed: int, recipe: Recipe, progress: Callable[[object], bool]) -> Policy:
        begun.append(seed)
        if len(begun) == 3:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            while progress(None):
                time.sleep(0.001)
        return Policy.load("rank")

    monkeypatch.setattr(ablation, "learn", learn)
    monkeypatch.setattr(ablation, "compilation_announced", nullcontext)
    monkeypatch.setattr(Training, "prepare", lambda training: None)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0})
    table, lacking = ablation.measure(["the default recipe"], 4, 1)
    assert lacking == 2
    assert table["training_seed"].unique().tolist() == [0, 1]
