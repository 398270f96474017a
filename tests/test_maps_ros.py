"""Maps of ROS, against the formats' own words pixel by pixel, and the values that upstream's tests demand."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import samples
from PIL import Image

from cmarlsim.errors import InputError
from cmarlsim.maps.formats.ros import read_plan_picture, read_ros_map, write_ros_map
from cmarlsim.maps.raster import Raster

KEYS = {
    "image": "a.png",
    "resolution": "0.05",
    "origin": "[-1.5, 2, 0.0]",
    "negate": "0",
    "occupied_thresh": "0.65",
    "free_thresh": "0.196",
}


def written(folder: Path, values: np.ndarray, **keys: str | None) -> Path:
    Image.fromarray(values).save(folder / "a.png")
    return named(folder, **keys)


def named(folder: Path, **keys: str | None) -> Path:
    lines = [f"{key}: {value}\n" for key, value in (KEYS | keys).items() if value is not None]
    (folder / "a.yaml").write_text("".join(lines))
    return folder / "a.yaml"


def classes(raster: Raster) -> list[list[int]]:
    """100, 0 and -1 as map_server has them, from the bottom row on."""
    return np.where(raster.occupied, 100, np.where(raster.free, 0, -1)).tolist()


def twin(values: np.ndarray, negate: bool, occupied: float, free: float) -> list[list[int]]:
    found = []
    for row in values[::-1]:
        found.append([])
        for pixel in row:
            channels = [float(value) for value in np.atleast_1d(pixel)]
            grey = sum(channels[:3]) / len(channels[:3])
            p = grey / 255 if negate else (255 - grey) / 255
            known = len(channels) < 4 or channels[3] == 255
            found[-1].append(-1 if not known else 0 if p <= free else 100 if p >= occupied else -1)
    return found


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("negate", ["0", "1", "false", "true"])
@pytest.mark.parametrize("mode", [None, "trinary", "Scale"])
def test_classes_are_those_of_the_twin(tmp_path: Path, channels: int, negate: str, mode: str | None) -> None:
    values = np.random.default_rng(channels).integers(0, 256, (23, 17, channels), dtype=np.uint8)
    if channels == 4:
        values[..., 3] = np.where(values[..., 3] < 50, values[..., 3], 255)
    values = values[..., 0] if channels == 1 else values
    raster, remarks = read_ros_map(written(tmp_path, values, negate=negate, mode=mode))
    assert classes(raster) == twin(values, negate in ("1", "true"), 0.65, 0.196)
    assert any("not opaque" in remark.text for remark in remarks) == (channels == 4)


def test_equality_belongs_to_the_class(tmp_path: Path) -> None:
    values = np.array([[0, 1, 254, 255]], np.uint8)
    raster, _ = read_ros_map(written(tmp_path, values, occupied_thresh="1.0", free_thresh="0.0"))
    assert classes(raster) == [[100, -1, -1, 0]]
    values = np.array([[204, 203, 102, 103]], np.uint8)  # p = 0.2 and 0.6
    raster, _ = read_ros_map(written(tmp_path, values, occupied_thresh="0.6", free_thresh="0.2"))
    assert classes(raster) == [[0, -1, 100, -1]]


def test_raw_values_are_percent(tmp_path: Path) -> None:
    values = np.array([[0, 19, 20, 64, 65, 100, 101, 255]], np.uint8)
    for negate in ("0", "1"):
        raster, remarks = read_ros_map(written(tmp_path, values, mode="raw", negate=negate))
        assert classes(raster) == [[0, 0, -1, -1, 100, 100, -1, -1]]
        assert any("negate" in remark.text for remark in remarks) == (negate == "1")


@pytest.mark.parametrize("yaw", [0.0, 1.0, -1.0, 3.14, math.pi / 2])
def test_cells_lie_where_the_origin_puts_them(tmp_path: Path, yaw: float) -> None:
    values = np.full((5, 8), 255, np.uint8)
    values[1, 6] = 0
    raster, _ = read_ros_map(written(tmp_path, values, origin=f"[-1.5, 2, {yaw!r}]", resolution="0.5"))
    ((row, column),) = np.argwhere(raster.occupied)
    x, y = 6.5 * 0.5, 3.5 * 0.5  # the middle of the pixel, from the lower left corner
    expected = (-1.5 + x * math.cos(yaw) - y * math.sin(yaw), 2 + x * math.sin(yaw) + y * math.cos(yaw))
    assert raster.to_metres(np.array([column + 0.5, row + 0.5])) == pytest.approx(expected)
    assert raster.to_cells(np.array(expected)) == pytest.approx([column + 0.5, row + 0.5])


def test_grey_205_that_becomes_free_is_counted(tmp_path: Path) -> None:
    values = np.array([[205, 205, 254, 0]], np.uint8)
    for free, count in (("0.25", 2), ("0.196", 0), ("0.19", 0)):
        raster, remarks = read_ros_map(written(tmp_path, values, free_thresh=free))
        assert raster.free.sum() == 1 + count
        assert any("2 cells of grey 205" in remark.text for remark in remarks) == (count == 2)


WRITTEN_OTHERWISE = {
    "whole numbers": {"origin": "[-15, -25, 0]", "resolution": "1"},
    "exponents": {"resolution": "5e-2", "free_thresh": "1.9e-1"},
    "quotes": {"image": "'a.png'", "mode": '"trinary"'},
    "a list of lines": {"origin": "\n  - -1.5\n  - 2\n  - 0.0"},
    "a comment of elsewhere": {"negate": "0  #se negate=1 -> preto-livre & branco-obstáculos"},
    "keys of others": {"map_type": "[1, {a: b}]"},
}


@pytest.mark.parametrize("kind", WRITTEN_OTHERWISE)
def test_ways_to_write_the_same(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, np.full((2, 2), 254, np.uint8), **WRITTEN_OTHERWISE[kind])
    path.write_text(path.read_text().rstrip("\n"))
    raster, _ = read_ros_map(path)
    assert raster.free.all()


WRONG: dict[str, tuple[dict[str, str | None], list[str]]] = {
    "missing keys": ({"image": None, "negate": None}, ["image is missing", "negate is missing"]),
    "no number": ({"resolution": "fine"}, ["resolution = 'fine': must be metres a pixel"]),
    "NaN": ({"resolution": ".nan", "free_thresh": "nan"}, ["resolution = '.nan'", "free_thresh = 'nan'"]),
    "infinity": ({"origin": "[.inf, 0, 0]"}, ["origin = ['.inf', '0', '0']: must be [x, y, yaw]"]),
    "zero": ({"resolution": "0"}, ["resolution = '0': must be metres a pixel"]),
    "negative": ({"resolution": "-0.05"}, ["resolution = '-0.05'"]),
    "crossed": ({"free_thresh": "0.7"}, ["free_thresh = 0.7 must be below occupied_thresh = 0.65"]),
    "equal": ({"free_thresh": "0.65"}, ["free_thresh = 0.65 must be below"]),
    "percent": ({"occupied_thresh": "65"}, ["occupied_thresh = '65': must be a number from 0 to 1"]),
    "two numbers": ({"origin": "[0, 0]"}, ["origin = ['0', '0']: must be [x, y, yaw]"]),
    "degrees": ({"origin": "[0, 0, 90]"}, ["in metres and radians"]),
    "no list": ({"origin": "0"}, ["origin = '0': must be [x, y, yaw]"]),
    "another mode": ({"mode": "ternary"}, ["mode = 'ternary': must be trinary, scale or raw"]),
    "negate": ({"negate": "2"}, ["negate = '2': must be 0, or 1 where white is occupied"]),
    "a table": ({"image": "{a: b}"}, ["image = {'a': 'b'}: must be the name of a picture"]),
    "nothing": ({"image": ""}, ["image = '': must be the name of a picture"]),
    "five at once": (
        {"resolution": "0", "origin": "[1]", "negate": "x", "free_thresh": "9", "image": "b.png"},
        ["resolution = '0'", "origin = ['1']", "negate = 'x'", "free_thresh = '9'", "b.png"],
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_all_that_is_wrong_is_told_at_once(tmp_path: Path, kind: str) -> None:
    keys, problems = WRONG[kind]
    path = written(tmp_path, np.zeros((2, 2), np.uint8), **keys)
    with pytest.raises(InputError) as told:
        read_ros_map(path)
    message = str(told.value)
    assert message.startswith(f"{path}: ")
    assert all(problem in message for problem in problems)
    told_more = message.count("; pictures there") + message.count("; did you mean")
    assert message.count("; ") - told_more == len(problems) - 1


NOT_YAML = {
    "a list": "- image: a.png\n",
    "a text": "image\n",
    "nothing": "",
    "broken": "image: [\n",
    "a key twice": "image: a.png\nimage: b.png\n",
    "references": "image: &a [1]\norigin: *a\n",
    "deep": "[" * 10_000,
    "a list as key": "? [a]\n: b\n",
}


@pytest.mark.parametrize("kind", NOT_YAML)
def test_what_is_no_map_is_told(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.yaml").write_text(NOT_YAML[kind])
    with pytest.raises(InputError, match=r"a\.yaml: "):
        read_ros_map(tmp_path / "a.yaml")


def test_a_missing_picture_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    path = written(tmp_path, np.zeros((2, 2), np.uint8), image="b.png")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(InputError) as told:
        read_ros_map(path)
    assert f"there is no file {tmp_path / 'b.png'}; pictures there: a.png; did you mean 'a.png'?" in str(
        told.value
    )
    (tmp_path / "a.png").unlink()
    with pytest.raises(InputError, match="there are no pictures in that folder"):
        read_ros_map(path)


def test_the_picture_lies_beside_the_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "maps" / "deep").mkdir(parents=True)
    Image.fromarray(np.full((2, 3), 254, np.uint8)).save(tmp_path / "maps" / "deep" / "a.png")
    path = named(tmp_path / "maps", image="deep/a.png")
    monkeypatch.chdir(tmp_path)
    for reference in (path, path.relative_to(tmp_path)):
        assert read_ros_map(reference)[0].free.shape == (2, 3)
    named(tmp_path / "maps", image="/dev/zero")
    with pytest.raises(InputError, match="is a device"):
        read_ros_map(path)


def test_what_is_written_reads_back_equal(tmp_path: Path) -> None:
    r = np.random.default_rng(5)
    kind = r.integers(0, 3, (13, 29))
    raster = Raster(kind == 0, kind == 1, 0.05, (-12.25, 1 / 3, 0.7))
    path = tmp_path / "my map.yaml"
    write_ros_map(raster, path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["my map.pgm", "my map.yaml"]
    back, remarks = read_ros_map(path)
    assert np.array_equal(back.free, raster.free)
    assert np.array_equal(back.occupied, raster.occupied)
    assert back[2:] == raster[2:]
    assert not [remark for remark in remarks if remark.kind == "warning"]


def test_nothing_is_written_half(tmp_path: Path) -> None:
    raster = Raster(np.ones((2, 2), bool), np.zeros((2, 2), bool), 0.05, (0.0, 0.0, 0.0))
    (tmp_path / "a.pgm").mkdir()
    with pytest.raises(InputError, match=r"a\.pgm"):
        write_ros_map(raster, tmp_path / "a.yaml")
    assert [each.name for each in tmp_path.iterdir()] == ["a.pgm"]
    with pytest.raises(InputError, match="the YAML file"):
        write_ros_map(raster, tmp_path / "b.pgm")
    (tmp_path / "c.yaml").mkdir()
    with pytest.raises(InputError, match=r"c\.yaml"):
        write_ros_map(raster, tmp_path / "c.yaml")
    assert not (tmp_path / "c.pgm").exists()


def test_a_plan_is_split_at_half_of_the_greys(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 127, 128, 255]], np.uint8)).save(tmp_path / "a.png")
    raster, remarks = read_plan_picture(tmp_path / "a.png", 0.1)
    assert classes(raster) == [[100, 100, 0, 0]]
    assert raster[2:] == (0.1, (0.0, 0.0, 0.0))
    assert [remark.kind for remark in remarks] == ["found", "guessed"]


def test_a_plan_with_the_grey_of_unknown_space_is_read_as_a_map(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 205, 206, 254]], np.uint8)).save(tmp_path / "a.png")
    assert classes(read_plan_picture(tmp_path / "a.png", 0.1)[0]) == [[100, -1, 0, 0]]


def test_a_plan_on_nothing_is_on_white(tmp_path: Path) -> None:
    values = np.zeros((1, 3, 4), np.uint8)
    values[0, :, 3] = [255, 0, 100]
    Image.fromarray(values).save(tmp_path / "a.png")
    assert classes(read_plan_picture(tmp_path / "a.png", 0.1)[0]) == [[100, 0, 0]]


@pytest.mark.parametrize("resolution", [0.0, -1.0, math.nan, math.inf, 118.0])
def test_a_resolution_that_no_plan_has_is_refused(tmp_path: Path, resolution: float) -> None:
    with pytest.raises(InputError, match="metres a pixel"):
        read_plan_picture(tmp_path / "a.png", resolution)


@samples.needed
@pytest.mark.parametrize("name", ["testmap", "testmap2"])
def test_upstream_finds_the_same(name: str) -> None:
    folder = samples.MAPS / "ros1_map_server"
    expected = json.loads((folder / "upstream_expected.json").read_text())
    raster, _ = read_ros_map(folder / f"{name}.yaml")
    assert [value for row in classes(raster) for value in row] == expected[f"{name}_bottom_row_first"]


@samples.needed
def test_upstream_finds_as_many_in_the_spectrum(tmp_path: Path) -> None:
    folder = samples.MAPS / "ros1_map_server"
    expected: dict[str, Any] = json.loads((folder / "upstream_expected.json").read_text())
    path = named(tmp_path, image=str(folder / "spectrum.png"), free_thresh="0.1")
    raster, _ = read_ros_map(path)
    counts = {"occ": int(raster.occupied.sum()), "free": int(raster.free.sum())}
    assert expected["spectrum_trinary_occ0.65_free0.1"] == counts | {"mid": 256 - sum(counts.values())}


@samples.needed
def test_the_same_map_as_bmp_png_and_pgm_is_the_same() -> None:
    folder = samples.MAPS / "nav2" / "map_server_test"
    found = [classes(read_plan_picture(folder / f"testmap.{each}", 0.1)[0]) for each in ("bmp", "png", "pgm")]
    assert found[0] == found[1] == found[2]
