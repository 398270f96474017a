"""Running commands, and what they say."""

import gc
from collections.abc import Callable, Sequence

import pytest

from cmarlsim.terminal.console import command

Outcome = tuple[int, str, str]
Call = Callable[..., Outcome]


def outcome(
    function: Callable[..., int], arguments: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> Outcome:
    """Exit code, stdout, and stderr without the lines about compiling kernels, which come only once."""
    with pytest.raises(SystemExit) as caught:
        command(function, list(arguments))
    gc.unfreeze()  # the process goes on
    out, err = capsys.readouterr()
    said = "".join(line for line in err.splitlines(keepends=True) if "compil" not in line)
    return int(caught.value.code or 0), out, said
