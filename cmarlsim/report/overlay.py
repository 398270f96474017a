"""The picture of an imported building: the source, and over it what was made of it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cmarlsim.maps.draft import Draft, Remark
from cmarlsim.maps.sources import Backdrop
from cmarlsim.report.labels import Labels
from cmarlsim.report.picture import colour, plain
from cmarlsim.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HIGHEST = 16.0, 14.0
"""Inches of the plan in the picture, and from bottom to top at most."""

DPI = 150

ROOMS = ("#dbe9f6", "#fde8cf", "#dff0d8", "#f4dcec", "#fff6c9", "#e4dff2")
"""Tints of rooms, in turn."""

DETOUR = 1.01
"""An edge of more than so many times the distance of its ends is drawn as longer than it looks."""

LINE_OF_TEXT = 200
"""Characters in a line below the plan."""


def draw_overlay(scenario: Scenario, draft: Draft, backdrops: Sequence[Backdrop], path: Path) -> None:
    """Draw what became of a source, and write the picture as a PNG file.

    Parameters
    ----------
    draft
        What the scenario was made from; its guesses and warnings stand below the plan.
    backdrops
        The pictures that lie under it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    boxes = np.array([level.rectangle for level in scenario.floorplan.levels])
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    across, up = high - low
    scale = min(WIDTH / across, HIGHEST / up)
    said = _lines([remark for remark in draft.remarks if remark.kind != "found"])
    width, text_height = max(scale * across, 9.0) + 0.8, 0.13 * len(said) + 0.9
    height = scale * up + 0.9 + text_height
    figure = Figure((width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    left, bottom = (width - scale * across) / 2, text_height + 0.3
    axes = figure.add_axes((left / width, bottom / height, scale * across / width, scale * up / height))
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    axes.tick_params(labelsize=6)
    for backdrop in backdrops:
        _draw_backdrop(axes, backdrop)
    _draw_building(axes, scenario)
    _draw_ways(axes, scenario)
    _draw_names(axes, scenario, draft, scale * 72)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    title = f"{scenario.name}: {len(scenario.zones)} zones, {scenario.agents.N} agents, from {draft.source}"
    axes.set_title(plain(title), fontsize=10, loc="left")
    handles, names = axes.get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    place: Any = {"loc": "upper center", "bbox_to_anchor": (0.5, (bottom - 0.25) / height)}
    figure.legend(
        [*unique.values()], [*unique], ncols=min(len(unique), 8), fontsize=7, frameon=False, **place
    )
    figure.text(0.02, (text_height - 0.35) / height, plain("\n".join(said)), fontsize=6, va="top")
    figure.savefig(path, format="png")


def _lines(remarks: Sequence[Remark]) -> list[str]:
    """The texts of remarks, with a number before those that are marked on the plan."""
    found, number = [], 0
    for remark in remarks:
        number += remark.where is not None
        mark = f"({number}) " if remark.where else ""
        found += textwrap.wrap(f"{mark}{remark.kind}: {remark.text}", LINE_OF_TEXT, subsequent_indent="    ")
    return found


def _draw_backdrop(axes: Axes, backdrop: Backdrop) -> None:
    from matplotlib.transforms import Affine2D

    height, width = backdrop.grey.shape
    matrix = np.vstack([backdrop.frame, (0, 0, 1)])
    looks: Any = {
        "cmap": "gray",
        "vmin": 0,
        "vmax": 255,
        "alpha": 0.45,
        "zorder": 0,
        "interpolation": "nearest",
    }
    axes.imshow(
        backdrop.grey,
        extent=(0, width, height, 0),
        transform=Affine2D(matrix) + axes.transData,
        **looks,
    )


def _draw_building(axes: Axes, scenario: Scenario) -> None:
    """Draw levels, rooms, tiles, walls, doors and zones."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Circle, Polygon, Rectangle

    plan = scenario.floorplan
    for level in plan.levels:
        x, y, right, top = level.rectangle
        axes.add_patch(Rectangle((x, y), right - x, top - y, fill=False, edgecolor="0.8", linewidth=0.5))
    outline_of = {room.name: np.array(room.polygon) for room in plan.rooms}
    for i, outline in enumerate(outline_of.values()):
        looks: Any = {"facecolor": ROOMS[i % len(ROOMS)], "edgecolor": "0.5", "alpha": 0.6, "linewidth": 0.4}
        axes.add_patch(Polygon(outline, zorder=1, label="room", **looks))
    if not isinstance(plan.tiles, str):
        for outline in plan.tile_outlines():
            axes.add_patch(
                Polygon(outline, fill=False, edgecolor="0.4", linestyle=":", label="tile", zorder=1)
            )
    walls = [np.array(wall.points) for wall in plan.walls]
    axes.add_collection(LineCollection(walls, colors="black", linewidths=0.9, zorder=4, label="wall"))
    doors = [np.array(door.points) for door in plan.doors]
    axes.add_collection(LineCollection(doors, colors="#c00000", linewidths=1.6, zorder=4, label="door"))
    for m, zone in enumerate(scenario.zones):
        looks = {"edgecolor": colour(m), "facecolor": (*_rgb(colour(m)), 0.15), "linewidth": 1.1, "zorder": 3}
        if zone.radius is not None and zone.center is not None:
            axes.add_patch(Circle(zone.center, zone.radius, label="zone", **looks))
        else:
            outline = outline_of[zone.room] if zone.room else np.array(zone.polygon)
            axes.add_patch(Polygon(outline, label="zone", **looks))


def _draw_ways(axes: Axes, scenario: Scenario) -> None:
    """Draw waypoints, edges, one-way ones as arrows, and lifts."""
    from matplotlib.collections import LineCollection

    plan = scenario.floorplan
    position, straight = plan.waypoint_positions(), {}
    ends = position[plan.edge_indices()]
    away = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    long = np.array(plan.edge_lengths()) > DETOUR * away
    lift = np.array([edge.lift is not None for edge in plan.edges], dtype=bool)
    straight = ~long & ~lift
    for chosen, name, shade, style in (
        (straight, "edge", "#2060c0", "-"),
        (long & ~lift, "edge longer than it looks", "#e07000", "--"),
        (lift, "lift", "#8030b0", ":"),
    ):
        looks: Any = {"colors": shade, "linestyles": style, "linewidths": 0.8, "zorder": 5}
        if chosen.any():
            axes.add_collection(LineCollection(list(ends[chosen]), label=name, **looks))
    one_way = np.array([edge.one_way for edge in plan.edges], dtype=bool)
    if one_way.any():
        middle, along = ends[one_way].mean(axis=1), ends[one_way, 1] - ends[one_way, 0]
        along = along / np.maximum(away[one_way, None], 1e-9)
        looks = {
            "angles": "xy",
            "color": "#2060c0",
            "scale": 150,
            "width": 0.0015,
            "pivot": "middle",
            "zorder": 5,
        }
        axes.quiver(
            *middle.T, *along.T, headwidth=8, headlength=8, headaxislength=8, label="one-way", **looks
        )
    axes.scatter(
        position[:, 0], position[:, 1], s=4, color="#103070", zorder=6, label="waypoint", linewidths=0
    )
    if scenario.agents.start:
        index = {waypoint.name: i for i, waypoint in enumerate(plan.waypoints)}
        starts = position[[index[name] for name in scenario.agents.start]]
        looks = {"marker": "^", "facecolors": "none", "edgecolors": "#006000", "linewidths": 1}
        axes.scatter(starts[:, 0], starts[:, 1], s=28, label="start of an agent", zorder=7, **looks)


def _draw_names(axes: Axes, scenario: Scenario, draft: Draft, points: float) -> None:
    """Write the names of zones, rooms, waypoints and doors, and the numbers of remarks."""
    from shapely import Polygon

    plan, labels = scenario.floorplan, Labels(axes, points)
    number = 0
    for remark in draft.remarks:
        if remark.kind != "found" and remark.where is not None:
            number += 1
            box: Any = {
                "boxstyle": "circle,pad=0.15",
                "facecolor": "yellow",
                "edgecolor": "black",
                "linewidth": 0.5,
            }
            labels.add(f"{number}", *remark.where, 5.5, bbox=box, zorder=9)
    zones = {zone.room: m for m, zone in enumerate(scenario.zones) if zone.room}
    for m, zone in enumerate(scenario.zones):
        if zone.center is not None and zone.room is None:
            labels.add(
                zone.name,
                zone.center[0],
                zone.center[1] + 1.2 * (zone.radius or 0),
                7.0,
                color=colour(m),
                weight="bold",
                zorder=8,
            )
    for room in plan.rooms:
        shape = Polygon(room.polygon)
        at = shape.centroid if shape.contains(shape.centroid) else shape.representative_point()
        x_min, _, x_max, _ = shape.bounds
        looks: Any = (
            {"color": colour(zones[room.name]), "weight": "bold"} if room.name in zones else {"color": "0.3"}
        )
        labels.add(room.name, at.x, at.y, 7.0, 0.95 * (x_max - x_min), zorder=8, **looks)
    rooms = {room.name for room in plan.rooms} | {zone.name for zone in scenario.zones}
    named = {waypoint.name: waypoint.position for waypoint in plan.waypoints}
    for i in draft.named:
        if (name := draft.graph.names[i]) in named and name not in rooms:
            x, y = named[name]
            labels.add(name, x, y + 6 / points, 4.5, color="#103070", zorder=7)
    for door in plan.doors:
        x, y = np.mean(door.points, axis=0).tolist()
        labels.add(door.name, x, y, 4.0, color="#c00000", zorder=7)


def _rgb(name: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(name)
