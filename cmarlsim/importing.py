"""``cmarlsim import``: make a scenario of somebody's map, with a picture that shows every guess."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from cmarlsim.errors import ArgumentError, InputError
from cmarlsim.maps.draft import Remark
from cmarlsim.maps.scenarios import plan_of, scenario_of
from cmarlsim.maps.sources import Asked, import_building, pictures_of
from cmarlsim.maps.zones import MOST_ZONES, Choice
from cmarlsim.report.overlay import draw_overlay
from cmarlsim.scenario import Scenario
from cmarlsim.scenario.tables import MOST_AGENTS
from cmarlsim.storage.files import published
from cmarlsim.storage.outputs import check_free
from cmarlsim.storage.toml import readable_toml
from cmarlsim.terminal.console import command, compilation_announced
from cmarlsim.terminal.import_report import print_import


def import_(
    source: Annotated[
        Path,
        typer.Argument(
            help="A map of ROS (YAML), building.yaml of Open-RMF, MovingAI .map, or picture of a plan."
        ),
    ],
    graph: Annotated[
        Path | None, typer.Option(help="A .graph of patrolling_sim or a route graph of nav2 (GeoJSON).")
    ] = None,
    level: Annotated[
        list[str] | None, typer.Option(help="A level that is wanted; may stand several times. [default: all]")
    ] = None,
    zones: Annotated[
        str, typer.Option(help="auto (one a room), names (the named waypoints), or how many.")
    ] = "auto",
    agents: Annotated[
        int | None,
        typer.Option(min=2, max=MOST_AGENTS, help="N. [default: two for three zones]", show_default=False),
    ] = None,
    load: Annotated[float, typer.Option(help="The thresholds add up to so much of N - 1.")] = 0.7,
    resolution: Annotated[
        float | None, typer.Option(help="Metres a pixel or cell, where the source does not say it.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The scenario's TOML file; its plan and picture lie beside it. [default: SOURCE.toml here]"
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> int:
    """Make a scenario, its floor plan and a picture of both from a map, a building or a picture."""
    choice = _choice(zones, agents, load)
    scenario_path = out or Path(f"{source.name.partition('.')[0]}.toml")
    if scenario_path.suffix != ".toml":
        raise ArgumentError("out", str(scenario_path), "must name a TOML file, such as mybuilding.toml")
    plan_path = scenario_path.with_name(f"{scenario_path.stem}-plan.toml")
    picture_path = plan_path.with_suffix(".png")
    inputs = [source, *([graph] if graph else []), *pictures_of(source)]
    for path in (scenario_path, plan_path, picture_path):
        check_free(path, force, inputs)
    with compilation_announced():
        imported = import_building(source, Asked(graph, tuple(level or ()), resolution))
    data, draft = scenario_of(imported.draft, choice)
    texts = {
        plan_path: readable_toml(plan_of(draft)),
        scenario_path: readable_toml({"name": scenario_path.stem, "floorplan": plan_path.name, **data}),
    }
    scenario, doubts = _checked(texts, scenario_path.name, source)
    draft = draft.remarked(*(Remark("warning", f"{doubt}.") for doubt in doubts))
    with published(plan_path) as plan, published(scenario_path) as file, published(picture_path) as picture:
        draw_overlay(scenario, draft, imported.backdrops, picture)
        plan.write_text(texts[plan_path], encoding="utf-8")
        file.write_text(texts[scenario_path], encoding="utf-8")
    print_import(scenario, draft)
    print(f"scenario:  {scenario_path}\nplan:      {plan_path}\npicture:   {picture_path}")
    name = quote(str(scenario_path))
    print(f"next: cmarlsim run {name} --policy rank")
    print(f"      cmarlsim train {name} --out {quote(str(scenario_path.with_suffix('.h5')))}")
    return 0


def _choice(zones: str, agents: int | None, load: float) -> Choice:
    """What was asked of the zones, checked."""
    if zones not in ("auto", "names") and not (zones.isdecimal() and 1 <= int(zones) <= MOST_ZONES):
        raise ArgumentError("zones", zones, f"must be auto, names or a number from 1 to {MOST_ZONES:,}")
    if not 0 < load <= 1:
        raise ArgumentError("load", load, "must be above 0 and at most 1")
    return Choice(zones, agents, load)


def _checked(texts: dict[Path, str], name: str, source: Path) -> tuple[Scenario, list[str]]:
    """Load the scenario from a folder that is thrown away, and say what it warns of.

    Raises
    ------
    InputError
        If it is not valid.
    """
    with tempfile.TemporaryDirectory() as folder:
        for path, text in texts.items():
            Path(folder, path.name).write_text(text, encoding="utf-8")
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                scenario = Scenario.load(Path(folder, name))
        except InputError as error:
            problem = str(error).rpartition(f"{folder}/")[2]
            raise InputError(f"{source}: what was made of it cannot be used: {problem}") from None
    return scenario, [str(warning.message).removeprefix(f"{folder}/{name}: ") for warning in caught]


if __name__ == "__main__":
    command(import_)
