"""Films, written picture by picture: GIF with Pillow, MP4 through ffmpeg."""

from __future__ import annotations

import heapq
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np

from cmarlsim.errors import InputError

Pixels = np.ndarray
"""A picture: (height, width, 4) uint8, red, green, blue and opacity."""

Write = Callable[[Pixels], object]

STAYS = 255
"""The last of a GIF's 256 colours stands for a pixel that stays as it was."""

EXACT = 32
"""The most frequent colours are kept as they are."""

BITS = 6
"""Bits of each of red, green and blue that decide about the colour in the palette."""


def _palette(samples: Sequence[Pixels]) -> tuple[bytes, np.ndarray]:
    """Colours that suit the samples, and the nearest of them for every code of `_codes`."""
    from PIL import Image

    together = Image.fromarray(np.concatenate([sample[..., :3] for sample in samples]))
    frequent = heapq.nlargest(EXACT, together.getcolors(2**24) or ())
    exact = np.array([colour for _, colour in frequent], dtype=np.uint8)
    method, plainly = Image.Quantize.MAXCOVERAGE, Image.Dither.NONE
    chosen = together.quantize(STAYS - len(exact), method=method, dither=plainly)
    colours = (exact.tobytes() + bytes(chosen.getpalette() or ())).ljust(3 * STAYS, b"\0")
    colours += colours[:3]
    table = Image.new("P", (1, 1))
    table.putpalette(colours)
    levels = (np.arange(2**BITS) * 255 / (2**BITS - 1)).round().astype(np.uint8)
    every = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(2**BITS, -1, 3)
    nearest = np.array(Image.fromarray(every).quantize(palette=table, dither=plainly)).ravel()
    nearest[nearest == STAYS] = 0
    nearest[_codes(exact[::-1])] = np.arange(len(exact))[::-1]
    return colours, nearest


def _codes(pixels: np.ndarray) -> np.ndarray:
    """Numbers of the colours (..., 3 or more), in steps of a palette's table."""
    red, green, blue = (pixels[..., axis].astype(np.int64) >> (8 - BITS) for axis in range(3))
    return (red << (2 * BITS)) | (green << BITS) | blue


@contextmanager
def gif(path: Path, rate: float, samples: Sequence[Pixels]) -> Iterator[Write]:
    """Write a GIF that repeats for ever.

    Parameters
    ----------
    rate
        Pictures a second.
    samples
        Pictures whose colours the whole film will use.

    Yields
    ------
    function that adds a picture, of which only what differs from the one before is kept
    """
    from PIL import Image
    from PIL.GifImagePlugin import getdata

    colours, nearest = _palette(samples)
    height, width, _ = samples[0].shape
    before, count = np.zeros((height, width), dtype=np.uint32), 0

    def hundredths() -> int:
        """How long the present picture stays, such that rounding does not add up."""
        return round(100 * (count + 1) / rate) - round(100 * count / rate)

    def write(pixels: Pixels) -> None:
        nonlocal before, count
        now = pixels.view(np.uint32)[..., 0].copy()
        changed = now != before
        rows, columns = (_span(changed.any(axis=axis)) for axis in (1, 0))
        changed = changed[rows, columns]
        part = np.full(changed.shape, STAYS, dtype=np.uint8)
        part[changed] = nearest[_codes(pixels[rows, columns][changed])]
        settings = {"duration": 10 * hundredths(), "transparency": STAYS, "disposal": 1}
        file.writelines(getdata(Image.fromarray(part), (columns.start, rows.start), **settings))
        before, count = now, count + 1

    with path.open("wb") as file:
        size = width.to_bytes(2, "little") + height.to_bytes(2, "little")
        file.write(b"GIF89a" + size + b"\xf7\0\0" + colours)
        file.write(b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0")
        yield write
        file.write(b";")


def _span(present: np.ndarray) -> slice:
    """From the first True to the last; never empty."""
    where = np.flatnonzero(present)
    return slice(int(where[0]), int(where[-1]) + 1) if len(where) else slice(0, 1)


def find_ffmpeg() -> str:
    """Path of the program ffmpeg, the system's or else that of the package imageio-ffmpeg.

    Raises
    ------
    InputError
        If there is neither.
    """
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise InputError(
            "MP4 needs the program ffmpeg, which is not there: install it, or the extra 'video' of cmarlsim; "
            "a name that ends in .gif works without"
        ) from None


@contextmanager
def mp4(path: Path, rate: float, shape: tuple[int, int]) -> Iterator[Write]:
    """Write an MP4 of pictures of `shape` (height, width), both even; parameters as `gif`.

    Raises
    ------
    InputError
        If ffmpeg is missing or fails.
    """
    height, width = shape
    source = ["-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{width}x{height}", "-r", f"{rate:.9g}", "-i", "-"]
    target = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-f", "mp4"]
    arguments = [find_ffmpeg(), "-y", "-loglevel", "error", *source, *target, str(path.absolute())]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(  # in a session of its own: Ctrl-C is ours to handle
            arguments, stdin=subprocess.PIPE, stderr=complaints, start_new_session=True
        )
        assert process.stdin is not None
        stream = process.stdin
        try:
            with suppress(BrokenPipeError):  # ffmpeg has ended, and says why
                yield lambda pixels: stream.write(pixels.data)
                stream.close()
            if process.wait():
                raise InputError(f"ffmpeg failed: {_last_line(complaints)}")
        finally:
            process.kill()
            process.wait()
            with suppress(BrokenPipeError):
                stream.close()


def _last_line(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    lines = complaints.read().decode(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "without a word")
