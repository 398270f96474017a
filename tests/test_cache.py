"""Compiled kernels on disk: what others could have written, and what is not as it was written, is not run."""

from __future__ import annotations

import errno
import os
import pickle
import random
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cmarlsim.errors import InputError
from cmarlsim.kernels import cache, cache_folder
from cmarlsim.kernels.cache import CacheError
from cmarlsim.kernels.compiling import kernel
from cmarlsim.sweeps import batches, plan_sweep
from cmarlsim.terminal.console import command

Log = pytest.LogCaptureFixture


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Path]]:
    """Where kernels are kept if the usual folder is ``usual`` and the temporary one ``temporary``."""
    monkeypatch.setattr(cache_folder._settings, "CACHE_DIR", str(tmp_path / "usual"))
    monkeypatch.setattr(cache_folder.tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir(mode=0o700)

    def folder() -> Path:
        cache_folder.cache_folder.cache_clear()
        return cache_folder.cache_folder()

    yield folder
    cache_folder.cache_folder.cache_clear()


def in_temporary() -> str:
    return f"temporary/cmarlsim-{os.getuid()}"


def a_file(path: Path) -> None:
    path.write_text("")


def link_to_nowhere(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def open_to(mode: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.mkdir()
        path.chmod(mode)

    return make


def link_among_others(path: Path) -> None:
    """A link that is fine, to a folder that is fine; but whoever may write beside it may replace it."""
    (path.parent / "real").mkdir(mode=0o700)
    path.symlink_to(path.parent / "real")
    path.parent.chmod(0o1777)


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "file": (a_file, "it is no folder"),
    "dangling": (link_to_nowhere, "No such file or directory"),
    "loop": (link_to_itself, "Too many levels of symbolic links"),
    "group": (open_to(0o770), "others can write there; chmod go-w helps"),
    "all": (open_to(0o707), "others can write there; chmod go-w helps"),
    "sticky": (open_to(0o1777), "others can write there; chmod go-w helps"),
    "link": (link_among_others, "it is a link in a folder that others can write"),
}


def test_the_usual_folder_is_made_for_its_owner_alone(
    folder: Callable[[], Path], tmp_path: Path, caplog: Log
) -> None:
    before = os.umask(0)
    try:
        found = folder()
    finally:
        os.umask(before)
    assert found.parent == tmp_path / "usual"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (found, found.parent)] == [0o700, 0o700]
    assert folder() == found
    assert not caplog.records


def test_a_link_of_ones_own_is_followed(folder: Callable[[], Path], tmp_path: Path, caplog: Log) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "usual").symlink_to(tmp_path / "real")
    assert folder().parent == tmp_path / "usual"
    assert not caplog.records


@pytest.mark.parametrize("case", REFUSED)
def test_a_folder_that_others_could_write_is_not_used(
    folder: Callable[[], Path], tmp_path: Path, caplog: Log, case: str
) -> None:
    make, why = REFUSED[case]
    make(tmp_path / "usual")
    found = folder()
    assert found.parent == tmp_path / in_temporary()
    assert caplog.messages == [
        f"warning: {tmp_path}/usual is not used ({why}): compiled kernels are kept in {found.parent}"
    ]


@pytest.mark.parametrize("case", REFUSED)
def test_where_neither_can_be_trusted_there_is_a_new_folder(
    folder: Callable[[], Path], tmp_path: Path, caplog: Log, case: str
) -> None:
    make, why = REFUSED[case]
    a_file(tmp_path / "usual")
    make(tmp_path / in_temporary())
    found = folder()
    assert found.parent.parent == tmp_path / "temporary"
    assert found.parent.name not in in_temporary()
    assert stat.S_IMODE(found.parent.stat().st_mode) == 0o700
    assert caplog.messages == [
        f"warning: {tmp_path}/usual is not used (it is no folder), {tmp_path}/{in_temporary()} is not used "
        f"({why}): compiled kernels are kept in {found.parent}"
    ]


@pytest.mark.parametrize("case", ["file", "dangling", "group"])
def test_the_folder_of_these_kernels_is_looked_at_too(
    folder: Callable[[], Path], tmp_path: Path, case: str
) -> None:
    found = folder()
    found.rmdir()
    REFUSED[case][0](found)
    assert folder().parent == tmp_path / in_temporary()


def test_a_folder_of_another_user_is_not_used(
    folder: Callable[[], Path], tmp_path: Path, caplog: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder()
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    with pytest.raises(OSError, match="it belongs to another user"):
        cache_folder.private_folder(tmp_path / "usual", linked=True)


def test_a_folder_that_others_can_replace_is_not_used(folder: Callable[[], Path], tmp_path: Path) -> None:
    usual = tmp_path / "shared/usual"
    usual.mkdir(mode=0o700, parents=True)
    cache_folder._settings.CACHE_DIR = str(usual)
    assert folder().parent == usual
    usual.parent.chmod(0o777)
    assert folder().parent == tmp_path / in_temporary()
    usual.parent.chmod(0o1777)
    assert folder().parent == usual


# --- files ---


def twice(x: float) -> float:
    return 2.0 * x


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.twice-*"))


def compiled() -> Any:
    """A kernel that has not yet been called."""
    return kernel(twice)


def hits(function: Any) -> int:
    assert function(3.0) == 6.0
    return sum(function.stats.cache_hits.values())


pytestmark = pytest.mark.compiled


@pytest.fixture
def kept(folder: Callable[[], Path], caplog: Log) -> list[Path]:
    """The files of a kernel, its index and its code."""
    where = folder()
    assert (hits(compiled()), hits(compiled())) == (0, 1)
    code, index = files_of(where)
    assert [code.suffix, index.suffix] == [".nbc", ".nbi"]
    assert not caplog.records
    return [code, index]


def test_every_byte_of_a_file_is_checked(kept: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle, "loads", lambda data: pytest.fail("what is damaged was unpickled"))
    bits = random.Random(1)
    for path in kept:
        whole = path.read_bytes()
        for place in range(len(whole)):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bits.randrange(8)
            path.write_bytes(damaged)
            assert cache._read(str(path)) is None
            assert not path.exists()
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            assert cache._read(str(path)) is None
        path.write_bytes(whole + b"\0")
        assert cache._read(str(path)) is None


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)


def make_empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def put_a_link(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def put_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def put_another(path: Path) -> None:
    """A whole file, of another name."""
    other = next(each for each in files_of(path.parent) if each != path)
    path.write_bytes(other.read_bytes())


@pytest.mark.parametrize("damage", [flip, make_empty, cut, put_a_link, put_a_pipe, put_another])
@pytest.mark.parametrize("number", [0, 1])
def test_what_is_damaged_is_compiled_anew(
    kept: list[Path], caplog: Log, damage: Callable[[Path], None], number: int
) -> None:
    damage(kept[number])
    assert hits(compiled()) == 0
    assert caplog.messages == [f"warning: {kept[number]}: is damaged; what was in it is compiled anew"]
    assert hits(compiled()) == 1
    assert len(caplog.messages) == 1
    assert all(path.is_file() and not path.is_symlink() for path in kept)


def test_two_processes_that_keep_at_once_never_mix_their_code(kept: list[Path]) -> None:
    """Both find no index and take the same name: the index of one is left, and the code of the other."""
    code, index = kept
    of_floats = code.read_bytes()
    index.unlink()
    compiled()(3)
    code.write_bytes(of_floats)
    other = compiled()
    assert (other(3), sum(other.stats.cache_hits.values())) == (6, 0)


@kernel
def called(x: float) -> float:
    return 3.0 * x


def calling(x: float) -> float:
    return called(x)


@pytest.mark.parametrize("function", [twice, calling])
def test_a_full_disk_is_told_and_nothing_half_is_left(
    folder: Callable[[], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    function: Callable[[float], float],
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    where = folder()
    with pytest.raises(SystemExit) as end:
        command(lambda: int(kernel(function)(3.0)), [])
    line = (
        f"error: {where}: no space left to keep the compiled kernels: free some, or name another folder in "
        "the environment variable NUMBA_CACHE_DIR\n"
    )
    assert (end.value.code, capsys.readouterr()) == (2, ("", line))
    assert [path for path in where.rglob("*") if not path.is_dir()] == []


def test_a_full_disk_is_no_failure_of_a_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise CacheError(errno.ENOSPC, "no space left", str(tmp_path))

    (tmp_path / "one.toml").write_text(
        "name = 'one'\nscenario = 'tiny'\npolicy = 'rank'\nsteps = 100\n[grid]\n"
    )
    out = tmp_path / "one"
    manifest = plan_sweep(tmp_path / "one.toml", out)
    monkeypatch.setattr(batches, "execute", full)
    with pytest.raises(InputError, match=f"^{tmp_path}: no space left; what is done stays, run it again$"):
        batches.run_batch(out, manifest.sha256, 0)
    monkeypatch.setattr(batches, "Run", full)
    with pytest.raises(CacheError, match="no space left"):
        batches.Worker(out).prepare()
