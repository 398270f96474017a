"""``python -m analysis.baselines``: the ladder of baselines, on the paper's scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from analysis.baselines.bound import upper_bound
from analysis.baselines.drawing import draw
from analysis.baselines.measure import Row, bound_rows, capacity_rows, event_rows, ladder_rows
from analysis.baselines.report import page
from analysis.baselines.rungs import AIMED, Policies, Tuned, ladder, teams
from analysis.baselines.search import best_frozen, best_tightening
from analysis.baselines.tables import Results, band, frontier, smallest
from cmarlsim.errors import InputError
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run, whole_rollouts
from cmarlsim.storage.hdf5 import check_free
from cmarlsim.terminal.console import command, compilation_announced, progress_bar

TABLES = ("zones", "events", "capacity", "frontier")
_FROZEN_ROLLOUTS = 20

Advance = Callable[..., None]


def tune(scenario: Scenario, policies: Policies, rollouts: int, most: float) -> Tuned:
    """Search for what the ladder needs; no team can aim higher than by `most`."""
    frozen = best_frozen(scenario, policies.gossip, min(rollouts, _FROZEN_ROLLOUTS))
    aims = {
        team.name: best_tightening(scenario, team.policy, team.rule, rollouts, most)
        for team in teams(policies, frozen)
        if team.name in AIMED
    }
    return Tuned(frozen, aims)


def climb(scenario: Scenario, policies: Policies, steps: int, seeds: int, advance: Advance) -> Results:
    """Measure everything; `advance(share)` is called with the share of the work that was done since."""
    bound = upper_bound(scenario, steps)
    tuned = tune(scenario, policies, steps // scenario.dual.T0, bound)
    advance(0.1)
    rungs = ladder(policies, tuned)

    def rows(of: Callable[..., Iterable[Row]], share: float) -> pd.DataFrame:
        found: list[Row] = []
        for rung in rungs:
            found += of(rung, scenario, steps, range(seeds))
            advance(share / len(rungs))
        return pd.DataFrame(found)

    zones, events, carried = rows(ladder_rows, 0.1), rows(event_rows, 0.1), rows(capacity_rows, 0.7)
    carried = pd.concat([carried, pd.DataFrame(bound_rows(scenario, steps))], ignore_index=True)
    curves = frontier(scenario, steps)
    return Results(scenario, steps, seeds, rungs, tuned, bound, zones, events, carried, curves)


def baselines(
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each rung, with the seeds 0, 1, ...")] = 5,
    steps: Annotated[int, typer.Option(help="Length of a run: a multiple of 4 T0 steps.")] = 40_000,
    out: Annotated[Path, typer.Option(help="Folder for the page, the picture and the tables.")] = Path(
        "results/baselines"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> int:
    """Set the trained team beside simpler, idler and better informed ones."""
    scenario, policies = Scenario.load("paper"), Policies.shipped()
    if whole_rollouts(steps, scenario.dual.T0) % 4:
        raise InputError(f"--steps {steps}: must be a multiple of 4 T0 = {4 * scenario.dual.T0}")
    paths = {name: out / f"baselines-{name}.csv" for name in TABLES}
    text, picture = out / "baselines.md", out / "baselines.png"
    for path in (text, picture, picture.with_suffix(".pdf"), *paths.values()):
        check_free(path, force)
    with compilation_announced():
        Run(scenario, policies.gossip, 0).advance(0, keep_steps=False)
    with progress_bar("the ladder", 1) as advance:
        results = climb(scenario, policies, steps, seeds, advance)
    for name, path in paths.items():
        getattr(results, name).to_csv(path, index=False)
    draw(results, picture)
    text.write_text(page(results, picture.name), encoding="utf-8")
    print(band(smallest(results.zones)).round(3).to_string())
    print(f"bound: {results.bound:.3f}\npage: {text}\npicture: {picture}")
    return 0


if __name__ == "__main__":
    command(baselines)
