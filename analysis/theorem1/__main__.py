"""``python -m analysis.theorem1``: Theorem 1 and its parts, against what happens.

Lemma 1 exactly; Lemma 2, (23), (25) and (31)-(33) with measured epsilon, beta and L; Lemmas 3 to 6,
Proposition 4, (24) and the local certificate in long runs. Writes ``theorem1.csv`` (a row a statement), the
same as ``theorem1.md``, and two figures, each with its numbers as CSV. A scenario and policy of your own::

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

from analysis.markdown import counted, framed
from analysis.options import MOST_RUNS, OUT, Force, Out
from analysis.recordings import executed
from analysis.style import free_stem, save, save_table
from analysis.theorem1 import drawing, lemma1, lemma2, trajectories
from analysis.theorem1.conditions import Constants, error_bounds
from analysis.theorem1.paths import Paths
from analysis.theorem1.repeats import sampled, values_of
from cmarlsim.advice.advisor import LARGEST_L
from cmarlsim.bounds.verdicts import ASSUMED, FAILS
from cmarlsim.errors import InputError
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import check_seed
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import whole_rollouts
from cmarlsim.storage.files import write_whole
from cmarlsim.terminal.console import command, compilation_announced, progress_bar
from cmarlsim.terminal.numbers import MOST_SEED, within

NAME = "theorem1"
FIGURES = (f"{NAME}-lemmas", f"{NAME}-trajectories")

ROLLOUTS = 400
"""Length of the runs for Lemma 2."""

LEAST_ROLLOUTS = 10
"""Fewest rollouts of the runs for (24), so that there is something after a tenth of them."""

LOOKS = 12
"""Rollouts of each run that are repeated: evenly on a scale of logarithms."""


HEADING = """Theorem 1 and its parts, scenario `{name}` with alpha = {alpha:g}, eta = {eta:g}, T0 = {T0}. A
condition or a statement `holds` or `fails`; it is `vacuous` if it promises nothing, `undecided` if the bound
lies within the interval of what was measured. `low` and `high` are that interval, equal where the number is
exact. Rows whose basis is `estimated` rest on constants measured in runs: d_G and p from who talked to whom,
L, epsilon and beta as large as the rollouts that were repeated need them. Those whose basis is `assumed`
suppose (26); where it failed in a repeated rollout, the basis says so, and a `fails` then refutes nothing. A
statement on a limit that fails only by what vanishes with 1 / K is `undecided`, and its run too short.

"""

UNMET = f"{ASSUMED}: (26), which failed"
"""Basis of what supposes (26) where that does not hold."""


def prepare(reference: str, policy: str, settings: Sequence[str]) -> tuple[Scenario, Policy]:
    """Load a scenario and a policy that go together, and for which the bounds exist.

    Raises
    ------
    InputError
        If they don't.
    """
    scenario, loaded = Scenario.load(reference, settings), Policy.load(policy)
    if scenario.dual.alpha == 0:
        raise InputError(
            f"scenario '{scenario.name}': dual.alpha = 0: Theorem 1 divides by it; must be above 0, "
            "for example --set dual.alpha=0.01"
        )
    try:
        loaded.weights(scenario.agents.N, scenario.world)
    except InputError as error:
        raise InputError(f"--policy {policy}: {error}, or use --policy rank") from None
    return scenario, loaded


def check_steps(steps: int, T0: int) -> None:
    """Raise InputError unless `steps` are whole rollouts, and enough of them."""
    if whole_rollouts(steps, T0) < LEAST_ROLLOUTS:
        raise InputError(
            f"--steps {steps}: at least {LEAST_ROLLOUTS} rollouts of T0 = {T0} steps: {LEAST_ROLLOUTS * T0}"
        )


def lemmas(
    scenario: Scenario, policy: Policy, seeds: Sequence[int], L: float | None, stem: Path
) -> list[pd.DataFrame]:
    """Rows of Lemmas 1 and 2; saves their figure."""
    batch = [(scenario, policy, seed) for seed in seeds]
    recordings = executed(f"{NAME}: running", batch, "step", ROLLOUTS * scenario.dual.T0)
    looked_at = sorted({round(k) for k in np.geomspace(1, ROLLOUTS - 1, LOOKS)})
    with progress_bar(f"{NAME}: repeating rollouts", len(seeds)) as advance:
        values = values_of(scenario, policy, seeds, looked_at, advance)
    constants = Constants.of(values)
    constants = constants if L is None else replace(constants, L=L)
    save(drawing.draw_lemmas(values, constants), drawing.lemma_table(values), stem.with_name(FIGURES[0]))
    lam = np.concatenate([recording.lam_ideal for recording in recordings])
    return [
        lemma1.rows(scenario, lam[lam.any(axis=1)]),
        lemma2.rows(recordings, values, constants, error_bounds(recordings)),
    ]


def along_trajectories(
    scenario: Scenario, policy: Policy, seeds: Sequence[int], steps: int, stem: Path
) -> pd.DataFrame:
    """Rows of Lemmas 3 to 6, Proposition 4, (24) and the certificate; saves their figure."""
    batch = [(scenario, policy, seed) for seed in seeds]
    recordings = executed(f"{NAME}: long runs", batch, "rollout", steps)
    paths = Paths(recordings)
    save(drawing.draw_trajectories(paths), drawing.promise_table(paths), stem.with_name(FIGURES[1]))
    return trajectories.rows(paths, sampled(recordings[0], policy))


def repeated_26(table: pd.DataFrame) -> pd.DataFrame:
    """Rows on (26) in repeated rollouts, where its mean is known."""
    return table[(table["claim"] == "(26)") & table["quantity"].str.contains("V_R", regex=False)]


def with_hypothesis(table: pd.DataFrame) -> pd.DataFrame:
    """The same table; rows that suppose (26) say so if it failed in a repeated rollout."""
    if not (repeated_26(table)["verdict"] == FAILS).any():
        return table
    suppose = (table["basis"] == ASSUMED) & (table["claim"] != "(26)")
    return table.assign(basis=table["basis"].mask(suppose, UNMET))


def summary(table: pd.DataFrame) -> str:
    """One line a claim and form: in how many rows it came out how."""
    lines = []
    for (claim, form), mine in table.groupby(["claim", "form"], sort=False):
        lines.append(f"{claim}, {form}: {counted(mine['verdict'])}")
    known, refuted = repeated_26(table), table[(table["basis"] == UNMET) & (table["verdict"] == FAILS)]
    if failed := int((known["verdict"] == FAILS).sum()):
        lines.append(
            f"(26), the hypothesis, failed in {failed} of {len(known)} rows on repeated rollouts: "
            f"{len(refuted)} rows that suppose it fail, which refutes nothing"
        )
    return "\n".join(lines)


def theorem1(
    scenario: Annotated[str, typer.Argument(help="A scenario's TOML file, or a shipped name.")] = "paper",
    policy: Annotated[str, typer.Option(help="A policy's HDF5 file, a shipped name, or 'rank'.")] = "paper",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a scenario key: links.d=4, dual.alpha=0.1."),
    ] = None,
    runs: Annotated[
        int, typer.Option(min=4, max=MOST_RUNS, help="Runs with the seeds SEED, SEED + 1, ...")
    ] = 8,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed of the first run.")] = 0,
    steps: Annotated[
        int, typer.Option(min=1, max=10**9, help="Length of the runs for (24), whole rollouts.")
    ] = 1_000_000,
    L: Annotated[
        float | None,
        typer.Option(
            "--L",
            callback=within(0.0, LARGEST_L),
            help="L of Assumption 2, instead of the measured one.",
            show_default=False,
        ),
    ] = None,
    out: Out = OUT,
    force: Force = False,
) -> int:
    """Set Theorem 1 and its parts beside what happens."""
    stem = free_stem(out, NAME, force, (".csv", ".md"))
    for name in FIGURES:
        free_stem(out, name, force)
    loaded, chosen = prepare(scenario, policy, set_ or ())
    seeds = range(seed, seed + runs)
    check_seed(seeds[-1])
    check_steps(steps, loaded.dual.T0)
    with compilation_announced():
        parts = lemmas(loaded, chosen, seeds, L, stem)
        parts.append(along_trajectories(loaded, chosen, seeds, steps, stem))
    table = with_hypothesis(pd.concat(parts, ignore_index=True))
    save_table(table, stem.with_suffix(".csv"))
    dual = loaded.dual
    heading = HEADING.format(name=loaded.name, alpha=dual.alpha, eta=dual.eta, T0=dual.T0)
    write_whole(stem.with_suffix(".md"), (heading + framed(table, digits=4)).encode())
    print(f"{stem}.csv, .md")
    print(summary(table))
    return 0


if __name__ == "__main__":
    command(theorem1)
