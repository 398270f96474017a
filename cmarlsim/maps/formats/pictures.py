"""Pictures of plans, as the values that are stored in them."""

from __future__ import annotations

import gzip
import io
import logging
import re
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmarlsim.errors import InputError, one_line
from cmarlsim.storage.files import MOST_BYTES, read_bytes

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 2**25
"""Pixels of a picture: 33 million, such as 5,792 x 5,792."""

_FORMATS = ("PNG", "BMP", "JPEG", "GIF", "WEBP", "TIFF", "PPM")
_GAP = rb"(?:\s|#[^\r\n]*[\r\n])+"
_PGM = re.compile(rb"P([25])" + 3 * (_GAP + rb"(\d{1,18})") + rb"(?=\s)")

logging.getLogger("PIL").addHandler(logging.NullHandler())  # what it logs, it raises as well


class Picture(NamedTuple):
    """A picture; row 0 is at the top."""

    grey: NDArray[np.float32]  # (H, W), 0 (black) .. 255 (white): the mean of red, green and blue
    alpha: NDArray[np.uint8]  # (H, W): 255 where nothing shines through


def read_picture(path: Path) -> Picture:
    """Read a picture: PGM, PNG, BMP, JPEG, GIF, WebP or TIFF, or one of them packed by gzip.

    Values are taken as they are stored, whatever colour profile goes with them; those of a palette are its
    colours. Values up to another maximum than 255 are scaled: v * 255 / maximum.

    Raises
    ------
    InputError
        If it cannot be read, is no such picture, has more than `MOST_PIXELS` pixels (which is found out
        before any is decoded), or is broken.
    """
    data = read_bytes(path)
    if data[:2] == b"\x1f\x8b":
        data = _unpacked(data, path)
    if data[:2] in (b"P2", b"P5"):
        return _read_pgm(data, path)
    return _decoded(data, path)


def _unpacked(data: bytes, path: Path) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            unpacked = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be unpacked: {error}") from None
    if len(unpacked) > MOST_BYTES:
        raise InputError(f"{path}: unpacked, it has more than the {MOST_BYTES:,} bytes that are read")
    return unpacked


def _check_size(width: int, height: int, path: Path) -> None:
    if width * height > MOST_PIXELS:
        raise InputError(
            f"{path}: {width:,} x {height:,} pixels are more than the {MOST_PIXELS:,} that are read; "
            "make the picture smaller, and its resolution in metres a pixel larger"
        )
    if width < 1 or height < 1:
        raise InputError(f"{path}: {width} x {height} pixels: there is nothing in the picture")


def _read_pgm(data: bytes, path: Path) -> Picture:
    """A grey picture of Netpbm, as text (P2) or binary (P5), of 8 or 16 bits."""
    header = _PGM.match(data)
    if not header:
        raise InputError(f"{path}: not a PGM: after {data[:2].decode()} must come width, height and maximum")
    width, height, most = (int(header[i]) for i in (2, 3, 4))
    _check_size(width, height, path)
    if not 1 <= most <= 65_535:
        raise InputError(f"{path}: the maximum of its values is {most}; must be 1 to 65535")
    if header[1] == b"2":
        values = _numbers_in(data[header.end() :], path)
    else:
        values = np.frombuffer(data, np.uint8, offset=header.end() + 1)
        if most > 255:
            values = values[: len(values) // 2 * 2].view(">u2")
    if not 0 <= len(values) - width * height <= 1:  # one more may be the end of a line
        raise InputError(
            f"{path}: {width} x {height} pixels must have {width * height:,} values, not {len(values):,}: "
            "the file is not complete, or of another size"
        )
    values = values[: width * height].reshape(height, width)
    if values.max() > most:
        raise InputError(f"{path}: a value is {values.max()}, and its maximum {most}")
    grey = values.astype(np.float32) if most == 255 else (values * np.float32(255) / most).astype(np.float32)
    return Picture(grey, np.full(grey.shape, 255, np.uint8))


def _numbers_in(text: bytes, path: Path) -> NDArray[np.int64]:
    text = re.sub(rb"#[^\r\n]*", b" ", text)
    if strange := re.search(rb"[^\s\d]", text):
        raise InputError(f"{path}: {strange[0]!r} stands among its values; must be whole numbers")
    return np.fromstring(text, np.int64, sep=" ") if text.strip() else np.empty(0, np.int64)


def _decoded(data: bytes, path: Path) -> Picture:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                _check_size(*image.size, path)
                return _values(image, path)
    except InputError:
        raise
    except Image.DecompressionBombError:
        raise InputError(f"{path}: has more than the {MOST_PIXELS:,} pixels that are read") from None
    except Image.UnidentifiedImageError:
        raise InputError(
            f"{path}: not a picture that can be read; must be PGM, PNG, BMP, JPEG, GIF, WebP or TIFF"
        ) from None
    except Exception as error:  # decoders raise whatever they stumble over
        raise InputError(f"{path}: the picture is broken: {one_line(str(error), 200)}") from None


def _values(image: Image, path: Path) -> Picture:
    if image.mode.startswith("I;16"):
        grey = np.asarray(image).astype(np.float32) / np.float32(257)
        return Picture(grey, np.full(grey.shape, 255, np.uint8))
    if image.mode in ("I", "F"):
        raise InputError(f"{path}: has more than 16 bits a pixel; must be grey or colours of 8 or 16 bits")
    grey_only = image.mode in ("1", "L", "LA")
    if image.has_transparency_data:
        values = np.asarray(image.convert("LA" if grey_only else "RGBA"))
        colours, alpha = values[..., :-1], values[..., -1]
    else:
        values = np.asarray(image.convert("L" if grey_only else "RGB"))
        colours = values.reshape(*values.shape[:2], -1)
        alpha = np.full(colours.shape[:2], 255, np.uint8)
    return Picture(colours.sum(axis=2, dtype=np.float32) / np.float32(colours.shape[2]), alpha)
