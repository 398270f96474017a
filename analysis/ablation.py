"""``python -m analysis.ablation``: what each part of the training recipe gives.

Trains teams of the paper's scenario without one part at a time, with several training seeds, and runs each at
d = 1 .. 6 with execution seeds that no training has seen. Writes ``ablation.md`` and ``ablation.csv``
(one row a training and range).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

import pandas as pd
import typer

from analysis import markdown
from analysis.options import MOST_RUNS, OUT, Force, Out
from analysis.recordings import RADII
from analysis.style import free_stem, save_table
from cmarlsim.api import execute_batch
from cmarlsim.errors import ArgumentError
from cmarlsim.scenario import Scenario
from cmarlsim.storage.files import write_whole
from cmarlsim.terminal.console import command, compilation_announced, progress_bar
from cmarlsim.terminal.interrupt import STOPPED, Stop
from cmarlsim.training import Training
from cmarlsim.training.learn import learn
from cmarlsim.training.recipe import RECIPES, Recipe

NAME = "ablation"
NEEDED = 0.05
"""Smallest margin that a team should keep in every run, at every range."""

_ALONE = RECIPES["loop"].model_copy(update={"teams": 1})
VARIANTS: Mapping[str, tuple[Recipe, Mapping[str, Any]]] = {
    "the default recipe": (RECIPES["loop"], {}),
    "one team instead of three": (_ALONE, {}),
    "one team, scaled multipliers without roots": (_ALONE, {"lam_roots": 0}),
    "one team, thresholds not tightened": (_ALONE, {"tightening": 0.0}),
    "one team, trained at d = 5 m only": (_ALONE, {"ranges": (1.0,)}),
    "one team, no agent put elsewhere": (_ALONE, {"loop_move": 0.0}),
    "one team, rate and entropy not annealed": (
        _ALONE,
        {"final_rate_share": 1.0, "final_entropy_share": 1.0},
    ),
    "one team, the last iterate instead of the best": (_ALONE, {"validate_every": 10**6}),
    "one team, hardly pre-trained": (_ALONE, {"pretrain_iterations": 20}),
    "one team, no preference for large multipliers at first": (_ALONE, {"initial_gain": 0.0}),
    "shared multipliers only (the recipe `paper`)": (RECIPES["paper"], {}),
    "the same, with roots": (RECIPES["paper"], {"lam_roots": 2}),
}
FIRST_SEED = 1000
"""First of the execution seeds."""


def margins(recipe: Recipe, seed: int, runs: int, stop: Stop) -> pd.DataFrame | None:
    """Train, and run at every range: one row a range, with the smallest margin over zones and runs.

    None if it is stopped before.
    """
    policy = learn(Scenario.load("paper"), seed, recipe=recipe, progress=lambda training: not stop.asked)
    if stop.asked:
        return None
    seeds = range(FIRST_SEED, FIRST_SEED + runs)
    scenarios = [Scenario.load("paper", [f"links.d={d}"]) for d in RADII]
    batch = [(scenario, policy, each) for scenario in scenarios for each in seeds]
    rows = [
        {"training_seed": seed, "d": run.scenario.links.d, "smallest_margin": run.margin().min()}
        for run in execute_batch(batch, threads=1)
    ]
    return pd.DataFrame(rows).groupby(["training_seed", "d"], as_index=False).min()


def chosen(part: str) -> list[str]:
    """Variants whose names contain `part`.

    Raises
    ------
    ArgumentError
        If there are none.
    """
    names = [name for name in VARIANTS if part in name]
    if not names:
        raise ArgumentError("only", part, f"must be part of one of these: {'; '.join(VARIANTS)}")
    return names


def measure(names: Sequence[str], seeds: int, runs: int) -> tuple[pd.DataFrame, int]:
    """`margins` of the variants `names` with the training seeds 0 .. `seeds` - 1.

    Returns
    -------
    table
    int
        How many trainings it lacks because of Ctrl-C.

    Raises
    ------
    KeyboardInterrupt
        If it lacks all.
    """
    with compilation_announced():
        for recipe in (RECIPES["loop"], RECIPES["paper"]):
            Training(Scenario.load("paper"), 0, recipe).prepare()
    jobs = [(name, seed) for name in names for seed in range(seeds)]
    with (
        Stop() as stop,
        progress_bar("ablation: training", len(jobs)) as advance,
        ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool,
    ):

        def one(name: str, seed: int) -> pd.DataFrame | None:
            recipe, changes = VARIANTS[name]
            table = margins(recipe.model_copy(update=dict(changes)), seed, runs, stop)
            if table is None:
                return None
            advance(1)
            return table.assign(variant=name)

        tables = [table for table in pool.map(one, *zip(*jobs, strict=True)) if table is not None]
    if not tables:
        raise KeyboardInterrupt("stopped: nothing was written")
    return pd.concat(tables, ignore_index=True), len(jobs) - len(tables)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row a variant: over training seeds, smallest margins at the ends, and how many keep `NEEDED`."""
    worst = table.groupby(["variant", "training_seed"], sort=False)["smallest_margin"].min()
    each = worst.groupby("variant", sort=False)
    at = table.pivot_table("smallest_margin", "variant", "d", "median", sort=False)
    return pd.DataFrame(
        {
            "d = 1 m, median": at[min(RADII)],
            "d = 5 m, median": at[5.0],
            "worst d, median": each.median(),
            "worst d, worst training": each.min(),
            f"trainings that keep {NEEDED:g} at every d": (worst >= NEEDED)
            .groupby("variant", sort=False)
            .sum(),
        }
    )


def tabulated(lines: pd.DataFrame) -> str:
    """The summary as a table for readers."""
    rows = [
        [str(name), *(f"{value:+.3f}" if isinstance(value, float) else str(value) for value in line)]
        for name, line in zip(lines.index, lines.itertuples(index=False), strict=True)
    ]
    return markdown.table(["", *lines.columns], rows, text=1)


def ablation(
    seeds: Annotated[
        int, typer.Option(min=1, max=MOST_RUNS, help="Training seeds 0, 1, ... of every variant.")
    ] = 5,
    runs: Annotated[int, typer.Option(min=1, max=MOST_RUNS, help="Runs of 40,000 steps at every range.")] = 5,
    only: Annotated[str, typer.Option(help="Only variants whose name contains this.")] = "",
    out: Out = OUT,
    force: Force = False,
) -> int:
    """Train without one part of the recipe at a time, and tabulate the margins that are left."""
    names, stem = chosen(only), free_stem(out, NAME, force, (".csv", ".md"))
    table, lacking = measure(names, seeds, runs)
    save_table(table, stem.with_suffix(".csv"))
    lines = summary(table)
    text = (
        f"Smallest margin over zones and {runs} runs of 40,000 steps, over {seeds} training seeds.\n\n"
        + tabulated(lines)
    )
    write_whole(stem.with_suffix(".md"), text.encode())
    print(lines.round(3).to_string())
    print(f"{stem}.md, .csv")
    if lacking:
        print(f"stopped: {lacking} trainings are missing in these files", file=sys.stderr)
        return STOPPED
    return 0


if __name__ == "__main__":
    command(ablation)
