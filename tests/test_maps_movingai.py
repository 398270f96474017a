"""MovingAI maps, against their rows letter by letter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cmarlsim.errors import InputError
from cmarlsim.maps.formats.movingai import read_movingai

ROWS = ["@@@@@@", "@.G.T@", "@SW..O", "@OT..@"]


def text(rows: list[str], height: int = 4, width: int = 6, kind: str = "octile") -> str:
    return f"type {kind}\nheight {height}\nwidth {width}\nmap\n" + "\n".join(rows)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n", "\n\n"])
def test_letters_mean_what_they_mean_to_robots(tmp_path: Path, end: str, last: str) -> None:
    (tmp_path / "a.map").write_bytes((text(ROWS) + last).replace("\n", end).encode())
    raster, (found,) = read_movingai(tmp_path / "a.map", 0.5)
    for row in range(4):
        for column in range(6):
            assert raster.free[3 - row, column] == (ROWS[row][column] in ".GS")
            assert raster.occupied[3 - row, column] == (ROWS[row][column] in "@OTW")
    assert "6 x 4 cells of 0.5 m" in found.text


def test_the_first_letter_is_the_upper_left_corner_of_the_plan(tmp_path: Path) -> None:
    (tmp_path / "a.map").write_text(text(["@.....", "......", "......", "......"]))
    raster, _ = read_movingai(tmp_path / "a.map", 0.5)
    ((row, column),) = np.argwhere(raster.occupied)
    assert raster.to_metres(np.array([column + 0.5, row + 0.5])).tolist() == [0.25, 1.75]


WRONG = {
    "a short row": (text([*ROWS[:3], "@@@"]), ["row 4 has 3 letters, and the width is 6"]),
    "long and strange": (
        text(["@@@@@@@", *ROWS[1:3], "@@x@@@"]),
        ["row 1 has 7 letters", "row 4 has the letter b'x'"],
    ),
    "rows missing": (text(ROWS[:3]), ["has 3 rows, and its height is 4"]),
    "rows too many": (text([*ROWS, ROWS[0]]), ["has 5 rows, and its height is 4"]),
    "another type": (text(ROWS, kind="tile"), ["is of type b'tile'; must be octile"]),
    "width first": ("type octile\nwidth 6\nheight 4\nmap\n", ["not a MovingAI map"]),
    "nothing": ("", ["not a MovingAI map"]),
    "no cells": (text([], 0, 0), ["must be 1 to"]),
    "huge": (text([], 20_000, 20_000), ["20,000 x 20,000 cells"]),
    "letters of another contest": (text(["@E....", *ROWS[1:]]), ["row 1 has the letter b'E'"]),
}


@pytest.mark.parametrize("kind", WRONG)
def test_all_rows_that_are_wrong_are_told(tmp_path: Path, kind: str) -> None:
    data, problems = WRONG[kind]
    (tmp_path / "a.map").write_text(data)
    with pytest.raises(InputError) as told:
        read_movingai(tmp_path / "a.map", 0.5)
    assert all(problem in str(told.value) for problem in problems)


def test_the_size_of_cells_must_be_one_of_buildings(tmp_path: Path) -> None:
    (tmp_path / "a.map").write_text(text(ROWS))
    with pytest.raises(InputError, match="resolution = 0"):
        read_movingai(tmp_path / "a.map", 0)
