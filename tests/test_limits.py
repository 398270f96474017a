"""Numbers have bounds, in the options of every command; and large work is said before it begins."""

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, get_args

import pytest
import typer
from commands import ROOT, Call

import cmarlsim
from analysis.paper_figure import command_of
from cmarlsim.__main__ import _application

NO_NUMBERS = ("nan", "inf", "-inf", "-1", "1e308", "", "x", "9" * 5000)
NOT_WHOLE = ("1.5", "1e3", "True")
TOO_LARGE = (str(2**63), str(2**64), "1" + "0" * 300)

NEEDED = {
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
