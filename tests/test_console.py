"""What commands say besides their results: that they go on, that they were stopped, their version."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import Call, started

from cmarlsim import Recording, __main__, __version__, run
from cmarlsim.errors import ArgumentError, InputError
from cmarlsim.simulation import progress
from cmarlsim.terminal.console import command, progress_bar
from cmarlsim.terminal.interrupt import STOPPED


@pytest.mark.parametrize("line", ["stopped", "stopped: nothing was written"])
def test_ctrl_c_is_one_line(capsys: pytest.CaptureFixture[str], line: str) -> None:
    def work() -> int:
        raise KeyboardInterrupt(*[line] * (line != "stopped"))

    with pytest.raises(SystemExit) as end:
        command(work, [])
    assert end.value.code == STOPPED
    assert capsys.readouterr() == ("", f"{line}\n")


@pytest.mark.parametrize("command", [["cmarlsim", "run"], ["cmarlsim.train"], ["analysis.figure4", "r.h5"]])
def test_ctrl_c_while_modules_are_imported_is_one_line(tmp_path: Path, command: list[str]) -> None:
    slow = "import time\nprint('importing', flush=True)\ntime.sleep(60)\n"
    (tmp_path / "typer.py").write_text(slow)
    process = started(tmp_path, *command, PYTHONPATH=str(tmp_path))
    assert stopped(process, "importing\n") == ""


def test_who_imports_the_package_keeps_pythons_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "cmarlsimilar").mkdir()
    (tmp_path / "cmarlsimilar/__init__.py").write_text("import cmarlsim, analysis")
    asked = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    (tmp_path / "cmarlsimilar/tool.py").write_text(asked)
    assert started(tmp_path, "cmarlsimilar.tool", "cmarlsim").communicate() == ("True\n", "")


def stopped(process: subprocess.Popen[str], line: str, number: signal.Signals = signal.SIGINT) -> str:
    """What else a command prints that is stopped when it has printed a line."""
    assert process.stdout is not None
    assert process.stdout.readline() == line
    process.send_signal(number)
    sent = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - sent < 10
    assert (err, process.returncode) == ("stopped\n", STOPPED)
    return out


STAND_IN = """
import ctypes, os, signal, time
from concurrent.futures import ThreadPoolExecutor
from numba.core import event
from cmarlsim.terminal.console import command
from cmarlsim.terminal.interrupt import Stop, end_at_once
end_at_once()

def compile():
    with event.trigger_event("numba:compile"):
        print("compiling", flush=True)
        mutex = ctypes.create_string_buffer(64)
        for _ in range(2):  # which the second time waits for itself, whatever signals come
            ctypes.CDLL(None).pthread_mutex_lock(mutex)

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)

class Last:
    def __del__(self):
        interrupt()

def work() -> int:
    {work}
    return 0

command(work, [])
"""


@pytest.mark.parametrize(
    "work",
    [
        "compile()",
        "with ThreadPoolExecutor(1) as pool: pool.submit(compile).result()",
        "with Stop(): compile()",
        "with Stop(), ThreadPoolExecutor(1) as pool: pool.submit(compile).result()",
    ],
)
def test_ctrl_c_ends_what_is_compiled(tmp_path: Path, work: str) -> None:
    (tmp_path / "stand_in.py").write_text(STAND_IN.format(work=work))
    assert stopped(started(tmp_path, "stand_in"), "compiling\n") == ""


def test_what_is_compiled_after_ctrl_c_is_ended_too(tmp_path: Path) -> None:
    work = """with Stop() as stop:
        print("running", flush=True)
        while not stop.asked: time.sleep(0.01)
        compile()"""
    (tmp_path / "stand_in.py").write_text(STAND_IN.format(work=work))
    assert stopped(started(tmp_path, "stand_in"), "running\n") == "compiling\n"


def test_outside_compiling_a_run_that_was_told_to_stop_ends_when_it_wants(tmp_path: Path) -> None:
    work = """with Stop() as stop:
        print("running", flush=True)
        while not stop.asked: time.sleep(0.01)
        time.sleep(2.5)
    time.sleep(1.5)
    print("tidy")"""
    for number in (signal.SIGINT, signal.SIGTERM):
        (tmp_path / "stand_in.py").write_text(STAND_IN.format(work=work))
        process = started(tmp_path, "stand_in")
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert (out, [line for line in err.splitlines() if "so far" not in line]) == ("tidy\n", [])
        assert process.returncode == 0


@pytest.mark.parametrize("work", ["interrupt()", "exec('interrupt()')", "Last()"])
def test_ctrl_c_is_one_line_and_one_code_wherever_it_comes(tmp_path: Path, work: str) -> None:
    (tmp_path / "stand_in.py").write_text(STAND_IN.format(work=work))
    process = started(tmp_path, "stand_in")
    assert process.communicate(timeout=30) == ("", "stopped\n")
    assert process.returncode == STOPPED


@pytest.mark.compiled
def test_ctrl_c_while_kernels_are_compiled_is_one_line(tmp_path: Path) -> None:
    process = started(tmp_path, "cmarlsim", "train", "tiny", NUMBA_CACHE_DIR=str(tmp_path))
    assert process.stderr is not None
    assert any(line.startswith("compiling kernels") for line in process.stderr)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (out, [line for line in err.splitlines() if "so far" not in line]) == ("", ["stopped"])
    assert process.returncode == STOPPED


@pytest.mark.parametrize(
    ("number", "end"), [(signal.SIGINT, (STOPPED, "stopped\n")), (signal.SIGTERM, (0, ""))]
)
def test_ctrl_c_ends_the_drawing_of_a_run_too(
    call: Call, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, end: tuple[int, str]
) -> None:
    monkeypatch.setattr(run, "draw_runs", lambda *_: os.kill(os.getpid(), number))
    code, _, err = call(run.run, "tiny", "--policy", "rank", "--steps", "100")
    assert (code, err) == end


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(progress.time, "monotonic", lambda: self.now)


def test_progress_in_a_pipe_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first second is spent compiling; then 10 pieces of work take a second, later 5."""
    clock, said = Clock(monkeypatch), []
    with progress_bar("tiny: running", 400) as advance:
        for second, count in enumerate([10] * 20 + [5] * 40):
            clock.now = 1001.0 + second
            advance(count, note="in the loop" if second == 1 else "")
            said.append(capsys.readouterr().err)
    assert {second: line for second, line in enumerate(said) if line} == {
        1: "tiny: running: 5 %, 0:00:02 so far, about 0:00:38 left, in the loop\n",
        11: "tiny: running: 30 %, 0:00:12 so far, about 0:00:28 left\n",
        21: "tiny: running: 52 %, 0:00:22 so far, about 0:00:21 left\n",
        31: "tiny: running: 65 %, 0:00:32 so far, about 0:00:28 left\n",
        41: "tiny: running: 77 %, 0:00:42 so far, about 0:00:18 left\n",
        51: "tiny: running: 90 %, 0:00:52 so far, about 0:00:08 left\n",
    }


def test_no_rest_is_stated_before_a_rate_is_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock(monkeypatch)
    with progress_bar("waiting", 10) as bounded, progress_bar("checking", None) as endless:
        for now, count in ((1001.0, 0), (1003.0, 5), (1004.0, 0), (1023.0, 0)):
            clock.now = now
            bounded(count)
            endless(count * 1000)
    assert capsys.readouterr().err == (
        "waiting: 50 %, 0:00:03 so far\nchecking: 5,000 done, 0:00:03 so far\n"
        "waiting: 50 %, 0:00:23 so far\nchecking: 5,000 done, 0:00:23 so far\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["--version"], 0, f"cmarlsim {__version__}\n", ""),
        ([], 0, "Usage: ", ""),
        (["--help"], 0, "Usage: ", ""),
        (["sweep"], 0, "Usage: ", ""),
        (["runn"], 2, "", "error: No such command 'runn'"),
        (["--nonsense"], 2, "", "error: No such option: --nonsense"),
        (["run", "--steps", "many"], 2, "", "error: Invalid value for '--steps'"),
        (["run", "--seed", "-1"], 2, "", "error: --seed -1: must be 0 or more"),
        (["rerun", "nowhere.h5"], 2, "", "error: nowhere.h5: no such file"),
    ],
)
def test_the_console_script_answers_with_an_exit_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    out: str,
    err: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["cmarlsim", *arguments])
    monkeypatch.setattr(__main__, "end_at_once", lambda: None)  # this process goes on
    with pytest.raises(SystemExit) as end:
        __main__.main()
    said = capsys.readouterr()
    assert end.value.code == code
    assert said.out.startswith(out)
    assert said.err.startswith(err)
    assert (said.out != "", said.err.count("\n")) == (out != "", err != "")


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


def test_streams_that_the_shell_has_closed_are_no_files(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "cmarlsim.run", "tiny", "--policy", "rank", "--steps", "100", "--no-plot"]
    for closed in (">&-", "2>&-", "<&- >&- 2>&-"):
        line = f"{shlex.join([*words, '--out', 'r.h5', '--force'])} {closed}"
        assert subprocess.run(line, shell=True, cwd=tmp_path, check=False).returncode == 0, closed
        with Recording.open(tmp_path / "r.h5") as recording:
            assert recording.steps == 100


def test_a_working_folder_that_was_deleted_is_told(tmp_path: Path) -> None:
    for module in ("cmarlsim.run", "cmarlsim", "analysis.figure4"):
        line = f"cd {tmp_path} && mkdir gone && cd gone && rmdir ../gone && {sys.executable} -m {module}"
        done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
        told = "error: the working folder has been deleted; change to another\n"
        assert (done.returncode, done.stderr) == (2, told)
