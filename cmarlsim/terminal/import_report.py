"""What an import prints: what was found, guessed and looks wrong."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cmarlsim.maps.draft import Draft
from cmarlsim.scenario import Scenario

_SHADES = {"found": "green", "guessed": "yellow", "warning": "red"}


def print_import(scenario: Scenario, draft: Draft) -> None:
    """Print the size of a building and its scenario, and all remarks."""
    plan, console = scenario.floorplan, Console(emoji=False, highlight=False)
    walls = sum(len(wall.points) - 1 for wall in plan.walls)
    ways = sum(plan.edge_lengths())
    sizes = {
        "levels": ", ".join(level.name for level in plan.levels),
        "walls": f"{walls:,} segments",
        "rooms": f"{len(plan.rooms)}, {len(plan.doors)} doors",
        "ways": f"{len(plan.waypoints)} waypoints, {len(plan.edges)} edges, {ways:,.0f} m",
        "tiles": plan.tiles if isinstance(plan.tiles, str) else f"{len(plan.tiles)}",
        "zones": f"{scenario.M}, N = {scenario.agents.N}, T0 = {scenario.dual.T0}",
    }
    table = Table(title=escape(f"{draft.source}: {scenario.name}"), show_header=False)
    for name, size in sizes.items():
        table.add_row(name, escape(size))
    table.add_section()
    for kind in _SHADES:
        for remark in draft.remarks:
            if remark.kind == kind:
                table.add_row(f"[{_SHADES[kind]}]{kind}[/]", escape(remark.text))
    console.print(table)
