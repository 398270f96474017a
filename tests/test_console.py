"""What commands say when they are stopped."""

import pytest

from cmarlsim.errors import ArgumentError, InputError
from cmarlsim.terminal.console import STOPPED, command


@pytest.mark.parametrize("line", ["stopped", "stopped: nothing was written"])
def test_ctrl_c_is_one_line(capsys: pytest.CaptureFixture[str], line: str) -> None:
    def work() -> int:
        raise KeyboardInterrupt(*[line] * (line != "stopped"))

    with pytest.raises(SystemExit) as end:
        command(work, [])
    assert end.value.code == STOPPED
    assert capsys.readouterr() == ("", f"{line}\n")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ArgumentError("out", "r.h5", "exists; add force=True"), "--out r.h5: exists; add --force"),
        (ArgumentError("some_thing", 3, "must be 4"), "--some-thing 3: must be 4"),
        (ArgumentError("overrides", "d", "must be KEY=VALUE"), "--set d: must be KEY=VALUE"),
        (InputError("continue with resume='auto'"), "continue with --resume auto"),
        (InputError("use links='sparse'"), "use --record step-sparse"),
        (InputError("x with links.model='never' and a = True"), "x with links.model='never' and a = True"),
    ],
)
def test_commands_write_the_librarys_hints_as_options(
    capsys: pytest.CaptureFixture[str], error: InputError, line: str
) -> None:
    def work() -> int:
        raise error

    with pytest.raises(SystemExit) as end:
        command(work, [])
    assert (end.value.code, capsys.readouterr()) == (2, ("", f"error: {line}\n"))
