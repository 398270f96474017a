"""Scenarios, floor plans and sweeps in TOML, with keys, values and tables that nobody expects."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from random import Random

import tomli_w

from cmarlsim import Scenario

from .case import Case, Command
from .damage import damaged
from .specimens import TRAIN, Specimens
from .structure import PLACE, changed


def case(random: Random, good: Specimens) -> Case:
    """One file of TOML is changed, and read by a command."""
    good.copy("small.toml", "radio.toml", "small-plan.toml", "sweep.toml", "policy.h5")
    name = random.choice(("small.toml", "radio.toml", "small-plan.toml", "sweep.toml"))
    story = change_toml(Path(name), random)
    scenario = random.choice(("small.toml", "radio.toml")) if name == "small-plan.toml" else name
    if name == "sweep.toml":
        plan: Command = ["sweep", "plan", name, "out"]
        return Case(story, [plan, ["sweep", "status", "out"], ["sweep-here", "out"]])
    commands = random.choice(_readers(scenario))
    return Case(story, commands, verify=lambda: round_trip(scenario))


def change_toml(path: Path, random: Random) -> str:
    """Change a file in some places; says where and how."""
    stories, raw = list[str](), list[str]()
    data = tomllib.loads(path.read_text())
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        stories.append(changed(data, random, raw))
    text = tomli_w.dumps(data)
    for value in raw:
        text = text.replace(f'"{PLACE}"', value, 1)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    if random.random() < 0.1:
        stories.append(damaged(path, random))
    return f"{path}: {', '.join(stories)}"


def _readers(scenario: str) -> list[list[Command]]:
    run: Command = ["run", scenario, "--policy", "rank", "--steps", "20", "--no-plot", "--out", "out.h5"]
    return [
        [run, ["rerun", "out.h5"]],
        [run],
        [["advise", scenario, "--policy", "rank", "--steps", "20"]],
        [["train", scenario, *TRAIN[2:], "--out", "out.h5"]],
        [["run", scenario, "--policy", "policy.h5", "--steps", "20", "--no-plot", "--out", "out.h5"]],
    ]


def round_trip(name: str) -> Iterator[str]:
    """A scenario that was accepted must come back the same from the text that it gives."""
    scenario = Scenario.load(name)
    plan = scenario.floorplan.to_toml()
    if Scenario.from_toml(scenario.to_toml(), plan, "again") != scenario:
        yield "wrong result: the scenario is another one when it is written and read again"
