"""Paths that are no files: folders, pipes, sockets, devices, loops of links, impossible names."""

from __future__ import annotations

import os
import socket
from glob import escape
from pathlib import Path
from random import Random

from .case import Case, Command
from .specimens import LONG, TRAIN, Specimens, run_of

INPUTS = (
    *("pipe", "socket", "loop", "dangling", "folder", "folder/", "empty", "linked-pipe", "linked-zero"),
    *("/dev/zero", "/dev/null", "/dev/random", "/dev/stdin", "/dev/fd/0", "/dev", "/proc/self/mem", "/"),
    *(
        "missing",
        "missing/x",
        "small.toml/x",
        "",
        ".",
        "..",
        "a" * 300,
        "a/" * 3000,
        "a\nb",
        "\udcff",
        "~nobody/x",
        "secret",
    ),
)
"""What stands where a file is only read: devices never stand where one is written or continued."""

OUTPUTS = (
    *(
        "out-pipe",
        "out-socket",
        "out-loop",
        "out-dangling",
        "out-folder",
        "out-folder/",
        "out-linked-pipe",
        "out-old",
    ),
    *(
        "small.toml",
        "small-plan.toml",
        "hard-small.toml",
        "policy.h5",
        "step-dense.h5",
        "missing/out",
        "small.toml/out",
    ),
    *("", ".", "a" * 300, "out\nx", "out\udcff", "out-pipe/x", "out-loop/x", "out-dangling/x", "out"),
)
"""What stands where a file is to be written: everything is in the folder of the case."""

READERS: tuple[Command, ...] = (
    ["run", "IN", "--policy", "rank", "--steps", "20", "--no-plot", "--out", "out.h5"],
    ["run", "small.toml", "--policy", "IN", "--steps", "20", "--no-plot", "--out", "out.h5"],
    ["run", "hostile.toml", "--policy", "rank", "--steps", "20", "--no-plot", "--out", "out.h5"],
    ["train", "IN", *TRAIN[2:], "--out", "out.h5"],
    ["train", "hostile.toml", *TRAIN[2:], "--out", "out.h5"],
    ["rerun", "IN"],
    ["rerun", "step-dense.h5", "--policy", "IN"],
    ["replay", "IN", "--out", "out.gif"],
    ["advise", "IN", "--policy", "rank", "--steps", "20"],
    ["advise", "small.toml", "--policy", "IN", "--steps", "20"],
    ["check", "IN", "--picture", "out.png"],
    ["check", "hostile.toml", "--picture", "out.png"],
    ["import", "IN", "--resolution", "0.2", "--out", "out.toml"],
    ["import", "flat.yaml", "--graph", "IN", "--out", "out.toml"],
    ["import", "hostile.yaml", "--out", "out.toml"],
    ["export", "IN", "--as", "ros", "--out", "out.yaml"],
    ["sweep", "plan", "IN", "out"],
    ["sweep", "plan", "hostile-sweep.toml", "out"],
    ["sweep", "run", "IN"],
    ["sweep", "status", "IN"],
    ["sweep", "collect", "IN"],
    ["sweep", "status", "hostile-sweep"],
    ["sweep", "collect", "hostile-sweep", "--table", "out.csv"],
    ["sweep-here", "hostile-sweep"],
    *(
        [f"analysis.{name}", "IN", "--out", "out"]
        for name in ("radio", "figure3a", "figure4", "figure5b", "figure5c", "links")
    ),
    ["analysis.proposition2", "--footprint", "IN", "--repetitions", "100", "--out", "out"],
    ["analysis.proposition2", "--footprint", "in.graphml", "--repetitions", "100", "--out", "out"],
    ["analysis.radio", "in.k7", "--out", "out"],
    ["analysis.claims", "--from", "IN", "--out", "out"],
)
WRITERS: tuple[Command, ...] = (
    ["run", "small.toml", "--policy", "rank", "--steps", "20", "--no-plot", "--out", "OUT"],
    ["run", "small.toml", "--policy", "rank", "--steps", "20", "--out", "OUT"],
    ["run", "small.toml", "--policy", "rank", "--steps", "20", "--no-plot", "--runs", "2", "--out", "OUT"],
    [*run_of("step-dense", LONG, "OUT")[:-2], "--resume", "OUT"],
    [*run_of("step-dense", LONG, "OUT"), "--resume", "auto"],
    [*TRAIN, "--out", "OUT"],
    ["replay", "step-dense.h5", "--to", "2", "--out", "OUT"],
    ["replay", "step-dense.h5", "--to", "2", "--out", "OUT.gif"],
    ["check", "small.toml", "--picture", "OUT.png"],
    ["import", "flat.yaml", "--out", "OUT.toml"],
    ["export", "small.toml", "--as", "ros", "--out", "OUT.yaml"],
    ["export", "small.toml", "--as", "graph", "--out", "OUT"],
    ["sweep", "plan", "sweep.toml", "OUT"],
    ["sweep", "collect", "done", "--table", "OUT"],
    ["sweep", "collect", "done", "--table", "out.csv", "--hdf5", "OUT"],
    ["analysis.figure4", "rollout.h5", "--out", "OUT"],
)
ENDINGS = ("", "", ".journal", ".checkpoint", ".png", "-seed1.h5")
"""What a command writes beside its output may be in the way as well."""


def case(random: Random, good: Specimens) -> Case:
    """A command that is to read or to write what is no file."""
    good.copy(
        *("small.toml", "small-plan.toml", "sweep.toml", "policy.h5", "rollout.h5", "step-dense.h5", "done"),
        *("flat.yaml", "flat.pgm"),
    )
    if random.random() < 0.5:
        path, command = random.choice(INPUTS), random.choice(READERS)
        _make_obstacles("")
        _make_files_that_name(path, random, good)
        words = [path if word == "IN" else word for word in command]
        return Case(
            f"reads {path!r:.50}", [words], may_change=("out*", "results/*", "hostile-sweep/*", "*.journal")
        )
    path, command = random.choice(OUTPUTS), random.choice(WRITERS)
    if command[0] == "import" and path in ("", "."):
        path = "out"  # its plan and picture would be hidden files
    ending = random.choice(ENDINGS)
    _make_obstacles("out-", ending)
    words = [word.replace("OUT", path) for word in command]
    if command[0] not in ("sweep",) or "collect" in command:
        words += ["--force"] * (random.random() < 0.6 and "--resume" not in words)
    may_change = ["out*", "results/*", "done/table*", "a*", "missing*", "nowhere*", "policy*", "step-dense*"]
    may_change += ["small*.gif", "hard*.gif", "small*-seed?.toml", "hard*-seed?.toml"]
    may_change += ["figure4.*"] * (path in ("", "."))
    may_change += [f"{escape(path)}*"] * (command[0] == "import")  # its plan and picture are named so
    may_change += [f"{escape(path)}.pgm"] * (command[0] == "export")
    if "small.toml" not in command:
        may_change.append(escape(path))  # it is no input of this command, which may replace it
    return Case(f"writes {path!r:.50} ({ending})", [words], may_change=tuple(may_change))


def _make_obstacles(prefix: str, ending: str = "") -> None:
    """Make what is no file, by the names that stand in `INPUTS` and `OUTPUTS`."""

    def path(name: str) -> str:
        return f"{prefix}{name}{ending}"

    os.mkfifo(path("pipe"))
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path("socket"))
    os.symlink(path("loop"), path("loop"))
    os.symlink("nowhere/at-all", path("dangling"))
    os.symlink(path("pipe"), path("linked-pipe"))
    os.mkdir(path("folder"))
    Path(path("empty")).touch()
    Path(path("old")).write_text("old")
    os.link("small.toml", "hard-small.toml")
    if not prefix:
        os.symlink("/dev/zero", "linked-zero")


def _make_files_that_name(path: str, random: Random, good: Specimens) -> None:
    """Make a scenario, a sweep and a sweep's folder in which `path` stands where a file should."""
    quoted = (
        path.encode("unicode_escape", "surrogatepass")
        .decode()
        .replace("\\udc", "\\u00")
        .replace("\\x", "\\u00")
    )
    text = Path("small.toml").read_text()
    Path("hostile.toml").write_text(text.replace("small-plan.toml", quoted))
    image = Path("flat.yaml").read_text().replace("flat.pgm", f'"{quoted}"')
    Path("hostile.yaml").write_text(image)
    key = random.choice(("scenario", "policy"))
    lines = Path("sweep.toml").read_text().splitlines()
    changed = (f'{key} = "{quoted}"' if line.startswith(key) else line for line in lines)
    Path("hostile-sweep.toml").write_text("\n".join(changed))
    good.copy("half")
    os.rename("half", "hostile-sweep")
    files = sorted(file for file in Path("hostile-sweep").rglob("*") if file.is_file())
    random.choice(files).rename("replaced")
    gone = next(file for file in files if not file.exists())
    if random.random() < 0.5:
        os.mkfifo(gone)
    else:
        os.symlink(Path(random.choice(("loop", "dangling", "folder", "socket", "empty"))).absolute(), gone)
    for ending in ("graphml", "k7"):
        os.symlink(path if 0 < len(path) < 400 else "pipe", f"in.{ending}")
