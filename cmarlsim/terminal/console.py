"""What the commands share: one-line errors, progress, and stopping at a chunk."""

from __future__ import annotations

import atexit
import gc
import inspect
import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from functools import wraps
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from cmarlsim.errors import ArgumentError, InputError, one_line, shown
from cmarlsim.kernels.compiling import watched
from cmarlsim.notes import notes_on_stderr
from cmarlsim.simulation.progress import TextProgress
from cmarlsim.terminal.interrupt import STOPPED, heeding_ctrl_c
from cmarlsim.terminal.waiting import showing, watched_work

_OPTIONS = {"overrides": "set", "workers": "max-parallel", "as_": "as"}
"""Options that have another name than the argument of the library that they stand for."""


def command(function: Callable[..., int], arguments: list[str] | None = None) -> None:
    """Run `function` as a command line; bad input is one line on stderr and exit code 2."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(interruptible(function))
    start(app, arguments)


def interruptible(function: Callable[..., int]) -> Callable[..., int]:
    """Decorator of a command: where Ctrl-C ends it, it says so."""

    @wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> int:
        try:
            with watched() as compilation, heeding_ctrl_c(lambda: compilation.going_on):
                return function(*arguments, **options)
        except KeyboardInterrupt as stop:
            print(stop.args[0] if stop.args else "stopped", file=sys.stderr)
            return STOPPED

    return wrapped


def grouped(command: Callable[..., int]) -> Callable[..., int]:
    """Decorator of a command: each parameter that is a dataclass becomes options, one a field."""
    signature = inspect.signature(command, eval_str=True)
    kinds = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    groups = {name: kind for name, kind in kinds.items() if is_dataclass(kind) and isinstance(kind, type)}
    fields = {name: inspect.signature(group, eval_str=True).parameters for name, group in groups.items()}

    @wraps(command)
    def wrapped(**options: Any) -> int:
        for name, group in groups.items():
            options[name] = group(**{field: options.pop(field) for field in fields[name]})
        return command(**options)

    parameters = [parameter for name, parameter in signature.parameters.items() if name not in groups]
    parameters += [field for group in fields.values() for field in group.values()]
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return wrapped


def start(app: typer.Typer, arguments: list[str] | None = None) -> None:
    """Run a typer application with the project's error habits."""
    os.environ["MPLBACKEND"] = "agg"  # pictures go to files
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    warnings.showwarning = _one_line_warning
    notes_on_stderr()
    _keep_loaded()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files can be any bytes
    try:
        with watched_work("working"):
            code = app(arguments, standalone_mode=False)
    except ArgumentError as error:
        name = _OPTIONS.get(error.name, error.name.replace("_", "-"))
        value = error.value if isinstance(error.value, (str, os.PathLike)) else shown(error.value, 200)
        _fail(f"--{name} {one_line(str(value), 200)}: {_with_options(error.problem)}")
    except InputError as error:
        more = "; cmarlsim check lists them all" if error.untold else ""
        _fail(_with_options(str(error)) + more)
    except BrokenPipeError:
        _abandon_stdout()
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            _abandon_stdout()
        _fail(f"{error.filename or 'output'}: {error.strerror or error}")
    except MemoryError as error:
        _fail(f"not enough memory: {error or 'lower agents.N, dual.T0 or the number of zones'}")
    except Exception as error:
        usage = getattr(error, "format_message", None)
        if usage is None:
            raise
        _fail(usage())
    sys.exit(code if isinstance(code, int) else 0)


def _with_options(message: str) -> str:
    """A message of the library, whose hints such as ``force=True`` are written as options, ``--force``."""
    message = message.replace("links='sparse'", "--record step-sparse")
    hint = re.compile(r"(?<![\w.])([a-z_]+)=(?:True|'([a-z]+)')")
    return hint.sub(lambda found: " ".join(["--" + found[1], *filter(None, [found[2]])]), message)


def _keep_loaded() -> None:
    """Spare the garbage collector what was imported, and at exit everything.

    The modules hold two hundred thousand objects, of which none is garbage. Looking through them now and
    then, and several times on the way out, took a fourth of a short run.
    """
    gc.freeze()
    atexit.register(gc.freeze)


def _abandon_stdout() -> None:
    """Keep the interpreter from failing once more when it flushes what nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str) -> None:
    print(f"error: {one_line(message)}", file=sys.stderr)
    sys.exit(2)


def _one_line_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"warning: {one_line(str(message))}", file=sys.stderr)


@contextmanager
def compilation_announced() -> Iterator[None]:
    """Say that kernels are being compiled, and how long that took; nothing if they come from the cache."""

    def begun() -> None:
        print("compiling kernels that are not there yet, about a minute ...", file=sys.stderr, flush=True)

    with watched(begun) as compilation:
        yield
    if compilation.seconds:
        print(f"... compiled in {compilation.seconds:.1f} s", file=sys.stderr, flush=True)


@contextmanager
def progress_bar(label: str, total: int | None) -> Iterator[Callable[..., Any]]:
    """Show a bar on a terminal, elsewhere a line now and then; yields ``advance(count, note="")``."""
    console = Console(stderr=True)
    if not console.is_terminal:
        progress = TextProgress(label, total)
        with showing(progress):
            yield progress
        return
    name, note = (TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[note]}"))
    columns = (name, BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    times = (TimeElapsedColumn(), TimeRemainingColumn(), note)
    with showing(lambda done: None), Progress(*columns, *times, console=console) as bar:
        task = bar.add_task(label, total=total, note="")
        yield lambda count, note="": bar.update(task, advance=count, note=note)
