"""Pages lead where they say: links, names of functions, and the length of the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("data/*.md")]
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
EQUATIONS = re.compile(r"^\| (\([^|]*) \| [^|]* \| ([^|]*) \|$", re.MULTILINE)
NAMES = re.compile(r"((?:`\w+`(?:, )?)+) \(`(\w+)`\)")


def text_of(page: Path) -> str:
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What headings are called in addresses, as GitHub makes it of their words."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(page: Path) -> list[str]:
    dead = []
    for target in LINK.findall(text_of(page)):
        if target.startswith(("https://", "http://")):
            continue
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            dead.append(target)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert dead_links(page) == []


def test_dead_links_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title\n[a](page.md) [b](gone.md) [c](#a-title) [d](#another) ![e](gone.png)\n")
    assert dead_links(page) == ["gone.md", "#another", "gone.png"]


def places_of_equations() -> list[tuple[str, str]]:
    """Name and package of all that the table of equations names."""
    rows = EQUATIONS.findall((ROOT / "docs/architecture.md").read_text("utf-8"))
    found = [group for _, where in rows for group in NAMES.findall(where)]
    return [(name, package) for names, package in found for name in re.findall(r"\w+", names)]


@pytest.mark.parametrize(("name", "package"), places_of_equations())
def test_equations_live_where_the_page_says(name: str, package: str) -> None:
    home = ROOT / "cmarlsim" / package
    files = home.rglob("*.py") if home.is_dir() else [home.with_suffix(".py")]
    defined = re.compile(rf"^ *(?:def|class) {name}\b", re.MULTILINE)
    assert any(defined.search(path.read_text("utf-8")) for path in files)


def test_every_equation_up_to_25_has_a_place() -> None:
    rows = EQUATIONS.findall((ROOT / "docs/architecture.md").read_text("utf-8"))
    assert sorted(int(number) for which, _ in rows for number in re.findall(r"\d+", which)) == [*range(1, 26)]


def test_the_readme_is_short() -> None:
    """At most 500 words and one picture before "More"."""
    before = (ROOT / "README.md").read_text("utf-8").partition("\n## More\n")
    assert before[1]
    assert len(before[0].replace("```", "").split()) <= 500
    assert before[0].count("![") == 1
