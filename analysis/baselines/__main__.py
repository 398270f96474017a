"""``python -m analysis.baselines``: what a trained team is worth on the paper's scenario."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from analysis.baselines.catalogue import BOTH_WAYS, Policies, Tuned, all_baselines, ruled
from analysis.baselines.drawing import draw
from analysis.baselines.measure import bound_runs, capacity_runs, event_runs, nominal_runs, upper_bound
from analysis.baselines.report import page
from analysis.baselines.search import best_frozen, best_tightening
from analysis.baselines.tables import Results, band, smallest
from analysis.options import MOST_RUNS
from analysis.style import save_table
from cmarlsim.errors import ArgumentError
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run, whole_rollouts
from cmarlsim.storage.files import write_whole
from cmarlsim.storage.outputs import check_free
from cmarlsim.terminal.console import command, compilation_announced, progress_bar

TABLES = ("zones", "events", "capacity")
_FROZEN_ROLLOUTS = 20

Advance = Callable[..., None]


def tune(scenario: Scenario, policies: Policies, rollouts: int, most: float) -> Tuned:
    """Search for what the baselines need; thresholds tightened by more than `most` cannot be kept."""
    frozen = best_frozen(scenario, policies.gossip, min(rollouts, _FROZEN_ROLLOUTS))
    tightening = {
        team.name: best_tightening(scenario, team.policy, team.rule, rollouts, most)
        for team in ruled(policies, frozen)
        if team.name in BOTH_WAYS
    }
    return Tuned(frozen, tightening)


def measure_all(scenario: Scenario, policies: Policies, steps: int, seeds: int, advance: Advance) -> Results:
    """Measure everything; `advance(share)` is called with the share of the work that was done since."""
    bound = upper_bound(scenario)
    tuned = tune(scenario, policies, steps // scenario.dual.T0, bound)
    advance(0.1)
    found = all_baselines(policies, tuned)

    def table(of: Callable[..., pd.DataFrame], share: float) -> pd.DataFrame:
        tables = []
        for baseline in found:
            tables.append(of(baseline, scenario, steps, range(seeds)))
            advance(share / len(found))
        return pd.concat(tables, ignore_index=True)

    zones, events, carried = table(nominal_runs, 0.1), table(event_runs, 0.1), table(capacity_runs, 0.7)
    carried = pd.concat([carried, bound_runs(scenario)], ignore_index=True)
    return Results(scenario, steps, seeds, found, tuned, bound, zones, events, carried)


def baselines(
    seeds: Annotated[
        int, typer.Option(min=1, max=MOST_RUNS, help="Runs of each baseline, with the seeds 0, 1, ...")
    ] = 5,
    steps: Annotated[
        int, typer.Option(min=1, max=10**8, help="Length of a run: a multiple of 4 T0 steps.")
    ] = 40_000,
    out: Annotated[Path, typer.Option(help="Folder for the page, the picture and the tables.")] = Path(
        "results/baselines"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> int:
    """Set the trained team beside simpler, idler and better informed ones."""
    scenario, policies = Scenario.load("paper"), Policies.shipped()
    if whole_rollouts(steps, scenario.dual.T0) % 4:
        raise ArgumentError("steps", steps, f"must be a multiple of 4 T0 = {4 * scenario.dual.T0}")
    paths = {name: out / f"baselines-{name}.csv" for name in TABLES}
    text, picture = out / "baselines.md", out / "baselines.png"
    for path in (text, picture, picture.with_suffix(".pdf"), *paths.values()):
        check_free(path, force)
    with compilation_announced():
        Run(scenario, policies.gossip, 0).advance(0, keep_steps=False)
    with progress_bar("baselines", 1) as advance:
        results = measure_all(scenario, policies, steps, seeds, advance)
    for name, path in paths.items():
        save_table(getattr(results, name), path, numbers=None)
    draw(results, picture)
    write_whole(text, page(results, picture.name).encode())
    print(band(smallest(results.zones)).round(3).to_string())
    print(f"bound: {results.bound:.3f}\npage: {text}\npicture: {picture}")
    return 0


if __name__ == "__main__":
    command(baselines)
