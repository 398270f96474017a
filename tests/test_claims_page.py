"""The page of claims: it has all of them, says what the tables say, and changes when they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import outcome

import analysis.claims.__main__ as command
from analysis import delays, multipliers
from analysis.claims.entries import ENTRIES, Entry
from analysis.claims.page import conclude, line, summed_up, written
from analysis.claims.parts import PARTS, Part
from analysis.settings import Setting
from cmarlsim.bounds.verdicts import FAILS, HOLDS, PROVEN, UNDECIDED, VACUOUS, Statement
from cmarlsim.errors import InputError
from cmarlsim.footprints.footprint import named

NUMBERED = {
    *(f"Proposition {n}" for n in range(1, 5)),
    *(f"Lemma {n}" for n in range(1, 7)),
    *(f"Assumption {n}" for n in range(1, 4)),
    "Theorem 1",
    "(22), each zone",
    "(22), all agents",
    "(23)",
    "(24)",
    "(25)",
}
"""All numbered claims of the paper, and the equations whose verdicts differ from those."""

Call = Callable[..., tuple[int, str, str]]
Tables = dict[str, pd.DataFrame]


def made_up() -> Tables:
    """A table for every script, in which every entry has a row for each form, and everything holds."""
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in PARTS}
    for number, entry in enumerate(ENTRIES):
        for form in (*entry.printed, *entry.corrected):
            statement = Statement(
                entry.rows or entry.name, form, f"{entry.about[0]} quantity {number}", 1.0, PROVEN
            )
            rows[entry.part].append(statement.row(0.5))
    return {name: pd.DataFrame(mine) for name, mine in rows.items()}


def page_of(tables: Tables) -> pd.DataFrame:
    """Lines by claim."""
    return pd.DataFrame([line(entry, tables) for entry in ENTRIES]).set_index("claim")


def test_every_numbered_claim_has_one_line() -> None:
    names = [entry.name for entry in ENTRIES]
    assert len(set(names)) == len(names)
    assert set(names) >= NUMBERED
    assert {entry.part for entry in ENTRIES} == set(PARTS)
    assert list(page_of(made_up()).index) == names


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_tampered_table_flips_the_page(entry: Entry) -> None:
    tables = made_up()
    words = ("met", "not met") if entry.condition else ("holds", "fails")
    for which, forms in (("printed", entry.printed), ("corrected", entry.corrected)):
        before = line(entry, tables)[f"as {which}"]
        if not forms:
            assert before == ""
            continue
        mine = entry.select(tables).query("form in @forms").index
        assert before == f"**{words[0]}** ({len(mine)} of {len(mine)})"
        tables[entry.part].loc[mine[-1], ["measured", "verdict"]] = [7.0, FAILS]
        after = line(entry, tables)
        assert after[f"as {which}"].startswith(f"**{words[1]}** (1 of {len(mine)}")
        assert after["decided by" if which == "printed" else "corrected by"].endswith(": 7 against 1")


def test_verdicts_are_summed_up() -> None:
    def rows(*found: tuple[str, float, float]) -> pd.DataFrame:
        return pd.DataFrame(found, columns=["verdict", "bound", "measured"]).assign(quantity="x")

    every = rows((VACUOUS, 1, 9), (HOLDS, 1, 0.5), (HOLDS, 10, 9), (UNDECIDED, 1, 1))
    assert conclude(every, False) == ("**holds** (2 of 4; undecided 1; vacuous 1)", "x: 9 against 10")
    worse = pd.concat([every, rows((FAILS, 2, 3), (FAILS, 0.1, 0.4))], ignore_index=True)
    text = "**fails** (2 of 6; holds 2; undecided 1; vacuous 1)"
    assert conclude(worse, False) == (text, "x: 0.4 against 0.1")
    assert conclude(worse, True)[0].startswith("**not met** (2 of 6; met 2;")
    assert conclude(rows((VACUOUS, np.inf, 1)), False) == ("**vacuous** (1 of 1)", "x: 1 against inf")
    assert conclude(rows(), False) == ("", "")


def concluded(table: pd.DataFrame, part: Part, folder: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """What the page says of each claim as printed and as corrected, from a script's own table."""
    table.to_csv(folder / part.table, index=False, float_format="%.6g")
    found, tables = {}, {part.name: part.read(folder)}
    for entry in (entry for entry in ENTRIES if entry.part == part.name):
        rows = entry.select(tables)
        for name, forms in (("printed", entry.printed), ("corrected", entry.corrected)):
            found[entry.name, name] = conclude(rows[rows["form"].isin(forms)], False)
    return found


def test_verdicts_on_proposition_2_come_from_its_claims(tmp_path: Path) -> None:
    cycle = delays.measure(named("cycle:5", 0.3), 1000, 0)
    assert cycle.exact is not None
    deficit = max(known - bound for known, bound in zip(cycle.exact, cycle.bound, strict=True))

    def words(case: delays.Delays) -> tuple[str, str, str]:
        found = concluded(delays.claims(case), PARTS["proposition2"], tmp_path)
        return *found["Proposition 2", "printed"], found["Proposition 2", "corrected"][0]

    printed, decides, corrected = words(cycle)
    assert (printed, corrected) == ("**fails** (1 of 1)", "**holds** (5 of 5)")
    assert decides.endswith(f"cycle:5, p = 0.3: {deficit:.3g} against 0")
    assert words(replace(cycle, bound=np.minimum(cycle.bound + 0.3, 1)))[2].startswith("**fails** (")
    simulated = words(replace(cycle, exact=None, worst=None, observers=None))
    assert simulated[0] == "**fails** (1 of 1)"
    assert simulated[2].startswith("**holds** (2 of 3; undecided 1)")


def test_verdicts_on_proposition_3_come_from_its_rows(tmp_path: Path) -> None:
    star = multipliers.simulate(
        "star", Setting(footprint="star:7", p=0.2, M=6, alpha=0.9, T0=40, rollouts=3, repetitions=400), 0
    )

    def words(case: multipliers.MeasuredErrors) -> dict[tuple[str, str], str]:
        found = concluded(multipliers.rows(case), PARTS["proposition3"], tmp_path)
        assert all(f"of {len(case.errors)}" in text for text, _ in found.values() if text)
        return {key: text.split("**")[1] for key, (text, _) in found.items() if text}

    assert words(star) == {
        ("(22), each zone", "printed"): "undecided",
        ("(22), each zone", "corrected"): "undecided",
        ("Proposition 3", "printed"): "fails",
        ("Proposition 3", "corrected"): "holds",
        ("(22), all agents", "printed"): "fails",
        ("(22), all agents", "corrected"): "holds",
    }
    tampered = words(replace(star, bound=replace(star.bound, p=0.5)))
    assert set(tampered.values()) == {"fails"}
    assert words(replace(star, basis="estimated: p")) == {}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The made-up tables as files."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "tables"
    folder.mkdir()
    for name, table in made_up().items():
        table.to_csv(folder / PARTS[name].table, index=False)
        (folder / f"{name}.md").write_text("verdicts")
    return folder


@pytest.fixture
def call(folder: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the command beside the tables: exit code, stdout, stderr."""
    return lambda *arguments: outcome(command.claims, arguments, capsys)


def test_the_page_is_made_from_tables(call: Call) -> None:
    code, out, err = call("--from", "tables")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == len(ENTRIES) + 1
    lines = Path("results/claims.md").read_text().splitlines()
    body = [line for line in lines if line.startswith("| ")][2:]
    assert [line.split(" | ")[0] for line in body] == [f"| {entry.name}" for entry in ENTRIES]
    assert all(line.replace("\\|", "").count("|") == 9 for line in body)
    assert "[table](../tables/proposition2.md)" in body[3]
    assert pd.read_csv("results/claims.csv")["claim"].tolist() == [entry.name for entry in ENTRIES]
    assert call("--from", "tables")[0] == 2
    assert call("--from", "tables", "--force")[0] == 0
    assert Path("results/claims.md").read_text().splitlines() == lines


def test_without_tables_the_scripts_run_with_their_defaults(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def maker(part: Part) -> Callable[..., int]:
        def make(out: Path, force: bool) -> int:
            asked.append(part.name)
            out.mkdir(parents=True, exist_ok=True)
            (out / part.table).write_bytes((folder / part.table).read_bytes())
            print("not to be seen")
            return 0

        return make

    made = {name: replace(part, make=maker(part)) for name, part in PARTS.items()}
    monkeypatch.setattr(command, "PARTS", made)
    code, out, err = call("--out", "docs")
    assert code == 0
    assert err.splitlines() == [f"{name} ({n} of 4)" for n, name in enumerate(PARTS, start=1)]
    assert asked == list(PARTS)
    assert "not to be seen" not in out
    Path("docs/claims.md").unlink()
    Path("docs/claims.csv").unlink()
    assert call("--out", "docs")[2].startswith("error: --out docs/figures/proposition1.csv: exists already")
    assert asked == list(PARTS)
    assert call("--out", "docs", "--force")[0] == 0


def test_links_go_to_files_that_exist(folder: Path) -> None:
    (folder / "proposition2.png").write_bytes(b"")
    text = written(page_of(made_up()).reset_index(), folder, folder.parent / "claims.md")
    assert text.count("[figure](tables/proposition2.png)") == 1
    assert "proposition3.png" not in text


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (lambda path: path.unlink(), "is missing: make it with python -m analysis.theorem1 --out tables"),
        (lambda path: path.write_text(""), "is not a table of analysis.theorem1"),
        (lambda path: path.write_text("a,b\n1,2\n"), "is not a table of analysis.theorem1"),
        (
            lambda path: path.write_text(path.read_text().replace("Lemma 3", "Lemma X")),
            "theorem1.csv: has no rows on Lemma 3: make it anew with python -m analysis.theorem1",
        ),
    ],
)
def test_tables_that_do_not_serve_are_refused(
    call: Call, tamper: Callable[[Path], object], message: str
) -> None:
    tamper(Path("tables/theorem1.csv"))
    code, out, err = call("--from", "tables")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not Path("results/claims.md").exists()


def test_what_is_no_folder_is_refused(call: Call) -> None:
    assert call("--from", "nowhere")[0] == 2
    with pytest.raises(InputError, match="is missing"):
        summed_up(Path("nowhere"))
