"""What commands say when they are stopped."""

import pytest

from cmarlsim.terminal.console import STOPPED, command


@pytest.mark.parametrize("line", ["stopped", "stopped: nothing was written"])
def test_ctrl_c_is_one_line(capsys: pytest.CaptureFixture[str], line: str) -> None:
    def work() -> int:
        raise KeyboardInterrupt(*[line] * (line != "stopped"))

    with pytest.raises(SystemExit) as end:
        command(work, [])
    assert end.value.code == STOPPED
    assert capsys.readouterr() == ("", f"{line}\n")
