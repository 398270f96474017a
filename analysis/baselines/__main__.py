"""``python -m analysis.baselines [SCENARIO]``: what a trained team is worth beside others.

Policies that come with the package are trained for the scenario `paper`. On others, teams that need a trained
policy are left out, unless ``--policy`` names one; then those that need only this one are there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from analysis.baselines.bound import upper_bound
from analysis.baselines.catalogue import BOTH_WAYS, Policies, Tuned, all_baselines, ruled
from analysis.baselines.drawing import draw
from analysis.baselines.measure import bound_runs, capacity_runs, event_runs, nominal_runs
from analysis.baselines.report import left_out, page
from analysis.baselines.search import best_frozen, best_tightening
from analysis.baselines.tables import Results, band, smallest
from analysis.options import MOST_RUNS
from analysis.style import save_table
from cmarlsim.errors import ArgumentError
from cmarlsim.policies.policy import RANK, Policy
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import STEPS, Run, whole_rollouts
from cmarlsim.storage.files import write_whole
from cmarlsim.storage.outputs import check_free
from cmarlsim.terminal.console import command, compilation_announced, progress_bar
from cmarlsim.terminal.policy_choice import fitting_policy

TABLES = ("zones", "events", "capacity")
_FROZEN_ROLLOUTS = 20

Advance = Callable[..., None]


def tune(scenario: Scenario, policies: Policies, rollouts: int, most: float) -> Tuned:
    """Search for what the baselines need; thresholds tightened by more than `most` cannot be kept."""
    frozen: tuple[float, ...] = ()
    if policies.gossip is not None:
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
    tuned = tune(scenario, policies, steps // scenario.dual.T0, max(0.0, bound))
    advance(0.1)
    found = all_baselines(scenario, policies, tuned)

    def table(of: Callable[..., pd.DataFrame], share: float) -> pd.DataFrame:
        tables = []
        for baseline in found:
            tables.append(of(baseline, scenario, steps, range(seeds)))
            advance(share / len(found))
        return pd.concat(tables, ignore_index=True)

    zones, events, carried = table(nominal_runs, 0.1), table(event_runs, 0.1), table(capacity_runs, 0.7)
    carried = pd.concat([carried, bound_runs(scenario)], ignore_index=True)
    return Results(scenario, steps, seeds, found, tuned, bound, zones, events, carried)


def half_times(steps: int | None, T0: int) -> int:
    """Steps of a run that has a half time and quarters of whole rollouts: by default some `STEPS`.

    Raises
    ------
    InputError
        If `steps` is no multiple of 4 T0.
    """
    if steps is None:
        return -(-STEPS // (4 * T0)) * 4 * T0
    if whole_rollouts(steps, T0) % 4:
        raise ArgumentError("steps", steps, f"must be a multiple of 4 T0 = {4 * T0}")
    return steps


def baselines(
    scenario: Annotated[str, typer.Argument(help="A scenario's TOML file, or a shipped name.")] = "paper",
    policy: Annotated[
        str | None,
        typer.Option(
            help="A policy trained with gossip for the scenario. [default: the shipped one if it fits]",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=MOST_RUNS, help="Runs of each baseline, with the seeds 0, 1, ...")
    ] = 5,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10**8,
            help="Length of a run: a multiple of 4 T0 steps. [default: 40000, or the next multiple]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the page, the picture and the tables.")] = Path(
        "results/baselines"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> int:
    """Set a trained team beside simpler, idler and better informed ones."""
    loaded = Scenario.load(scenario)
    policies = Policies.of(loaded)
    if policy is not None:
        policies = policies._replace(gossip=fitting_policy(policy, loaded, scenario))
    steps = half_times(steps, loaded.dual.T0)
    paths = {name: out / f"baselines-{name}.csv" for name in TABLES}
    text, picture = out / "baselines.md", out / "baselines.png"
    for path in (text, picture, picture.with_suffix(".pdf"), *paths.values()):
        check_free(path, force)
    with compilation_announced():
        Run(loaded, Policy.load(RANK), 0).advance(0, keep_steps=False)
    with progress_bar("baselines", 1) as advance:
        results = measure_all(loaded, policies, steps, seeds, advance)
    for name, path in paths.items():
        save_table(getattr(results, name), path, numbers=None)
    draw(results, picture)
    write_whole(text, page(results, picture.name).encode())
    print(band(smallest(results.zones)).round(3).to_string())
    print(f"bound: {results.bound:.3f}\npage: {text}\npicture: {picture}")
    if missing := left_out(results):
        print(missing)
    return 0


if __name__ == "__main__":
    command(baselines)
