"""``python docs/make.py``: make the pictures and pages of the documentation that are out of date.

``--all`` makes every one of them, and names make these. ``--check`` makes none, and fails if one is older
than what it shows; that takes seconds. Every picture and page that was made carries a hash of its inputs;
`inputs.py` says what counts. Pages that hold times, such as the tables of ``engine.md``, are made only when
they are named: how long something takes is no input.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import layers
from inputs import ROOT, fingerprint

DOCS = ROOT / "docs"
FIGURE, FIGURES = "docs/figures", "docs/figures/"


@dataclass(frozen=True)
class Page:
    """What is made together: commands that are run one after the other, and the files that they leave.

    In commands, SCRATCH stands for a folder that is thrown away.
    """

    name: str
    commands: tuple[str, ...]
    files: tuple[str, ...]
    """In `docs`; ``NAME < PATH`` is copied from a path in SCRATCH."""
    timed: bool = False
    """Whether it holds times, and so is made only when named."""

    @property
    def shipped(self) -> list[Path]:
        """The files that are kept."""
        return [DOCS / file.partition(" < ")[0] for file in self.files]

    def inputs(self) -> str:
        """Hash of what decides about the files."""
        return layers.fingerprint() if self.name == "layers" else fingerprint(self.commands)


def drawn(*names: str) -> tuple[str, ...]:
    """Files of the folder of figures."""
    return tuple(f"figures/{name}" for name in names)


RECIPE = "--runs 20 --policy paper-recipe --set links.d=1"
PAGES = (
    Page("run", ("cmarlsim.run --out SCRATCH/run.h5",), ("run.png < run.png",)),
    Page(
        "replay",
        (
            "cmarlsim.run --out SCRATCH/run.h5 --no-plot",
            "cmarlsim.replay SCRATCH/run.h5 --from 12480 --to 12720 --out SCRATCH/replay.gif",
        ),
        ("replay.gif < replay.gif",),
    ),
    Page(
        "import",
        ("cmarlsim.importing data/maps/office.yaml --out SCRATCH/mine.toml",),
        ("import.png < mine-plan.png",),
    ),
    Page("layers", ("docs.layers docs/layers.png",), ("layers.png",)),
    Page(
        "paper",
        ("analysis.paper --out docs/figures --force",),
        drawn(*(f"figure{name}.png" for name in ("3a", "3bf", "4", "5a", "5b", "5c")), "section5.md"),
    ),
    Page(
        "claims",
        ("analysis.claims --out docs --force",),
        (
            "claims.md",
            *drawn("proposition1.md", "proposition2.md", "proposition3.md", "theorem1.md"),
            *drawn("proposition2.png", "proposition3.png"),
            *drawn("theorem1-lemmas.png", "theorem1-trajectories.png"),
        ),
    ),
    Page(
        "theorem1-recipe",
        (f"analysis.theorem1 {RECIPE} --out SCRATCH",),
        ("figures/theorem1-recipe.png < theorem1-trajectories.png",),
    ),
    Page("links", ("analysis.links --run --out docs/figures --force",), drawn("links.png", "links.md")),
    Page("baselines", ("analysis.baselines --out docs --force",), ("baselines.png", "baselines.md")),
    Page("ablation", ("analysis.ablation --seeds 4 --out docs --force",), ("ablation.md",)),
    Page("ideas", ("benchmarks/ideas.py --write docs/engine.md",), (), timed=True),
    Page("border", ("benchmarks/border.py --write docs/engine.md",), ("border.png",), timed=True),
    Page("scaling", ("benchmarks/scaling.py --write docs/engine.md",), ("scaling.png",), timed=True),
)

MARK = re.compile(rb"made from ([0-9a-f]{32})")


def mark_of(data: bytes) -> str:
    """The hash that a file carries, or nothing."""
    found = MARK.findall(data)
    return found[-1].decode() if found else ""


def marked(data: bytes, suffix: str, inputs: str) -> bytes:
    """A file with a hash: a text chunk of a PNG, a comment of a GIF, the last line of Markdown."""
    text = f"made from {inputs}".encode()
    if suffix == ".png":
        chunk = b"tEXtComment\0" + text
        framed = (len(chunk) - 4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4)
        header = 8 + 25
        return data[:header] + framed + data[header:]
    if suffix == ".gif":
        return data[:-1] + b"!\xfe" + len(text).to_bytes(1) + text + b"\0;"
    return data.rstrip(b"\n") + b"\n\n<!-- " + text + b" -->\n"


def stale(page: Page) -> list[Path]:
    """Files of a page that are missing, or older than what they show."""
    if page.timed:
        return []
    inputs = page.inputs()
    return [path for path in page.shipped if not path.exists() or mark_of(path.read_bytes()) != inputs]


def make(page: Page) -> None:
    """Run a page's commands and mark its files; stops at a command that fails."""
    inputs = "" if page.timed else page.inputs()
    with tempfile.TemporaryDirectory() as scratch:
        for command in page.commands:
            program, *arguments = command.replace("SCRATCH", scratch).split()
            start = [program] if program.endswith(".py") else ["-m", program]
            done = subprocess.run([sys.executable, *start, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL)
            if done.returncode:
                raise SystemExit(f"{page.name}: python {' '.join([*start, *arguments])} failed")
        for path, file in zip(page.shipped, page.files, strict=True):
            _, _, made = file.partition(" < ")
            source = Path(scratch) / made if made else path
            if not source.exists():
                raise SystemExit(f"{page.name}: {made or path.relative_to(ROOT)} is not made by its commands")
            if made:
                shutil.copyfile(source, path)
            if not page.timed:
                path.write_bytes(marked(path.read_bytes(), path.suffix, inputs))


def chosen(names: Sequence[str], everything: bool) -> list[Page]:
    """The pages to make.

    Raises
    ------
    SystemExit
        If there is no page of a name.
    """
    known = {page.name: page for page in PAGES}
    for name in names:
        if name not in known:
            raise SystemExit(f"{name}: there is no page of this name, only {', '.join(known)}")
    if names:
        return [known[name] for name in names]
    return [page for page in PAGES if not page.timed and (everything or stale(page))]


def check() -> int:
    """Name every picture and page that is older than what it shows; 1 if there is one."""
    old = {page: stale(page) for page in PAGES}
    for page, paths in old.items():
        for path in paths:
            where = path.relative_to(ROOT)
            print(f"{where}: is older than what it shows: python docs/make.py {page.name}", file=sys.stderr)
    return 1 if any(old.values()) else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Make pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pages", nargs="*", help=f"of {', '.join(page.name for page in PAGES)}")
    parser.add_argument("--all", action="store_true", help="make every page that holds no times")
    parser.add_argument("--check", action="store_true", help="make nothing; fail if a page is out of date")
    options = parser.parse_args(arguments)
    if options.check:
        return check()
    for page in chosen(options.pages, options.all):
        begun = time.monotonic()
        print(f"{page.name} ...", flush=True)
        make(page)
        print(f"{page.name}: {time.monotonic() - begun:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
