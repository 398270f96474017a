"""Good files of every kind, small enough to be copied for each case, and what unbroken work makes of them."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

from cmarlsim import Policy, Scenario, execute
from cmarlsim.kernels.cache_folder import cache_folder
from cmarlsim.recordings.recorder import Recorder
from cmarlsim.simulation.execution import Run
from cmarlsim.sweeps.manifest import Manifest, Sources
from cmarlsim.sweeps.results import checksum, recording_of
from cmarlsim.training import Training
from cmarlsim.training.checkpoint import checkpoint_of, save
from cmarlsim.training.recipe import Recipe

from . import building_files, map_files
from .case import Command
from .children import forked, run_command

LEVELS = ("step-dense", "step-sparse", "rollout", "summary")
SHORT, LONG = 60, 120
"""Steps of the recordings, and of those that unbroken runs of twice the length leave."""

HYPER = {
    "hidden": 4,
    "episodes": 4,
    "pretrain_iterations": 3,
    "loop_iterations": 3,
    "loop_runs": 2,
    "ranges": [0.5, 1.0],
    "baseline_hidden": 4,
    "teams": 1,
    "validate_every": 2,
    "validation_runs": 1,
    "validation_rollouts": 2,
}
TRAIN = [
    "train",
    "small.toml",
    *(word for key, value in HYPER.items() for word in ("--hyper", f"{key}={value}")),
]
QUICK = Recipe(**HYPER)

SWEEP = """name = "radii"
scenario = "small.toml"
policy = "policy.h5"
steps = 60
record = "rollout"
[grid]
links.d = [1.0, 2.0]
seed = { first = 0, count = 2 }
"""

TRACE = """{"node_count": 3, "channels": [11, 12], "start_date": "2020-01-01 00:00:00"}
datetime,src,dst,channel,mean_rssi,pdr,tx_count
"""

GRAPHML = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="p" for="edge" attr.name="p" attr.type="double"/>
<graph edgedefault="undirected"><node id="a"/><node id="b"/><node id="c"/>
<edge source="a" target="b"><data key="p">0.5</data></edge>
<edge source="b" target="c"><data key="p">0.25</data></edge></graph></graphml>
"""

EDGES = "# a path\n0 1 0.5\n1 2 0.25\n2 3 0.5\n"


def run_of(level: str, steps: int, out: str) -> Command:
    """The command that records a run of the small scenario."""
    options = ["--policy", "policy.h5", "--steps", str(steps), "--record", level, "--no-plot"]
    return ["run", "small.toml", *options, "--out", out]


class Specimens:
    """A folder of good files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> None:
        """Make all files in the present process, which loads the kernels by that."""
        self.folder.mkdir(parents=True, exist_ok=True)
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            _write_texts()
            for arguments in _commands():
                _succeed(arguments)
            _leave_journals(self.folder)
            _leave_checkpoint()
            _make_sweeps()
            shutil.copytree(cache_folder(), Path("cache", cache_folder().name))
        finally:
            os.chdir(before)

    def copy(self, *names: str) -> None:
        """Copy files or folders of these names into the working directory."""
        for name in names:
            source, target = self.folder / name, Path(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copyfile(source, target)


def _write_texts() -> None:
    scenario = Scenario.load("tiny").model_copy(update={"name": "small"})
    Path("small.toml").write_text(scenario.to_toml("small-plan.toml"))
    Path("small-plan.toml").write_text(scenario.floorplan.to_toml())
    radio = {"model": "bernoulli", "p": 0.3, "footprint": "path"}
    Path("radio.toml").write_text(scenario.model_copy(update={"links": radio}).to_toml("small-plan.toml"))
    Path("sweep.toml").write_text(SWEEP)
    Path("footprint.graphml").write_text(GRAPHML)
    Path("edges.txt").write_text(EDGES)
    rows = (
        f"2020-01-01 00:{minute:02}:{second:02},{a},{b},{channel},-70,{0.5 + second / 100},10\n"
        for minute in range(3)
        for second, (a, b) in enumerate([(0, 1), (1, 0), (1, 2), (2, 1)])
        for channel in (11, 12)
    )
    Path("trace.k7").write_text(TRACE + "".join(rows))
    map_files.write()
    building_files.write()


def _commands() -> list[Command]:
    recorded = [
        run_of(level, steps, f"{level}{name}.h5")
        for level in LEVELS
        for steps, name in ((SHORT, ""), (LONG, "-long"))
    ]
    return [
        [*TRAIN, "--out", "policy.h5"],
        *recorded,
        ["run", "radio.toml", "--policy", "rank", "--steps", "60", "--out", "radio.h5"],
        ["rerun", "step-sparse.h5"],
        ["advise", "small.toml", "--policy", "policy.h5", "--steps", "60"],
        ["replay", "step-dense.h5", "--to", "2", "--out", "film.gif"],
        ["analysis.figure4", "rollout.h5", "--out", "figures"],
        ["analysis.radio", "trace.k7", "--runs", "1", "--step", "1", "--out", "figures"],
        ["import", "flat.yaml", "--graph", "flat.geojson", "--out", "imported.toml"],
        ["import", "house.building.yaml", "--out", "imported-house.toml"],
        ["check", "rooms.toml"],
        *(["run", f"{tiles}.toml", "--policy", "rank", "--steps", "60"] for tiles in building_files.TILES),
        ["export", "rooms.toml", "--as", "ros", "--level", "L1", "--out", "exported.yaml"],
        ["sweep", "plan", "sweep.toml", "done", "--batch", "2"],
        ["sweep-here", "done"],
        ["sweep", "collect", "done"],
    ]


def _succeed(arguments: Command) -> None:
    """Run a command in this process; RuntimeError unless it ends well."""
    try:
        code = run_command(arguments)
    except SystemExit as end:
        code = end.code
    if code:
        raise RuntimeError(f"{' '.join(arguments)}: exit code {code}")


def _leave_journals(folder: Path) -> None:
    """Journals of runs that were killed, begun afresh and going on from a recording."""
    scenario, policy = Scenario.load("small.toml"), Policy.load("policy.h5")

    def killed(level: str, out: Path) -> None:
        record, _, links = level.partition("-")
        recorder = Recorder(
            out, scenario, policy, 0, record, links == "sparse", resume="auto", checkpoint=1e-9
        )
        run = Run(scenario, policy, 0)
        if recorder.state is not None:
            run.restore(recorder.state, recorder.done)
        for chunk in run.chunks(5, record == "step", size=2, sparse=links == "sparse"):
            recorder.append(chunk, run.state())
        os._exit(0)

    for level in LEVELS:
        shutil.copyfile(f"{level}.h5", f"{level}-begun.h5")
        for out in (f"{level}-killed.h5", f"{level}-begun.h5"):
            forked(partial(killed, level, Path(out)), folder / "notes")
            assert Path(f"{out}.journal").stat().st_size > 1000, out


def _leave_checkpoint() -> None:
    """The checkpoint of a training that was stopped."""
    training = Training(Scenario.load("small.toml"), 0, QUICK)
    training.advance(4)
    save(training, checkpoint_of(Path("stopped.h5")))


def _make_sweeps() -> None:
    """A sweep that is planned, and one of which a half is done, a task was stopped and a process killed."""
    shutil.copytree("done", "planned", ignore=shutil.ignore_patterns("[0-9]*.*", "table.*"))
    shutil.copytree("done", "half", ignore=shutil.ignore_patterns("000001.jsonl", "00000[23].h5", "table.*"))
    half = Path("half")
    (half / "locks" / "000001.lock").write_text('{"host": "elsewhere", "pid": 1, "task": 3, "deaths": 1}\n')
    task, stopped = Sources(Manifest.load(half), half).task(2), recording_of(half, 2)
    execute(task.scenario, task.policy, SHORT // 2, task.seed, record="rollout", out=stopped).close()
    stopped.with_suffix(".stopped").write_text(checksum(stopped))
