"""``cmarlsim check``: all that is wrong, dangerous or could be better in a scenario and its floor plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cmarlsim.checking.checker import check_scenario
from cmarlsim.errors import ArgumentError
from cmarlsim.report.check_picture import draw_check
from cmarlsim.scenario import files_of
from cmarlsim.storage.files import published
from cmarlsim.storage.outputs import check_free
from cmarlsim.terminal.check_report import print_check
from cmarlsim.terminal.console import command

FAILED = 2
"""Exit code where there are errors."""


def check(
    scenario: Annotated[str, typer.Argument(help="A scenario's TOML file, or a shipped name.")] = "paper",
    picture: Annotated[
        Path | None,
        typer.Option(
            help="PNG file to draw in. [default: SCENARIO-check.png here, replaced if it is there]",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[bool, typer.Option(help="Draw the picture.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing picture.")] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a scenario key: links.d=4, zones.red.c=0.2."),
    ] = None,
) -> int:
    """Tell errors, warnings and hints of a scenario, all at once; exit code 2 if there are errors."""
    settings = set_ or ()
    path = picture or Path(f"{Path(scenario).stem}-check.png")
    if plot:
        if path.suffix != ".png":
            raise ArgumentError("picture", str(path), "must name a PNG file, such as check.png")
        check_free(path, force or picture is None, files_of(scenario, settings))
    checked = check_scenario(scenario, settings)
    print_check(checked)
    if plot:
        with published(path) as temporary:
            draw_check(checked.name, checked.findings, checked.plan, checked.zones, temporary)
        print(f"picture: {path}")
    return FAILED if checked.count("error") else 0


if __name__ == "__main__":
    command(check)
