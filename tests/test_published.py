"""Files that are published under a symbolic link: the link stays, and what it points to is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cmarlsim import Policy, Scenario, learn
from cmarlsim.storage.files import scratch_name, settle, write_whole
from cmarlsim.storage.outputs import check_free, take_name
from cmarlsim.training.checkpoint import checkpoint_of
from cmarlsim.training.recipe import RECIPES

PAPER = Policy.load("paper")


def save_policy(path: Path) -> None:
    PAPER.save(path)


def write_text(path: Path) -> None:
    write_whole(path, b"text")


def settle_file(path: Path) -> None:
    scratch = scratch_name(path)
    scratch.write_bytes(b"a table")
    settle(scratch, path)


def take_forced(path: Path) -> None:
    scratch = scratch_name(path)
    scratch.write_bytes(b"a film")
    take_name(scratch, path, force=True)


PUBLISHERS = [save_policy, write_text, settle_file, take_forced]


@pytest.mark.parametrize("publish", PUBLISHERS)
@pytest.mark.parametrize("there", [True, False])
def test_a_symbolic_link_stays(tmp_path: Path, publish: Callable[[Path], None], there: bool) -> None:
    link, file, plain = tmp_path / "link", tmp_path / "folder" / "file", tmp_path / "plain"
    link.symlink_to("folder/file")
    check_free(link, force=False)  # which makes the folder
    assert file.parent.is_dir()
    if there:
        file.write_bytes(b"older")
    publish(link)
    publish(plain)
    assert link.is_symlink()
    assert not file.is_symlink()
    assert (file.read_bytes() != b"older", file.stat().st_size) == (True, plain.stat().st_size)
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["file", "folder", "link", "plain"]


def test_a_rename_that_only_seems_to_fail_has_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def strange(source: Path, target: Path) -> None:
        replace(source, target)
        raise FileNotFoundError

    monkeypatch.setattr(os, "replace", strange)
    write_text(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"text"


def test_a_training_goes_on_beside_the_file_that_a_link_points_to(tmp_path: Path) -> None:
    link, file = tmp_path / "p.h5", tmp_path / "disk" / "file.h5"
    link.symlink_to(file)
    small = {"hidden": 4, "episodes": 4, "pretrain_iterations": 4, "loop_iterations": 4, "loop_runs": 6}
    recipe = RECIPES["loop"].model_copy(update=small | {"validation_rollouts": 4})
    assert checkpoint_of(link) == file.with_name("file.h5.checkpoint")
    learn(Scenario.load("tiny"), recipe=recipe, out=link)
    assert link.is_symlink()
    assert Policy.load(file).networks is not None
    assert [each.name for each in file.parent.iterdir()] == ["file.h5"]
