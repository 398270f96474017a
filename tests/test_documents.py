"""What README and docs show is true: Python blocks run, and command lines are ones that the commands take."""

from __future__ import annotations

import re
import runpy
import shlex
import tomllib
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from commands import ROOT

from cmarlsim.terminal import console, interrupt

PAGES = sorted(path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")) if path.name != "CHANGELOG.md")
BLOCK = re.compile(r"^```(.*)\n((?s:.*?))^```$", re.MULTILINE)
INLINE = re.compile(r"`((?:cmarlsim|python) [^`]+)`")


class Block(NamedTuple):
    """A fenced block of a page, the line it begins on, and what is written behind the fence."""

    line: int
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [Block(text.count("\n", 0, found.start()) + 2, *found.groups()) for found in BLOCK.finditer(text)]


def pages_with(language: str) -> list[object]:
    found = [page for page in PAGES if any(block.language == language for block in blocks(page))]
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in found]


@pytest.mark.parametrize("page", pages_with("python"))
def test_python_blocks_run_one_after_another(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but those behind a fence with more than the language's name, such as ``python not run``."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.language == "python":
            code = "\n" * (block.line - 1) + block.text  # so that a traceback names the page's line
            exec(compile(code, str(page), "exec"), names)


@pytest.mark.parametrize("page", pages_with("toml"))
def test_toml_blocks_are_toml(page: Path) -> None:
    for block in blocks(page):
        if block.language == "toml":
            assert tomllib.loads(block.text)


def command_lines() -> Iterator[tuple[str, ...]]:
    """The words of every command line in blocks without a language; of those in prose, which may be parts."""
    for page in PAGES:
        shell = (block.text.replace("\\\n", " ") for block in blocks(page) if block.language in ("", "sh"))
        in_prose = INLINE.findall(BLOCK.sub("", page.read_text("utf-8")))
        for line in [*"\n".join(shell).splitlines(), *(f"{part} --help" for part in in_prose)]:
            for command in line.split(" && "):
                if re.match(r"(\.venv/bin/)?(cmarlsim|python) ", command):
                    program, *words = shlex.split(command, comments=True)
                    yield Path(program).name, *words


@cache
def application(module: str) -> Callable[..., object]:
    """The commands of a module that is run with ``python -m``; they do nothing but look at their words."""
    found: list[Any] = []
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*found in sys.modules")
        keep = lambda app, arguments=None: found.append(typer.main.get_command(app))  # noqa: E731
        patch.setattr(console, "start", keep)
        patch.setattr(interrupt, "end_at_once", lambda: None)  # this process goes on
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    silence(found[0])
    return found[0]


def silence(command: Any) -> None:
    command.callback = None
    for part in getattr(command, "commands", {}).values():
        silence(part)


@pytest.mark.parametrize("words", sorted(set(command_lines())), ids=" ".join)
def test_command_lines_are_taken(words: tuple[str, ...]) -> None:
    program, *rest = words
    if program == "python" and rest[0] == "-m":
        program, *rest = rest[1:]
    if program.partition(".")[0] in ("cmarlsim", "analysis"):
        application(program)(rest, standalone_mode=False)
    elif program == "python":
        assert (ROOT / rest[0]).exists()


@pytest.mark.parametrize("words", [["run", "--stepps", "10"], ["rum"], ["run", "--steps", "ten"], ["rerun"]])
def test_command_lines_that_no_command_takes_are_found(words: list[str]) -> None:
    with pytest.raises(Exception, match=r"No such|valid integer|Missing parameter"):
        application("cmarlsim")(words, standalone_mode=False)
