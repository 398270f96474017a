"""``python -m analysis.theorem1``: Theorem 1 and its parts, against what happens.

Lemma 1 by enumeration; Lemma 2, (23), (25) and (31)-(33) with measured epsilon, beta and L; for which alpha,
eta, T0 and p the theorem promises anything; Lemmas 3 to 6, Proposition 4, (24) and the local certificate in
long runs. Writes ``theorem1.csv`` (a row a statement), the same as ``theorem1.md``, and three figures, each
with its numbers as CSV. A scenario and policy of your own::

    python -m analysis.theorem1 mybuilding.toml --policy mypolicy.h5
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from analysis.options import OUT, Force, Out
from analysis.style import DOUBLE, free_stem, new_figure, save, styled
from analysis.theorem1 import along, along_figures, drawing, lemma1, lemma2, region
from analysis.theorem1.forms import gossip, proposition_3
from analysis.theorem1.lemma2 import Constants
from analysis.theorem1.paths import tightness
from analysis.theorem1.report import markdown, summary, with_hypothesis
from analysis.theorem1.values import Samples, collect, sample
from cmarlsim.api import execute_batch
from cmarlsim.errors import InputError
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import check_seed
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import whole_rollouts
from cmarlsim.terminal.console import command, compilation_announced, progress_bar

NAME = "theorem1"
FIGURES = (f"{NAME}-lemmas", f"{NAME}-region", f"{NAME}-trajectories")

ROLLOUTS = 400
"""Length of the runs for Lemma 2."""

LEAST_ROLLOUTS = 10
"""Of the runs for (24), so that there is something after a tenth of them."""

LOOKS = 12
"""Rollouts of each run that are repeated: evenly on a scale of logarithms."""


def prepare(scenario: str, policy: str, settings: Sequence[str]) -> tuple[Scenario, Policy]:
    """Load a scenario and a policy that go together, and for which the bounds exist.

    Raises
    ------
    InputError
        If they don't.
    """
    world, team = Scenario.load(scenario, settings), Policy.load(policy)
    if world.dual.alpha == 0:
        raise InputError(
            f"scenario '{world.name}': dual.alpha = 0: Theorem 1 divides by it; must be above 0, "
            "for example --set dual.alpha=0.01"
        )
    try:
        team.weights(world.agents.N, world.world)
    except InputError as error:
        raise InputError(f"--policy {policy}: {error}, or use --policy rank") from None
    return world, team


def check_steps(steps: int, T0: int) -> None:
    """Raise InputError unless `steps` are whole rollouts, and enough of them."""
    if whole_rollouts(steps, T0) < LEAST_ROLLOUTS:
        raise InputError(
            f"--steps {steps}: at least {LEAST_ROLLOUTS} rollouts of T0 = {T0} steps: {LEAST_ROLLOUTS * T0}"
        )


def by_ratios(policy: Policy) -> bool:
    """Whether a policy sees multipliers only by their ratios."""
    return policy.encoding is None or policy.encoding.scale_lam


def repeat(scenario: Scenario, policy: Policy, seeds: Sequence[int]) -> Samples:
    """Repeat rollouts of runs with these seeds.

    Raises
    ------
    InputError
        If the ideal multipliers were 0 at all of them.
    """
    rollouts = sorted({round(k) for k in np.geomspace(1, ROLLOUTS - 1, LOOKS)})
    parts = []
    with progress_bar(f"{NAME}: repeating rollouts", len(seeds)) as advance:
        for seed in seeds:
            parts += sample(scenario, policy, seed, rollouts)
            advance(1)
    if not parts:
        raise InputError(
            f"scenario '{scenario.name}': the multipliers of (16) are 0 in all rollouts that were looked at: "
            "nothing to weigh; raise thresholds"
        )
    return collect(scenario, parts)


def lemmas(
    scenario: Scenario, policy: Policy, seeds: Sequence[int], L: float | None, stem: Path
) -> list[pd.DataFrame]:
    """Rows of Lemmas 1 and 2 and of the region of (25); saves their figures."""
    N, M = scenario.agents.N, scenario.M
    batch = [(scenario, policy, seed) for seed in seeds]
    recordings = execute_batch(batch, ROLLOUTS * scenario.dual.T0, record="step")
    samples, bounds = repeat(scenario, policy, seeds), proposition_3(recordings)
    constants = Constants.of(samples)
    constants = constants if L is None else replace(constants, L=L)
    lam = np.concatenate([recording.lam_ideal for recording in recordings])
    lam, grid = lam[lam.any(axis=1)], region.grid(scenario, constants, bounds, by_ratios(policy))
    save(drawing.draw(samples, constants, lam), drawing.tabulate(samples), stem.with_name(f"{NAME}-lemmas"))
    save(region.draw(scenario, constants, bounds), grid, stem.with_name(f"{NAME}-region"))
    return [
        lemma1.rows(scenario, lam, seeds[0]),
        lemma2.rows(recordings, samples, constants, gossip(bounds, N, M)),
        region.rows(scenario, grid),
    ]


def trajectories(
    scenario: Scenario, policy: Policy, seeds: Sequence[int], steps: int, stem: Path
) -> pd.DataFrame:
    """Rows of Lemmas 3 to 6, Proposition 4, (24) and the certificate; saves their figure."""
    batch = [(scenario, policy, seed) for seed in seeds]
    with progress_bar(f"{NAME}: long runs", len(seeds) * steps // scenario.dual.T0) as advance:

        def progress(rollouts: int) -> bool:
            advance(rollouts)
            return True

        recordings = execute_batch(batch, steps, record="rollout", progress=progress)
    samples = along.sampled(recordings[0], policy)
    figure = new_figure(DOUBLE, 6.4)
    styled(along_figures.draw)(figure, recordings, samples)
    save(figure, tightness(recordings[0]), stem.with_name(f"{NAME}-trajectories"))
    return along.rows(recordings, samples)


def theorem1(
    scenario: Annotated[str, typer.Argument(help="A scenario's TOML file, or a shipped name.")] = "paper",
    policy: Annotated[str, typer.Option(help="A policy's HDF5 file, a shipped name, or 'rank'.")] = "paper",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a scenario key: links.d=4, dual.alpha=0.1."),
    ] = None,
    runs: Annotated[int, typer.Option(min=4, help="Runs with the seeds SEED, SEED + 1, ...")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first run.")] = 0,
    steps: Annotated[int, typer.Option(help="Length of the runs for (24), whole rollouts.")] = 1_000_000,
    L: Annotated[
        float | None,
        typer.Option(
            "--L", min=0, help="L of Assumption 2, instead of the measured one.", show_default=False
        ),
    ] = None,
    out: Out = OUT,
    force: Force = False,
) -> int:
    """Set Theorem 1 and its parts beside what happens."""
    stem = free_stem(out, NAME, force, (".csv", ".md"))
    for name in FIGURES:
        free_stem(out, name, force)
    world, team = prepare(scenario, policy, set_ or ())
    seeds = range(seed, seed + runs)
    check_seed(seeds[-1])
    check_steps(steps, world.dual.T0)
    with compilation_announced():
        parts = [*lemmas(world, team, seeds, L, stem), trajectories(world, team, seeds, steps, stem)]
    table = with_hypothesis(pd.concat(parts, ignore_index=True))
    table.to_csv(stem.with_suffix(".csv"), index=False, float_format="%.6g")
    stem.with_suffix(".md").write_text(markdown(world, table), encoding="utf-8")
    print(f"{stem}.csv, .md")
    print(summary(table))
    return 0


if __name__ == "__main__":
    command(theorem1)
