"""``python -m analysis.baselines``: the ladder of baselines, on the paper's scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from analysis.baselines.bound import upper_bound
from analysis.baselines.drawing import draw
from analysis.baselines.measure import bound_rows, capacity_rows, event_rows, ladder_rows, loads_of
from analysis.baselines.report import page
from analysis.baselines.rules import Gossip, Shared
from analysis.baselines.rungs import Policies, Tuned, ladder
from analysis.baselines.search import best_frozen, best_tightening
from analysis.baselines.tables import Results, band, frontier, smallest
from cmarlsim.console import command, compilation_announced, progress_bar
from cmarlsim.errors import InputError
from cmarlsim.execution import Run, whole_rollouts
from cmarlsim.hdf5 import check_free
from cmarlsim.scenario import Scenario

TABLES = ("zones", "events", "capacity", "frontier")
_FROZEN_ROLLOUTS = 40

Advance = Callable[..., None]


def tune(scenario: Scenario, policies: Policies, rollouts: int, bound: float) -> Tuned:
    """Search for what the ladder needs."""
    return Tuned(
        frozen=best_frozen(scenario, policies.gossip, min(rollouts, _FROZEN_ROLLOUTS)),
        gossip=best_tightening(scenario, policies.gossip, Gossip(), rollouts, bound),
        shared=best_tightening(scenario, policies.shared, Shared(), rollouts, bound),
    )


def measure(scenario: Scenario, policies: Policies, steps: int, seeds: int, advance: Advance) -> Results:
    """Climb the ladder; `advance` is called after each of `stages` parts of the work."""
    bound, loads = upper_bound(scenario, steps), loads_of(scenario)
    tuned = tune(scenario, policies, steps // scenario.dual.T0, bound)
    rungs = ladder(policies, tuned)
    advance(1)

    def rows(of: Callable[..., Iterable[dict[str, object]]], *more: object) -> pd.DataFrame:
        found: list[dict[str, object]] = []
        for rung in rungs:
            found += of(rung, scenario, steps, range(seeds), *more)
            advance(1)
        return pd.DataFrame(found)

    zones, events, carried = rows(ladder_rows), rows(event_rows), rows(capacity_rows, loads)
    carried = pd.concat([carried, pd.DataFrame(bound_rows(scenario, steps, loads))], ignore_index=True)
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
    parts = 1 + 3 * len(ladder(policies, Tuned((0.0,) * scenario.M, 0.0, 0.0)))
    with progress_bar("the ladder", parts) as advance:
        results = measure(scenario, policies, steps, seeds, advance)
    for name, path in paths.items():
        getattr(results, name).to_csv(path, index=False)
    draw(results, picture)
    text.write_text(page(results, picture.name), encoding="utf-8")
    print(band(smallest(results.zones)).round(3).to_string())
    print(f"bound: {results.bound:.3f}\npage: {text}\npicture: {picture}")
    return 0


if __name__ == "__main__":
    command(baselines)
