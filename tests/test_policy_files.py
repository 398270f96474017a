"""Policy files: what survives them, what does not fit a scenario, and what is refused."""

import errno
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from trainings import QUICK, TINY, Edit, replaced, train

from cmarlsim import InputError, Policy, Scenario, execute
from cmarlsim.training.recipe import RECIPES

RECIPE = RECIPES["paper"].model_copy(
    update=QUICK | {"lam_roots": 2, "pretrain_iterations": 10, "retrain_iterations": 1}
)

Trained = tuple[Policy, Path]  # what was learnt, and its file


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    out = tmp_path_factory.mktemp("trained") / "policy.h5"
    return train(RECIPE, out=out)[0], out


def test_policy_survives_its_file(tmp_path: Path, trained: Trained) -> None:
    policy = trained[0]
    policy.save(tmp_path / "copy.h5")
    loaded = Policy.load(tmp_path / "copy.h5")
    assert loaded.sha256 == policy.sha256
    assert dict(loaded.training) == dict(policy.training)
    for array, copy in zip(
        policy.weights(2, TINY.world), loaded.weights(2, TINY.world), strict=True
    ):  # what the kernels get
        np.testing.assert_array_equal(array, copy)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.h5"]


def test_rank_has_nothing_to_save(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'rank' has no weights"):
        Policy.load("rank").save(tmp_path / "rank.h5")


def with_zones(count: int) -> Scenario:
    """`tiny` with its first zones only."""
    data = TINY.model_dump()
    return Scenario.model_validate(data | {"zones": data["zones"][:count]})


@pytest.mark.parametrize(
    ("scenario", "found"),
    [
        (Scenario.load("tiny", ["agents.N=3"]), "N = 3, M = 3 and 4 tiles"),
        (with_zones(2), "N = 2, M = 2 and 4 tiles"),
    ],
    ids=["agents", "zones"],
)
def test_policy_for_another_team_is_refused(trained: Trained, scenario: Scenario, found: str) -> None:
    message = f"the policy is for N = 2, M = 3 and 4 tiles, the scenario has {found}"
    with pytest.raises(InputError, match=message):
        execute(scenario, trained[0], 100)


def with_tiles(*rectangles: tuple[float, float, float, float]) -> Scenario:
    """`tiny` with other rectangles in place of its last tile."""
    data = TINY.model_dump()
    tiles = [*data["floorplan"]["tiles"][:-1]]
    tiles += [{"name": f"tile {i}", "rectangle": rectangle} for i, rectangle in enumerate(rectangles)]
    return Scenario.model_validate(data | {"floorplan": data["floorplan"] | {"tiles": tiles}})


def test_policy_for_other_tiles_is_refused(trained: Trained) -> None:
    policy = trained[0]
    assert execute(with_tiles((0.5, 0.5, 1.5, 1.5)), policy, 100)
    with pytest.raises(InputError, match="the scenario has N = 2, M = 3 and 5 tiles"):
        execute(with_tiles((0.5, 0.5, 1.5, 1.0), (0.5, 1.0, 1.5, 1.5)), policy, 100)
    with pytest.raises(InputError, match="trained on other tiles"):
        execute(with_tiles((0.5, 0.5, 1.5, 1.4)), policy, 100)


def with_attribute(name: str, value: object) -> Edit:
    return lambda file: file.attrs.__setitem__(name, value)


BROKEN: dict[str, tuple[Edit, str]] = {
    "no W2": (lambda file: file.__delitem__("weights/W2"), "not a complete policy"),
    "no tiles": (lambda file: file.__delitem__("tile_center"), "not a complete policy"),
    "no scale": (lambda file: file.attrs.__delitem__("low"), "not a complete policy"),
    "W1 too narrow": (replaced("weights/W1", np.zeros((2, 5, 15))), r"\(2, 5, 15\)"),
    "W1 of too few zones": (replaced("weights/W1", np.zeros((2, 4, 16))), r"\(2, 4, 16\)"),
    "b1 flat": (replaced("weights/b1", np.zeros(16)), r"\(16,\)"),
    "b2 of one agent": (replaced("weights/b2", np.zeros((1, 3))), r"\(1, 3\)"),
    "not finite": (replaced("weights/b2", np.full((2, 3), np.nan)), "not finite"),
    "tiles of three coordinates": (replaced("tile_center", np.zeros((4, 3))), r"must be \(L, 2\)"),
    "a single number of tiles": (replaced("tile_center", 3.0), r"must be \(L, 2\)"),
    "words for weights": (replaced("weights/W1", "words"), "not numbers"),
    "complex weights": (replaced("weights/b2", np.zeros((2, 3), dtype=complex)), "not numbers"),
    "box of three coordinates": (with_attribute("low", np.zeros(3)), r"must be \(L, 2\)"),
    "box not finite": (with_attribute("low", np.array([np.nan, 0.0])), "low must be below high"),
    "box without extent": (with_attribute("high", np.full(2, -99.0)), "low must be below high"),
    "words for a flag": (with_attribute("scale_lam", "False"), "is no bool"),
    "too many roots": (with_attribute("lam_roots", 9), "must be 0 to 8"),
    "fewer than no roots": (with_attribute("lam_roots", -1), "must be 0 to 8"),
    "half a root": (with_attribute("lam_roots", 0.5), "is no int"),
    "other format": (with_attribute("format", "cmarlsim-run/1"), "cmarlsim-policy/1"),
    "no format": (lambda file: file.attrs.__delitem__("format"), "cmarlsim-policy/1"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_policy_file_is_refused(tmp_path: Path, trained: Trained, case: str) -> None:
    path, (edit, message) = tmp_path / "broken.h5", BROKEN[case]
    shutil.copy(trained[1], path)
    with h5py.File(path, "r+") as file:
        edit(file)
    with pytest.raises(InputError, match=message) as refusal:
        Policy.load(path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("size", [0, 0.5, 0.99])
def test_truncated_policy_file_is_refused(tmp_path: Path, trained: Trained, size: float) -> None:
    whole = trained[1].read_bytes()
    path = tmp_path / "truncated.h5"
    path.write_bytes(whole[: int(size * len(whole))])
    with pytest.raises(InputError, match=r"truncated\.h5: not a readable HDF5 file"):
        Policy.load(path)


def test_a_name_that_is_not_shipped_is_refused() -> None:
    with pytest.raises(InputError, match=r"papper: no such file.*did you mean 'paper'"):
        Policy.load("papper")


def test_a_policy_from_before_there_were_roots_has_none(tmp_path: Path, trained: Trained) -> None:
    """Their files do not say how many."""
    path = tmp_path / "old.h5"
    shutil.copy(trained[1], path)
    with h5py.File(path, "r+") as file:
        assert file.attrs["lam_roots"] == 2
        del file.attrs["lam_roots"]
    old, new = Policy.load(path), Policy.load(trained[1])
    assert old.encoding is not None
    assert new.encoding is not None
    assert (old.encoding.lam_roots, new.encoding.lam_roots) == (0, 2)
    assert old.sha256 != new.sha256  # it does something else
    assert old.weights(2, TINY.world).lam_roots == 0
    lam = np.array([[4.0, 1.0, 0.0]])
    assert old.encoding.lam_input(lam).tolist() == [[1.0, 0.25, 0.0]]
    assert new.encoding.lam_input(lam) == pytest.approx(np.array([[1.0, 0.25**0.25, 0.0]]))


def test_a_full_disk_is_one_line_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "policy.h5"
    path.write_text("an older file")

    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match=r"policy.h5: cannot be written: No space left on device"):
        Policy.load("paper").save(path)
    assert path.read_text() == "an older file"
    assert list(tmp_path.iterdir()) == [path]
