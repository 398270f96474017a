"""``python -m cmarlsim.advise``: what the theory promises a scenario, by what margin, and what would help."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cmarlsim.advice.advisor import TARGET, ask
from cmarlsim.scenario import Scenario
from cmarlsim.terminal.advice_report import print_advice
from cmarlsim.terminal.console import command, compilation_announced
from cmarlsim.terminal.policy_choice import fitting_policy, usual_policy
from cmarlsim.terminal.waiting import waiting


def advise(
    scenario: Annotated[str, typer.Argument(help="A scenario's TOML file, or a shipped name.")] = "paper",
    policy: Annotated[
        str | None,
        typer.Option(
            help="A policy's HDF5 file, a shipped name, or 'rank'. [default: the shipped one if it fits]",
            show_default=False,
        ),
    ] = None,
    target_error: Annotated[
        float,
        typer.Option(
            help="E, a share of time, 0 < E < 1: what satisfaction may lack, and the share of all "
            "observations that may come too late to count."
        ),
    ] = TARGET,
    lipschitz: Annotated[
        float | None, typer.Option("--L", help="L of Assumption 2, if you know it.", show_default=False)
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Length of the short run, whole rollouts. [default: 40000, or what a few seconds allow]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the short run.")] = 0,
    full: Annotated[bool, typer.Option("--full", help="Print all statements in a table.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: docs/advise.md lists the keys.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a scenario key: links.d=4, zones.red.c=0.2."),
    ] = None,
) -> int:
    """Say whether a team will keep its promises, by what margin, and what should change first."""
    loaded = Scenario.load(scenario, set_ or ())
    name = policy or usual_policy(loaded)
    fitting = fitting_policy(name, loaded, scenario)
    with compilation_announced(), waiting(f"{loaded.name}: a short run"):
        advice = ask(loaded, fitting, name, target_error=target_error, L=lipschitz, steps=steps, seed=seed)
    if as_json:
        print(json.dumps(advice.json(), indent=2, allow_nan=False))
    else:
        print_advice(advice, full)
    return 0


if __name__ == "__main__":
    command(advise)
