"""Good scenarios and floor plans that say all that can be said: levels, a lift, rooms, polygons, one-way."""

from __future__ import annotations

from pathlib import Path

TILES = {
    "rooms": 'tiles = "rooms"',
    "waypoints": 'tiles = "waypoints"',
    "tables": """tiles = [
  { name = "west", polygon = [[0, 0], [4, 0], [4, 8], [0, 8]] },
  { name = "east", rectangle = [4, 0, 8, 8] },
  { name = "above", polygon = [[20, 0], [28, 0], [28, 8], [20, 8]] },
]""",
}
"""Ways to say what the tiles are, by name."""

PLAN = """name = "house"
units = "m"
source = "house.building.yaml"
edges = [
  ["den", "door"], ["door", "hall"],
  { ends = ["hall", "study"], length = 5.5 },
  { ends = ["study", "door"], length = 9, one_way = true },
  { ends = ["hall", "loft"], length = 6, lift = "lift" },
  { ends = ["loft", "attic"], one_way = true }, { ends = ["attic", "loft"], one_way = true },
]
walls = [
  { points = [[0, 0], [8, 0], [8, 8], [0, 8], [0, 0]] },
  { points = [[4, 0], [4, 1.5]] }, { points = [[4, 2.5], [4, 8]] },
  { points = [[20, 0], [28, 0], [28, 8], [20, 8], [20, 0]] },
]
waypoints = [
  { name = "den", position = [2, 2] }, { name = "door", position = [4, 2] },
  { name = "hall", position = [6, 2] }, { name = "study", position = [6, 6] },
  { name = "loft", position = [22, 2] }, { name = "attic", position = [26, 6] },
]
rooms = [
  { name = "den", polygon = [[0, 0], [4, 0], [4, 8], [0, 8]] },
  { name = "hall", polygon = [[4, 0], [8, 0], [8, 4], [4, 4]] },
  { name = "study", polygon = [[4, 4], [8, 4], [8, 8], [4, 8]] },
  { name = "attic", polygon = [[20, 0], [28, 0], [28, 8], [20, 8]] },
]
doors = [{ name = "door", points = [[4, 1.5], [4, 2.5]] }]
levels = [
  { name = "L1", rectangle = [-1, -1, 9, 9], to_source = [20, 0, 100, 0, -20, 300] },
  { name = "L2", rectangle = [19, -1, 29, 9], to_source = [20, 0, -300, 0, -20, 300] },
]
"""

SCENARIO = """name = "house"
floorplan = "PLAN"
agents = { N = 3, speed = 0.5, snap = 0.25, start = ["den", "attic"] }
dual = { alpha = 0.01, eta = 0.5, T0 = 60 }
links = { model = "sight-or-disc", d = 3.0 }
zones = [
  { name = "den", room = "den", c = 0.3 },
  { name = "study", polygon = [[4.5, 4.5], [7.5, 4.5], [7.5, 7.5], [4.5, 7.5]], c = 0.4 },
  { name = "loft", center = [22, 2], radius = 1.5, through_walls = true, c = 0.2 },
  { name = "hall", center = [6, 2], room = "hall", c = 0.3 },
]
"""


def write() -> None:
    """Write a scenario and its floor plan for every way to say what the tiles are."""
    for name, tiles in TILES.items():
        Path(f"{name}.toml").write_text(SCENARIO.replace("PLAN", f"{name}-plan.toml"))
        Path(f"{name}-plan.toml").write_text(f"{tiles}\n{PLAN}")
