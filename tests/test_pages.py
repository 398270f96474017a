"""Pictures and pages of the documentation are made from what they show, and say so."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))
import inputs  # noqa: E402
import layers  # noqa: E402
import make  # noqa: E402

SCRIPT = """
'''A page.'''
import cmarlsim
from analysis.drawing import Pen, draw
from cmarlsim.terminal.console import say

def page():
    '''Make it.'''
    say("paper" + "!" + open("sayings.toml"))
    if cmarlsim.simulate(3) < 0:
        raise ValueError("too little")
    return draw(Pen())
"""
DRAWING = """
WIDTH = 7

class Pen:
    colour = "red"
    def __init__(self): self.width = WIDTH
    def stroke(self): return self.width
    def dip(self): return 1

def draw(pen): return pen.stroke()
def erase(pen): return 0
"""
FACADE = "def __getattr__(name): pass\nif False:\n    from cmarlsim.footprints import simulate\n"
KERNELS = "def simulate(n): return helper(n)\ndef helper(n): return n + 1\ndef other(n): return n\n"
FILES = {
    "analysis/__init__.py": "",
    "analysis/page.py": SCRIPT,
    "analysis/drawing.py": DRAWING,
    "cmarlsim/__init__.py": FACADE,
    "cmarlsim/footprints.py": KERNELS,
    "cmarlsim/scenario.py": "def load(name): return name\n",
    "tests/recordings/first.h5": "bits",
    "cmarlsim/terminal/__init__.py": "",
    "cmarlsim/terminal/console.py": "def say(text): print(text)\n",
    "analysis/sayings.toml": "says = 1\n",
    "data/scenarios/paper.toml": 'floorplan = "house"\n',
    "data/scenarios/other.toml": 'floorplan = "house"\n',
    "data/floorplans/house.toml": "walls = []\n",
    "data/policies/silent.h5": "weights",
}
Edit = Callable[[str, str, str], str]


@pytest.fixture
def edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """Replace text in a file of a small project: the hash of its page after that."""
    monkeypatch.setattr(inputs, "ROOT", tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def edit(name: str, old: str, new: str) -> str:
        text = (tmp_path / name).read_text()
        assert old in text
        (tmp_path / name).write_text(text.replace(old, new))
        inputs.parsed.cache_clear()
        return inputs.fingerprint(["analysis.page --out x"])

    yield edit
    inputs.parsed.cache_clear()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("analysis/page.py", "'''Make it.'''", "'''Make it well.'''"),
        ("analysis/page.py", "'''A page.'''", "# a page"),
        ("analysis/page.py", "too little", "must be more"),
        ("analysis/page.py", "3) < 0", "3)   <   0"),
        ("analysis/drawing.py", "def draw(pen)", "def draw(pen: Pen) -> int"),
        ("analysis/drawing.py", "return 0", "return 2"),
        ("analysis/drawing.py", "def dip(self): return 1", "def dip(self): return 2"),
        ("cmarlsim/footprints.py", "def other(n): return n", "def other(n): return 2 * n"),
        ("cmarlsim/scenario.py", "return name", "return [name]"),
        ("cmarlsim/terminal/console.py", "print(text)", "print(text, flush=True)"),
        ("data/scenarios/other.toml", "house", "hut"),
        ("data/policies/silent.h5", "weights", "other weights"),
    ],
)
def test_what_cannot_change_a_page_does_not_count(edit: Edit, name: str, old: str, new: str) -> None:
    assert edit(name, "", "") == edit(name, old, new)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("analysis/page.py", "simulate(3)", "simulate(4)"),
        ("analysis/page.py", '"!"', '"silent"'),
        ("analysis/drawing.py", "WIDTH = 7", "WIDTH = 8"),
        ("analysis/drawing.py", '"red"', '"blue"'),
        ("analysis/drawing.py", "return self.width", "return 2 * self.width"),
        ("analysis/drawing.py", "self.width = WIDTH", "self.width = 2 * WIDTH"),
        ("cmarlsim/footprints.py", "n + 1", "n + 2"),
        ("tests/recordings/first.h5", "bits", "other bits"),
        ("data/scenarios/paper.toml", "house", "other"),
        ("data/floorplans/house.toml", "[]", "[[1, 2]]"),
        ("analysis/sayings.toml", "1", "2"),
    ],
)
def test_what_can_change_a_page_counts(edit: Edit, name: str, old: str, new: str) -> None:
    assert edit(name, "", "") != edit(name, old, new)


def test_where_code_lives_does_not_count(edit: Edit, tmp_path: Path) -> None:
    before = edit("analysis/page.py", "", "")
    (tmp_path / "analysis/drawing.py").rename(tmp_path / "cmarlsim/report.py")
    assert edit("analysis/page.py", "from analysis.drawing", "from cmarlsim.report") == before


def test_a_module_that_is_gone_is_named(edit: Edit) -> None:
    with pytest.raises(SystemExit, match=r"analysis\.leaf: there is no such module"):
        inputs.fingerprint(["analysis.leaf"])


SHOWN = [page for page in make.PAGES if not page.timed and page.name != "layers"]


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.name)
def test_every_page_depends_on_what_it_shows(page: make.Page) -> None:
    homes = {module for module, _ in inputs.reached(inputs.entry(command) for command in page.commands)}
    module = inputs.entry(page.commands[-1])[0]
    assert module in homes
    assert all(inputs.followed(home) for home in homes)


def pictures() -> dict[str, bytes]:
    made = {}
    for kind in ("PNG", "GIF"):
        file = BytesIO()
        image = Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3))
        image.save(file, kind)
        made[f".{kind.lower()}"] = file.getvalue()
    return made | {".md": b"# A page\n\ntext\n"}


@pytest.mark.parametrize("suffix", [".png", ".gif", ".md"])
def test_a_file_carries_its_hash_and_shows_the_same(suffix: str) -> None:
    data, inputs_hash = pictures()[suffix], "0123456789abcdef" * 2
    marked = make.marked(data, suffix, inputs_hash)
    assert (make.mark_of(data), make.mark_of(marked)) == ("", inputs_hash)
    if suffix == ".md":
        assert marked.startswith(data.rstrip())
        return
    with Image.open(BytesIO(data)) as before, Image.open(BytesIO(marked)) as after:
        assert np.array_equal(np.asarray(before.convert("RGB")), np.asarray(after.convert("RGB")))


def test_a_page_is_made_once_and_again_when_its_inputs_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nopen(sys.argv[1] + '/made.md', 'w').write('text')\n")
    page = make.Page("mine", (f"{script} SCRATCH",), ("mine.md < made.md",))
    timed = make.Page("times", (f"{script} SCRATCH",), ("times.md < made.md",), timed=True)
    now = "a" * 32
    monkeypatch.setattr(make, "ROOT", tmp_path)
    monkeypatch.setattr(make, "DOCS", tmp_path)
    monkeypatch.setattr(make, "PAGES", (page, timed))
    monkeypatch.setattr(make, "fingerprint", lambda commands: now)
    assert make.main(["--check"]) == 1
    assert capsys.readouterr().err.startswith(
        "mine.md: is older than what it shows: python docs/make.py mine"
    )
    assert make.main([]) == 0
    assert (tmp_path / "mine.md").read_text() == f"text\n\n<!-- made from {now} -->\n"
    assert not (tmp_path / "times.md").exists()
    assert capsys.readouterr().out.startswith("mine ...")
    assert make.main(["--check"]) == 0
    assert make.main([]) == 0
    assert capsys.readouterr() == ("", "")
    now = "b" * 32
    assert make.main(["--check"]) == 1
    script.write_text("raise SystemExit(1)")
    with pytest.raises(SystemExit, match=r"mine: python .*script\.py .* failed"):
        make.main([])
    script.write_text("")
    with pytest.raises(SystemExit, match=r"mine: made\.md is not made by its commands"):
        make.main([])
    with pytest.raises(SystemExit, match="theirs: there is no page of this name, only mine, times"):
        make.main(["theirs"])


def test_every_picture_is_made_by_a_command() -> None:
    made = {path for page in make.PAGES for path in page.shipped}
    assert {path for kind in ("*.png", "*.gif") for path in (ROOT / "docs").rglob(kind)} <= made


def test_floors_are_those_of_the_contract_and_arrows_lead_down() -> None:
    rows = {name: i for i, row in enumerate(layers.layers()) for name in row}
    package = ROOT / "cmarlsim"
    there = {path.stem for path in package.glob("*.py")} | {
        path.parent.name for path in package.glob("*/__init__.py")
    }
    assert set(rows) == there - {"__init__"}
    edges = layers.edges()
    assert {("scenario", "building"), ("run", "report"), ("recordings", "scenario")} <= edges
    assert all(rows[a] < rows[b] for a, b in edges)


def test_arrows_that_others_replace_are_left_out() -> None:
    assert layers.reduced({("a", "b"), ("b", "c"), ("a", "c"), ("a", "d")}) == {
        ("a", "b"),
        ("b", "c"),
        ("a", "d"),
    }
