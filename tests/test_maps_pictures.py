"""Pictures of plans, against the values that they were written from."""

from __future__ import annotations

import gzip
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from cmarlsim.errors import InputError
from cmarlsim.maps.formats import pictures
from cmarlsim.maps.formats.pictures import MOST_PIXELS, read_picture

VALUES = np.random.default_rng(3).integers(0, 256, (7, 11, 4), dtype=np.uint8)
GREY = VALUES[..., 0]


def saved(path: Path, values: np.ndarray, mode: str | None = None, **options: Any) -> Path:
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.pgm", "a.tif", "a.gif"])
def test_grey_pictures_are_read_as_stored(tmp_path: Path, name: str) -> None:
    picture = read_picture(saved(tmp_path / name, GREY))
    assert np.array_equal(picture.grey, GREY)
    assert (picture.alpha == 255).all()


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.ppm", "a.tif"])
def test_colours_are_averaged_without_rounding(tmp_path: Path, name: str) -> None:
    picture = read_picture(saved(tmp_path / name, VALUES[..., :3]))
    assert np.allclose(picture.grey, VALUES[..., :3].mean(axis=2), rtol=1e-6)


def test_alpha_is_apart_from_the_colours(tmp_path: Path) -> None:
    for values in (VALUES, VALUES[..., 2:]):
        picture = read_picture(saved(tmp_path / "a.png", values))
        assert np.allclose(picture.grey, values[..., :-1].mean(axis=2), rtol=1e-6)
        assert np.array_equal(picture.alpha, values[..., -1])


def test_a_transparent_grey_of_a_png_is_not_opaque(tmp_path: Path) -> None:
    picture = read_picture(saved(tmp_path / "a.png", GREY, transparency=int(GREY[2, 3])))
    assert np.array_equal(picture.alpha == 0, GREY[2, 3] == GREY)
    assert np.array_equal(picture.grey, GREY)


def test_a_palette_stands_for_its_colours(tmp_path: Path) -> None:
    image = Image.fromarray((GREY % 4).astype(np.uint8), mode="P")
    image.putpalette([255, 255, 255, 0, 0, 0, 10, 20, 30, 200, 200, 200])
    image.save(tmp_path / "a.png")
    assert np.array_equal(read_picture(tmp_path / "a.png").grey, np.array([255, 0, 20, 200])[GREY % 4])


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_greys_span_from_black_to_white(tmp_path: Path, bits: int) -> None:
    """A PNG of less than 8 bits a pixel, made byte by byte."""
    most = 2**bits - 1
    rows = b""
    for row in GREY:
        digits = "".join(f"{value % (most + 1):0{bits}b}" for value in row)
        digits += "0" * (-len(digits) % 8)
        rows += b"\0" + bytes(int(digits[i : i + 8], 2) for i in range(0, len(digits), 8))
    header = struct.pack(">IIBBBBB", 11, 7, bits, 0, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(png((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")))
    assert np.array_equal(read_picture(tmp_path / "a.png").grey, GREY % (most + 1) * (255 // most))


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    packed = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 65536, (5, 6), dtype=np.uint16)
    picture = read_picture(saved(tmp_path / "a.png", values))
    assert np.allclose(picture.grey, values / 65535 * 255, atol=1e-4)


def test_a_colour_profile_changes_nothing(tmp_path: Path) -> None:
    profile = PngImagePlugin.PngInfo()
    profile.add(b"gAMA", struct.pack(">I", 45455 * 2))
    path = saved(tmp_path / "a.png", GREY, pnginfo=profile, icc_profile=b"no profile that anyone can use")
    assert np.array_equal(read_picture(path).grey, GREY)


def test_a_jpeg_is_nearly_as_it_was(tmp_path: Path) -> None:
    blocks = np.kron(GREY[:2, :2], np.ones((16, 16), np.uint8))
    picture = read_picture(saved(tmp_path / "a.jpg", blocks, quality=95))
    assert np.abs(picture.grey - blocks).max() < 30


PGM = {
    "P2 of one line": (b"P2 3 2 255 0 1 2 3 4 255", 255),
    "P2 with comments": (b"P2\n# made by hand\n3 2 # 3 wide\n#\n 255\n0 1 2\n# half\n3 4 255\n\n", 255),
    "P2 of another maximum": (b"P2\n3 2\n51\n0 1 2 3 4 51\n", 51),
    "P2 of 16 bits": (b"P2\n3 2\n65535\n0 1 2 3 4 65535\n", 65535),
    "P5": (b"P5\n3 2\n255\n\x00\x01\x02\x03\x04\xff", 255),
    "P5 with comments": (b"P5\n#a\n#b 9 9\n3\n#\r\n2 #\n255\n\x00\x01\x02\x03\x04\xff", 255),
    "P5 whose pixels look like space and comments": (b"P5 3 2 255 \x20\x0a\x23\x0d\x09\xff", 255),
    "P5 of another maximum": (b"P5\n3 2\n51\n\x00\x01\x02\x03\x04\x33", 51),
    "P5 of 16 bits": (b"P5\n3 2\n1000\n\x00\x00\x00\x01\x00\x02\x00\x03\x00\x04\x03\xe8", 1000),
    "P5 with a line's end after it": (b"P5\n3 2\n255\n\x00\x01\x02\x03\x04\xff\n", 255),
}


@pytest.mark.parametrize("kind", PGM)
def test_pgm_by_hand(tmp_path: Path, kind: str) -> None:
    data, most = PGM[kind]
    (tmp_path / "a.pgm").write_bytes(data)
    expected = np.array([[0, 1, 2], [3, 4, most]])
    if "space" in kind:
        expected = np.array([[32, 10, 35], [13, 9, 255]])
    assert np.allclose(read_picture(tmp_path / "a.pgm").grey, expected * 255 / most, rtol=1e-6)
    (tmp_path / "a.pgm.gz").write_bytes(gzip.compress(data))
    assert np.array_equal(read_picture(tmp_path / "a.pgm.gz").grey, read_picture(tmp_path / "a.pgm").grey)


BROKEN = {
    "cut short": (b"P5\n3 2\n255\n\x00\x01", "must have 6 values, not 2"),
    "too long": (b"P5\n3 2\n255\n" + bytes(9), "must have 6 values, not 9"),
    "no pixels": (b"P5\n0 2\n255\n", "nothing in the picture"),
    "no maximum": (b"P5\n3 2\n", "width, height and maximum"),
    "maximum of 0": (b"P5\n3 2\n0\n" + bytes(6), "must be 1 to 65535"),
    "beyond its maximum": (b"P5\n3 2\n3\n\x00\x01\x02\x03\x04\x00", "a value is 4, and its maximum 3"),
    "negative": (b"P2\n3 2\n255\n0 1 2 3 4 -5", "must be whole numbers"),
    "word": (b"P2\n3 2\n255\n0 1 2 3 4 five", "must be whole numbers"),
    "P2 cut short": (b"P2\n3 2\n255\n0 1 2", "must have 6 values, not 3"),
    "P2 empty": (b"P2\n3 2\n255\n", "must have 6 values, not 0"),
    "text": (b"resolution: 0.05\n", "not a picture that can be read"),
    "empty": (b"", "not a picture that can be read"),
    "huge P5": (b"P5\n20000 20000\n255\n", "20,000 x 20,000 pixels are more than"),
    "huge P2": (b"P2\n99999999999 9\n255\n", "pixels are more than"),
    "gzip cut short": (gzip.compress(b"P5\n3 2\n255\n" + bytes(6))[:-9], "cannot be unpacked"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_pictures_are_told(tmp_path: Path, kind: str) -> None:
    data, problem = BROKEN[kind]
    (tmp_path / "a.pgm").write_bytes(data)
    with pytest.raises(InputError, match=problem) as told:
        read_picture(tmp_path / "a.pgm")
    assert str(told.value).startswith(str(tmp_path / "a.pgm"))


@pytest.mark.parametrize("suffix", ["png", "bmp", "jpg", "gif", "tif", "ppm"])
def test_a_cut_picture_is_told(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path / f"a.{suffix}", np.tile(VALUES[..., :3], (9, 9, 1)))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(InputError, match="broken"):
        read_picture(path)


@pytest.mark.parametrize("size", [(20_000, 20_000), (6_000, 6_000), (2**31 - 1, 2**31 - 1)])
def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    header = struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(png((b"IHDR", header), (b"IDAT", b""), (b"IEND", b"")))
    begin = time.perf_counter()
    with pytest.raises(InputError, match=f"more than the {MOST_PIXELS:,}"):
        read_picture(tmp_path / "a.png")
    assert time.perf_counter() - begin < 0.5


def test_what_unpacks_to_more_than_a_file_may_have_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MOST_BYTES", 10**5)
    (tmp_path / "a.pgm.gz").write_bytes(gzip.compress(bytes(10**5 + 1)))
    with pytest.raises(InputError, match="unpacked, it has more than"):
        read_picture(tmp_path / "a.pgm.gz")


def test_a_map_of_millions_of_cells_is_read_at_once(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (2000, 3000), dtype=np.uint8)
    (tmp_path / "a.pgm").write_bytes(b"P5 3000 2000 255\n" + values.tobytes())
    begin = time.perf_counter()
    assert np.array_equal(read_picture(tmp_path / "a.pgm").grey, values)
    assert time.perf_counter() - begin < 2
