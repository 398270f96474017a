"""Command lines: options with nonsense values, in wrong places, too many of them, and odd settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from glob import escape
from pathlib import Path
from random import Random

import typer

from cmarlsim import sweep
from cmarlsim.advise import advise
from cmarlsim.check import check
from cmarlsim.exporting import export
from cmarlsim.importing import import_
from cmarlsim.replay import replay
from cmarlsim.rerun import rerun
from cmarlsim.run import run
from cmarlsim.train import train

from .case import Case, Command
from .specimens import TRAIN, Specimens

COMMANDS: dict[str, tuple[Command, Callable[..., int]]] = {
    "run": (["run", "small.toml", "--policy", "rank", "--steps", "20", "--no-plot", "--out", "out.h5"], run),
    "train": ([*TRAIN, "--out", "out.h5"], train),
    "rerun": (["rerun", "rollout.h5"], rerun),
    "replay": (["replay", "step-dense.h5", "--to", "2", "--out", "out.gif"], replay),
    "advise": (["advise", "small.toml", "--policy", "rank", "--steps", "20"], advise),
    "check": (["check", "small.toml", "--picture", "out.png"], check),
    "import": (["import", "flat.yaml", "--graph", "flat.graph", "--out", "out.toml"], import_),
    "export": (["export", "rooms.toml", "--as", "ros", "--level", "L1", "--out", "out.yaml"], export),
    "sweep plan": (["sweep", "plan", "sweep.toml", "out"], sweep.plan),
    "sweep status": (["sweep", "status", "done"], sweep.status),
    "sweep collect": (["sweep", "collect", "done", "--table", "out.csv"], sweep.collect),
}
"""Good command lines, by what they are of."""

NUMBERS = (
    *("0", "1", "2", "20", "21", "-1", "-0", "1.5", "nan", "inf", "-inf", "1e3", "1e308", "1e-320", "1e999"),
    *("1000000", "1000000000", str(10**18), str(2**63), str(-(2**63)), str(2**64), "1" + "0" * 400),
    *("9" * 5000, "0x10", "1_000", "٣", "½", " 1", "1 ", "+1", "1,5", "0b1", "--1", "1e", "None", "True"),
)
TEXTS = (
    *(
        "",
        " ",
        "x",
        "paper",
        "tiny",
        "rank",
        "step",
        "auto",
        "slurm",
        "-",
        "--",
        "=",
        ".",
        "x/y",
        "~",
        "$HOME",
        "*",
    ),
    *("é", "\n", "a\nb", "\t", "\x1b[31m", "\udcff", "%s%n", "{0}", "a" * 300, "a" * 100_000, "'", '"', "\\"),
    *(
        "small.toml",
        "small-plan.toml",
        "rollout.h5",
        "policy.h5",
        "sweep.toml",
        "done",
        "nobody.h5",
        "out.h5",
        "rooms.toml",
        "flat.yaml",
        "house.building.yaml",
        "L1",
        "L2",
    ),
)
KEYS = (
    *(
        "links.d",
        "links.p",
        "links.model",
        "links.footprint",
        "links",
        "dual.T0",
        "dual.alpha",
        "dual.eta",
        "dual",
    ),
    *(
        "agents.N",
        "agents.speed",
        "agents",
        "name",
        "floorplan",
        "zones",
        "zones.0.c",
        "zones.left.c",
        "zones.-1.c",
    ),
    *(
        "zones.9.c",
        "zones.left.center",
        "zones.left.radius",
        "zones.left.name",
        "",
        ".",
        "a.b.c",
        "links..d",
        "é",
    ),
    *(
        ".".join("a" * 5000),
        "links." + "x" * 1000,
        "zones.٣.c",
        "__class__",
        "zones.left",
        "zones.0.center.0",
    ),
)
VALUES = (
    *NUMBERS,
    *TEXTS,
    *(
        "[]",
        "{}",
        "[1]",
        "{a=1}",
        "[[1]]",
        "[0.1,0.1,0.1]",
        "[" * 3000,
        "[" * 3000 + "]" * 3000,
        "{a=" * 500 + "1" + "}" * 500,
    ),
    *(
        "1\nx = 2",
        '"x"',
        "'''a\nb'''",
        '"""\n"""',
        "1979-05-27",
        "true",
        "1 # note",
        "[[0, 1]]",
        '["path:2"]',
        '"path:2"',
    ),
    *(
        "sight-or-disc",
        "bernoulli",
        "always",
        "never",
        "path:2",
        "complete:100000",
        "erdos-renyi:2:nan",
        "grid:99999x99999",
    ),
)


@cache
def options(name: str) -> tuple[str, ...]:
    """The options that a command has, as typer reads them."""
    app = typer.Typer(add_completion=False)
    app.command()(COMMANDS[name][1])
    found = typer.main.get_command(app).params
    words = (word for parameter in found for word in (*parameter.opts, *parameter.secondary_opts))
    return tuple(word for word in words if word.startswith("--"))


def case(random: Random, good: Specimens) -> Case:
    """A good command line that is changed in a few places."""
    good.copy(
        *("small.toml", "small-plan.toml", "sweep.toml", "policy.h5", "rollout.h5", "step-dense.h5", "done"),
        *("rooms.toml", "rooms-plan.toml", "flat.yaml", "flat.pgm", "flat.graph", "house.building.yaml"),
    )
    name = random.choice(list(COMMANDS))
    words = list(COMMANDS[name][0])
    first = len(TRAIN) if name == "train" else len(name.split())
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        words = _changed(words, first, name, random)
    inputs = {path.name for path in good.folder.iterdir()}
    named = (f"{escape(Path(word).stem)}*" for word in words if word not in inputs and Path(word).stem)
    may_change = ("out*", "results/*", "policy.h5", "step-dense.gif", "done/table*", *named)
    return Case(name, [words], may_change=may_change)


def _changed(words: Command, first: int, name: str, random: Random) -> Command:
    """Change a command line behind its `first` words, which say what is run."""
    place, way = random.randint(first, len(words)), random.randrange(9)
    option = random.choice(options(name) or ("--out",))
    if way == 0 and place < len(words):
        return words[:place] + words[place + 1 :]
    if way == 1:
        other = random.choice(options(random.choice(list(COMMANDS))) or ("--nothing",))
        return [*words[:place], other, *words[place:]]
    if way == 2:
        return [*words[:place], option, *words[place:]]
    if way == 3:
        return [*words[:place], random.choice(TEXTS), *words[place:]]
    if way == 4:
        many = random.choice((100, 3000))
        setting = ["--set", f"links.d={random.choice((1, 2))}"] if "--set" in options(name) else [option, "1"]
        return [*words, *setting * many]
    if way in (5, 6) and ("--set" in options(name)):
        key, equals, value = (
            random.choice(KEYS),
            random.choice(("=", "=", "=", "=", "", "==")),
            random.choice(VALUES),
        )
        return [
            *words,
            random.choice(("--set", "--set", "--hyper" if name == "train" else "--set")),
            key + equals + value,
        ]
    value = random.choice((*NUMBERS, *NUMBERS, *TEXTS))
    joined = random.random() < 0.2
    return [*words, f"{option}={value}"] if joined else [*words, option, value]
