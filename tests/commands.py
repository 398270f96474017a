"""Running commands, and what they say."""

import gc
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cmarlsim.terminal.console import command

ROOT = Path(__file__).parent.parent
Outcome = tuple[int, str, str]
Call = Callable[..., Outcome]


def outcome(
    function: Callable[..., int], arguments: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> Outcome:
    """Run a command in this process: exit code, stdout, and `lasting` stderr."""
    with pytest.raises(SystemExit) as caught:
        command(function, list(arguments))
    gc.unfreeze()  # the process goes on
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, lasting(err)


def without_progress(err: str) -> str:
    """Drop the lines about progress, which only a slow machine brings."""
    return "".join(line for line in err.splitlines(keepends=True) if not re.search(r"\d:\d\d so far", line))


def lasting(err: str) -> str:
    """Drop the lines that a slow machine or an empty cache brings: about progress and compiling."""
    return "".join(line for line in without_progress(err).splitlines(keepends=True) if "compil" not in line)


def started(folder: Path, module: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Begin a command in a process of its own, for what only processes do: get signals, end, be killed."""
    path = os.pathsep.join(filter(None, (environment.pop("PYTHONPATH", ""), str(ROOT))))
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=os.environ | environment | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
