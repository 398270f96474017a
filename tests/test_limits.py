"""Numbers have bounds, in the options of every command; and large work is said before it begins."""

import importlib
import inspect
import itertools
import math
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, get_args

import pytest
import typer
from commands import ROOT, Call

import cmarlsim
from analysis.paper_figure import command_of
from cmarlsim import limits
from cmarlsim.__main__ import _application
from cmarlsim.building import visibility
from cmarlsim.run import run
from cmarlsim.simulation import work
from cmarlsim.terminal import run_report, waiting
from cmarlsim.terminal.console import command, progress_bar
from cmarlsim.train import train

NO_NUMBERS = ("nan", "inf", "-inf", "-1", "1e308", "", "x", "9" * 5000)
NOT_WHOLE = ("1.5", "1e3", "True")
TOO_LARGE = (str(2**63), str(2**64), "1" + "0" * 300)

NEEDED = {
    "import_": [str(ROOT / "data" / "maps" / "office.yaml")],
    "export": ["tiny", "--as", "ros"],
    "replay": ["tiny.h5"],
    "sweep plan": ["short", "out"],
    "sweep run": ["out"],
    "analysis.radio": ["t.k7"],
}
"""What commands must be given besides their options."""


class Option(NamedTuple):
    """A numeric option of a command."""

    command: str
    name: str
    whole: bool


def commands_of(app: typer.Typer, before: str = "") -> Iterator[tuple[str, Callable[..., int]]]:
    """All commands of an application, by what is typed."""
    for each in app.registered_commands:
        assert each.callback is not None
        yield f"{before}{each.callback.__name__}", each.callback
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from commands_of(group.typer_instance, f"{before}{group.name} ")


def analysis_commands() -> Iterator[tuple[str, Callable[..., int]]]:
    """The function behind each script of `analysis`."""
    for path in sorted((ROOT / "analysis").rglob("*.py")):
        found = re.search(r"^    command\((command_of\()?(\w+)\)", path.read_text(), re.MULTILINE)
        if found:
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            behind = getattr(importlib.import_module(module), found[2])
            yield module.removesuffix(".__main__"), command_of(behind) if found[1] else behind


def numbers_of(name: str, function: Callable[..., int]) -> Iterator[Option]:
    """The options of a command that are numbers."""
    for key, parameter in inspect.signature(function, eval_str=True).parameters.items():
        kind, *infos = get_args(parameter.annotation) or (parameter.annotation,)
        kinds = {kind, *get_args(kind), *(each for part in get_args(kind) for each in get_args(part))}
        if {int, float} & kinds:
            given = [text for info in infos for text in (info.default, *(info.param_decls or ()))]
            names = [text for text in given if isinstance(text, str) and text.startswith("--")]
            yield Option(name, names[0] if names else f"--{key.replace('_', '-')}", int in kinds)


COMMANDS = {**dict(commands_of(_application())), **dict(analysis_commands())}
OPTIONS = [option for name, function in COMMANDS.items() for option in numbers_of(name, function)]


def test_all_commands_and_their_numbers_are_looked_at() -> None:
    assert {"run", "train", "rerun", "replay", "advise", "sweep plan", "sweep run"} <= COMMANDS.keys()
    assert {"analysis.figure5c", "analysis.paper", "analysis.theorem1", "analysis.radio"} <= COMMANDS.keys()
    options = {option[:2] for option in OPTIONS}
    assert {("run", "--steps"), ("run", "--checkpoint"), ("advise", "--L"), ("replay", "--from")} <= options
    assert {("analysis.proposition2", "--p"), ("sweep run", "--tasks-per-element")} <= options


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("run") / "tiny.h5"
    cmarlsim.execute(cmarlsim.Scenario.load("tiny"), cmarlsim.Policy.load("rank"), 100, out=path)
    return path.read_bytes()


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: " ".join(option[:2]))
def test_what_is_no_number_or_out_of_bounds_is_one_line(call: Call, tiny: bytes, option: Option) -> None:
    Path("tiny.h5").write_bytes(tiny)
    for value in NO_NUMBERS + (NOT_WHOLE + TOO_LARGE) * option.whole:
        code, out, err = call(
            COMMANDS[option.command], *NEEDED.get(option.command, []), f"{option.name}={value}"
        )
        assert (code, out, err.count("\n")) == (2, "", 1), (value, err)
        assert option.name in err
        assert len(err) < 400 + len(value)
        assert [path.name for path in Path().iterdir()] == ["tiny.h5"]


@pytest.mark.parametrize(
    ("seconds", "size", "said"),
    [
        (10.0, 1e9, ""),
        (86_401.0, 0.0, "runs would take about 1.0 days: add yes=True to begin"),
        (
            7200.0,
            21e9,
            "2.0 hours and 21.0 GB of the disk, of which 100.0 GB are free: add yes=True to begin",
        ),
        (7200.0, 101e9, "runs would take about 101.0 GB of the disk, of which 100.0 GB are free"),
    ],
)
def test_much_work_is_asked_for_and_more_than_the_disk_is_refused(
    seconds: float, size: float, said: str
) -> None:
    for yes in (False, True):
        if said and not (yes and "yes=True" in said):
            with pytest.raises(cmarlsim.InputError) as refused:
                work.Work(seconds, size).check("runs", 10**11, yes)
            assert said in str(refused.value)
        else:
            work.Work(seconds, size).check("runs", 10**11, yes)


@pytest.mark.compiled
@pytest.mark.parametrize("level", ["step", "rollout"])
def test_a_stretch_tells_the_size_of_a_recording(tmp_path: Path, level: str) -> None:
    scenario, policy, steps = cmarlsim.Scenario.load("paper"), cmarlsim.Policy.load("paper"), 200_000
    with cmarlsim.execute(scenario, policy, steps, out=tmp_path / "run.h5", record=level):
        size = (tmp_path / "run.h5").stat().st_size
    besides = 100_000  # the policy, and HDF5's own
    found = work.work_of_a_step(scenario, policy, level, sparse=False)
    assert found.bytes * steps == pytest.approx(size - besides, rel=0.3)
    assert 1e-9 < found.seconds < 1e-4


def test_a_run_of_a_day_needs_a_yes(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    long = ("tiny", "--policy", "rank", "--no-plot", "--steps", "5000000", "--record", "rollout")
    assert call(run, *long[:-4], "--runs", "1001")[2] == (
        "error: --runs 1001: more than 1,000: add --yes to allow that\n"
    )
    monkeypatch.setattr(work, "_LITTLE_SECONDS", 0.0)
    monkeypatch.setattr(work, "LONG_SECONDS", 1e-3)
    code, out, err = call(run, *long)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert re.search(r"5,000,000 steps would take about 0.0 days and .* GB are free: add --yes to begin", err)
    assert not list(Path("results").glob("*"))
    assert call(run, *long[:4], "--yes")[0] == 0
    monkeypatch.setattr("cmarlsim.run.free_bytes", lambda path: 10)
    code, _, err = call(run, *long, "--yes")
    assert (code, "0.0 GB are free" in err, "--yes" in err) == (2, True, False)


def test_a_training_of_days_needs_a_yes(call: Call) -> None:
    code, _, err = call(train, "tiny", "--hyper", "pretrain_iterations=100000000")
    assert (code, err.count("\n")) == (2, 1)
    assert re.search(r"training 'tiny' would take about [\d,.]+ days: add --yes to begin", err)


def test_silent_work_says_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once a command was silent for a while, and not beside what tells of its progress."""
    monkeypatch.setattr(waiting, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "FIRST_SECONDS", 0.1)

    def work_silently() -> int:
        time.sleep(0.3)
        with waiting.waiting("loading"):
            time.sleep(0.3)
        with progress_bar("running", 10):
            time.sleep(0.3)
        return 0

    with pytest.raises(SystemExit):
        command(work_silently, [])
    assert capsys.readouterr().err == "working: 0:00:00 so far\nloading: 0:00:00 so far\n"


@pytest.mark.parametrize(
    ("setting", "key"),
    [("agents.speed=31", "agents.speed = 31"), ("zones.top.radius=99", "zones.top.radius")],
)
def test_lengths_beyond_the_plan_are_a_slip(setting: str, key: str) -> None:
    with pytest.raises(cmarlsim.InputError, match=rf"{key}.* 'tiny' is 3 m from side to side"):
        cmarlsim.Scenario.load("tiny", [setting])


def test_plans_that_take_too_long_or_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = cmarlsim.tiled(2, 1, N=3, d=4.99)
    monkeypatch.setattr(visibility, "FEW_PAIRS", 0)
    kept = scenario.visibility
    bounds = (
        (visibility, "MOST_SECONDS", 0.0, "stretches of way takes more than 0 minutes: use fewer"),
        (limits, "machine_bytes", lambda: 100, r"way needs \d+\.\d GB, more than the 0\.0 GB"),
    )
    for i, (module, name, value, said) in enumerate(bounds):
        with monkeypatch.context() as bound:
            bound.setattr(module, name, value)
            with pytest.raises(cmarlsim.InputError, match=said):
                _ = cmarlsim.tiled(2, 1, N=3, d=4.9 - i / 100).visibility
    needed: list[float] = []
    monkeypatch.setattr(visibility, "check_bytes", lambda what, size, remedy: needed.append(size))
    _ = cmarlsim.tiled(2, 1, N=3, d=4.96).visibility
    assert needed == [pytest.approx(8 * (12 * len(kept.other) + len(kept.wall)), rel=0.5)]


def test_a_table_has_the_zones_with_the_smallest_margins(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_report, "MOST_ROWS", 2)
    out = call(run, "tiny", "--policy", "rank", "--steps", "1000", "--no-plot")[1]
    assert "the 2 zones with the smallest margins, of 3" in out
    rows = [line for line in out.splitlines() if line.startswith("│")]
    assert len(rows) == 2
    (smallest,) = re.findall(r"smallest margin: .* \(zone (\w+)", out)
    assert any(smallest in row for row in rows)


@pytest.mark.parametrize("seeds", [range(10**18), itertools.count()])
def test_runs_of_one_call_are_counted_before_they_are_listed(seeds: Iterable[int]) -> None:
    scenario, policy = cmarlsim.Scenario.load("tiny"), cmarlsim.Policy.load("rank")
    with pytest.raises(cmarlsim.InputError, match="more than 100,000 runs at once"):
        cmarlsim.execute(scenario, policy, 10, seeds=seeds)
    with pytest.raises(cmarlsim.InputError, match="steps = 1000000000010: must be at most"):
        cmarlsim.execute(scenario, policy, 10**12 + 10)
    with pytest.raises(cmarlsim.InputError, match="checkpoint = inf: must be more than 0 seconds, and at"):
        cmarlsim.execute(scenario, policy, 10, out="run.h5", checkpoint=math.inf)
