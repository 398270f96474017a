"""Maps, graphs and buildings of others, with damaged bytes, words and structure, and their import."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import yaml
from PIL import Image

from .case import Case, Command
from .damage import damaged
from .map_files import drawn
from .specimens import Specimens
from .structure import PLACE, RAW, changed

SOURCES: tuple[tuple[str, ...], ...] = (
    ("flat.yaml", "flat.pgm"),
    ("text.yaml", "text.pgm"),
    ("negative.yaml", "negative.png"),
    ("raw.yaml", "flat.bmp"),
    ("flat.yaml", "flat.graph", "flat.pgm"),
    ("flat.yaml", "flat.geojson", "flat.pgm"),
    ("house.building.yaml", "flat.png"),
    ("flat.map",),
    ("flat.map", "flat.graph"),
    ("flat.png",),
    ("packed.png.gz",),
)
"""What is imported, perhaps a graph that goes with it, and what else it needs."""

WORDS = (
    *(
        "",
        "0",
        "1",
        "-1",
        "1.5",
        "nan",
        "-inf",
        "1e999",
        "1e-320",
        "1e9",
        "20000",
        "9" * 30,
        "null",
        "true",
        "~",
    ),
    *("[]", "{}", "[[", '"x"', "'", "é", "\x00", "\t", "1_000", "0x1f", "2001-01-01", "&a ", "*a", "<<: *a"),
    *(
        "!!python/object/apply:os.system ",
        "#",
        "---",
        "? ",
        "- ",
        "% ",
        "\\ud800",
        "type octile",
        "P5",
        "N",
        "E",
    ),
    *("/dev/zero", "..", "flat.map", "flat.graph", "house.building.yaml", "a" * 5000),
)
"""What takes the place of a word of a text."""


def case(random: Random, good: Specimens) -> Case:
    """A file of a source is changed, and the source is imported and, if it is accepted, used."""
    files = random.choice(SOURCES)
    good.copy(*files)
    victim = Path(random.choice((*files, *files[:2])))
    stories = [_changed(victim, random) for _ in range(random.choice((1, 1, 1, 2, 4)))]
    return Case(f"{victim}: {', '.join(stories)}", [importing(files, random), *random.choice(_USES)])


def importing(files: tuple[str, ...], random: Random) -> Command:
    """The command that imports a source."""
    words = ["import", files[0], "--out", "out.toml"]
    if len(files) > 1 and files[1].endswith(("graph", "geojson")):
        words += ["--graph", files[1]]
    if files[0].endswith((".map", ".png", ".gz")):
        words += ["--resolution", "0.2"]
    return [*words, *random.choice(([], [], ["--zones", "names"], ["--zones", "3"], ["--agents", "3"]))]


_RUN: Command = ["run", "out.toml", "--policy", "rank", "--no-plot", "--out", "out.h5"]
_RUN += ["--set", "dual.T0=20", "--steps", "20"]
_USES: tuple[list[Command], ...] = (
    [],
    [_RUN],
    [_RUN],
    [["check", "out.toml", "--picture", "out-check.png"]],
    [["export", "out.toml", "--as", "ros", "--resolution", "0.2", "--out", "out-map.yaml"]],
)
"""What an imported building is used for."""


def _changed(path: Path, random: Random) -> str:
    """Change a file in one way; says how."""
    way = random.random()
    if path.suffix in (".pgm", ".png", ".bmp", ".gz"):
        return damaged(path, random) if way < 0.3 else _redrawn(path, random)
    if way < 0.15:
        return damaged(path, random)
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    structured = path.suffix in (".yaml", ".geojson") and way < 0.6
    text, story = (_changed_structure if structured else _changed_word)(text, random)
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return story


def _redrawn(path: Path, random: Random) -> str:
    """Another picture, which is whole: boxes of other greys, speckles, another size."""
    grey, draws = drawn(), np.random.default_rng(random.randrange(2**32))
    height, width = grey.shape
    stories = list[str]()
    for _ in range(random.choice((1, 1, 2, 5))):
        row, column = random.randrange(height), random.randrange(width)
        size, value = (
            random.choice(((1, 1), (2, 9), (9, 2), (20, 20), (99, 99))),
            random.choice((0, 205, 254)),
        )
        value = random.choice((0, 205, 254))
        grey[row : row + size[0], column : column + size[1]] = value
        stories.append(f"{size} of {value} at {row}, {column}")
    if random.random() < 0.3:
        grey[draws.random(grey.shape) < random.choice((0.001, 0.03, 0.3))] = random.choice((0, 254))
        stories.append("speckles")
    if random.random() < 0.2:
        grey = grey[:: random.choice((1, 2, -1, 60)), :: random.choice((1, 2, -1, 60))]
        stories.append(f"a part of {grey.shape}")
    Image.fromarray(np.ascontiguousarray(grey)).save(
        path, random.choice(("PNG", "BMP", "PPM", "GIF", "TIFF"))
    )
    return ", ".join(stories)


def _changed_word(text: str, random: Random) -> tuple[str, str]:
    """Another word in the place of one, or a line that is away, twice or elsewhere."""
    lines = text.split("\n")
    way, line = random.randrange(6), random.randrange(len(lines))
    if way == 0:
        del lines[line]
        return "\n".join(lines), f"line {line + 1} is away"
    if way == 1:
        lines[line:line] = [lines[line]] * random.choice((1, 1, 100))
        return "\n".join(lines), f"line {line + 1} stands several times"
    if way == 2:
        lines.insert(random.randrange(len(lines)), lines.pop(line))
        return "\n".join(lines), f"line {line + 1} is elsewhere"
    words = [found.span() for found in re.finditer(r"[^\s,:\[\]{}]+", text)] or [(0, 0)]
    begin, end = random.choice(random.choice((words, words[:20])))
    word = random.choice(WORDS)
    return text[:begin] + word + text[end:], f"{text[begin:end]!r:.40} is {word!r:.40}"


def _changed_structure(text: str, random: Random) -> tuple[str, str]:
    """A value, key, table or list that nobody expects, written as JSON, which is YAML too."""
    try:
        data: Any = yaml.safe_load(text)
        raw: list[str] = []
        story = changed(data, random, raw)
        text = json.dumps(data, default=str)
    except (yaml.YAMLError, IndexError, TypeError, ValueError, RecursionError):  # it was changed before
        return _changed_word(text, random)
    for value in raw:
        text = text.replace(f'"{PLACE}"', random.choice((value, random.choice(RAW))), 1)
    return text, story
