"""Whatever text comes in: a result, or one short line that names the file or the option."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from commands import Call
from hypothesis import given, settings

from cmarlsim import InputError, Scenario
from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.errors import MOST_MESSAGE, ArgumentError, DamagedError, listed, nearest, one_line, shown
from cmarlsim.footprints.files import load_footprint
from cmarlsim.graphs import footprint_edges
from cmarlsim.storage import shipped
from cmarlsim.sweeps import collect, plan_sweep
from cmarlsim.sweeps.batches import Worker
from cmarlsim.sweeps.collecting import write_hdf5
from cmarlsim.sweeps.locks import Lock, lock, process_in
from cmarlsim.sweeps.manifest import NAME, Manifest
from cmarlsim.sweeps.results import Result, publish, read, results_of
from cmarlsim.sweeps.slurm import Arrays
from cmarlsim.sweeps.status import status_lines
from cmarlsim.terminal.console import progress_bar
from cmarlsim.validation import apply_settings, json_of, real, setting_value, toml_of, whole

SHIPPED = {
    kind: (shipped.DATA / kind / "tiny.toml").read_text("utf-8") for kind in ("scenarios", "floorplans")
}
SWEEP = 'name = "s"\nscenario = "tiny"\npolicy = "rank"\nsteps = 20\n[grid]\nlinks.d = [0.1, 1.0]\n'
HEADER = '{"node_count": 3, "channels": [11], "start_date": "2018-01-11T16:00:00"}'
ROWS = [
    f"2018-01-11T16:00:{second},{i},{j},11,-70,0.5,100"
    for second in ("00", "10")
    for i, j in ((0, 1), (1, 0), (1, 2), (2, 1))
]
TRACE = "\n".join([HEADER, "datetime,src,dst,channel,mean_rssi,pdr,tx_count", *ROWS]) + "\n"

VALUES = {
    "many digits": "9" * 5000,
    "many hexadecimal digits": "0x" + "f" * 5000,
    "more than 64 bits": "9223372036854775808",
    "brackets": "[" * 3000 + "]" * 3000,
    "tables": "{a=" * 3000 + "1" + "}" * 3000,
    "brackets that the parser takes": "[" * 120 + "]" * 120,
    "a long text": '"' + "x" * 10**6 + '"',
    "a long array": "[" + "1," * 10**5 + "]",
    "a date": "2020-01-01",
    "a time": "07:00:00",
    "infinity": "inf",
    "no number": "nan",
    "a Boolean": "true",
    "an overflow": "1e400",
    "half a pair": r'"\ud800"',
    "control characters": r'"\u001b[2J\u0000"',
}
"""Values that can be nowhere in a scenario, a plan or a sweep, but for Booleans and texts."""

KEYS = {
    "an empty key": '"" = 1\n',
    "quotes and dots": '"a.b\\"c" = 1\n',
    "a long key": f"{'k' * 5000} = 1\n",
    "many parts": f"{'a.' * 5000}a = 1\n",
    "many quoted parts": '"a" . ' * 5000 + "a = 1\n",
    "a key twice": "twice = 1\ntwice = 2\n",
    "no UTF-8": b"\xff\xfe\n",
    "a null byte": "\0\n",
    "a look-alike": "\N{FULLWIDTH LATIN SMALL LETTER N}ame = 1\n",
    "an emptied file": None,
}


def refused(use: Callable[[], object], *parts: str) -> str:
    """The message of an InputError: one short printable line with these parts."""
    with pytest.raises(InputError) as caught:
        use()
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) <= 700
    for part in parts:
        assert part in message
    return message


def loads(path: Path) -> dict[str, tuple[str, Callable[[], object]]]:
    """What a file is made of, and what reads it, by the kind of the file."""
    return {
        "scenario": (SHIPPED["scenarios"], lambda: Scenario.load(path)),
        "plan": (SHIPPED["floorplans"], lambda: FloorPlan.load(path)),
        "sweep": (SWEEP, lambda: plan_sweep(path, path.parent / "out")),
    }


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("scenario", "N = "),
        ("scenario", "center = "),
        ("scenario", "floorplan = "),
        ("plan", "rectangle = "),
        ("plan", "edges = "),
        ("sweep", "steps = "),
        ("sweep", "links.d = "),
        ("sweep", "scenario = "),
    ],
)
def test_a_value_that_cannot_be_is_one_line_with_the_file(
    tmp_path: Path, kind: str, line: str, value: str
) -> None:
    path = tmp_path / "mine.toml"
    text, load = loads(path)[kind]
    before, _, after = text.partition(line)
    rest = after.partition("\n")[2]
    path.write_text(f"{before}{line}{VALUES[value]}\n{rest}", encoding="utf-8")
    refused(load, str(path))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("kind", ["scenario", "plan", "sweep"])
def test_a_key_that_cannot_be_is_one_line_with_the_file(tmp_path: Path, kind: str, key: str) -> None:
    path, line = tmp_path / "mine.toml", KEYS[key]
    text, load = loads(path)[kind]
    added = line if isinstance(line, bytes) else (line or "").encode()
    path.write_bytes(b"" if line is None else added + text.encode())
    refused(load, str(path))


@pytest.mark.parametrize("kind", ["scenario", "plan", "sweep"])
def test_a_byte_order_mark_and_other_ends_of_lines_change_nothing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "mine.toml"
    text, load = loads(path)[kind]
    path.write_text(text, encoding="utf-8")
    plain = load()
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load() == plain


@pytest.mark.parametrize("value", VALUES)
def test_a_recording_holds_texts_that_others_may_have_written(value: str) -> None:
    line = f"x = {VALUES[value]}\n"
    plain = Scenario.load("tiny")
    good, plan = plain.to_toml(), plain.floorplan.to_toml()
    refused(lambda: Scenario.from_toml(line + good, plan, "a.h5"), "a.h5: its scenario: ")
    refused(lambda: Scenario.from_toml(good, line + plan, "a.h5"), "a.h5: its floor plan: ")


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(
    "key", ["links.d", "agents.N", "zones.0.c", "zones.top.center", "zones", "dual", "agents"]
)
def test_a_setting_that_cannot_be_is_one_line(key: str, value: str) -> None:
    refused(lambda: Scenario.load("tiny", f"{key}={VALUES[value]}"), key.partition(".")[0])


@pytest.mark.parametrize(
    "settings",
    [
        ["links.d=4\nx=1"],
        ["links.d=4\r\nagents.N=3"],
        ["links.d=[4,\n5]"],
        ["a." * 5000 + "a=1"],
        ["a." * 101 + "a=1"],
        [f"zones.{'9' * 5000}.c=0.1"],
        ["zones.\N{SUPERSCRIPT TWO}.c=0.1"],
        ["zones.\N{ARABIC-INDIC DIGIT ONE}.c=0.1"],
        ["zones.99.c=0.1"],
        ["zones.0.name=[1]", "zones.red.c=0.1"],
        ["zones.0.name={a=1}", "zones.red.c=0.1"],
        ["zones.0.name=top", "zones.top.c=0.1"],
        ["links.d=\N{FULLWIDTH DIGIT FOUR}"],
        ['name="no end'],
        [f"name={'x' * 20_000}"],
        ["zones=5", "zones.0.c=0.1"],
        ["=4"],
        ["..=4"],
        ["name=a\x00b"],
        ["name=a\udcff"],
        ["name=a\u2028b"],
        ["links.model=bernoulli", "links.p=0.5", "links.footprint=[[true, 0]]"],
        ["links.model=bernoulli", "links.p=0.5", "links.footprint=[[0.0, 1.0]]"],
        ["links.model=bernoulli", "links.p=0.5", 'links.footprint="complete:2_0"'],
        ["links.model=bernoulli", "links.p=0.5", f'links.footprint="{"star" * 1000}"'],
    ],
)
def test_settings_that_are_none(settings: list[str]) -> None:
    refused(lambda: Scenario.load("tiny", settings))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (".5", 0.5),
        ("5.", 5.0),
        ("1_000", 1000),
        ("4 ", 4),
        ("a name", "a name"),
        ("1.2.3", "1.2.3"),
        ("inf.", "inf."),
        ("[/]", "[/]"),
        ("{no table", "{no table"),
        ("'it''s'", None),
        ("\N{FULLWIDTH DIGIT FOUR}", "\N{FULLWIDTH DIGIT FOUR}"),
    ],
)
def test_a_setting_is_toml_a_number_or_a_text(text: str, value: object) -> None:
    if value is None:
        refused(lambda: setting_value(text, "x"), "x: not valid TOML")
    else:
        found = setting_value(text)
        assert (found, type(found)) == (value, type(value))


def test_many_zones_are_not_listed_and_not_compared_for_long() -> None:
    name = "north wing, on the second floor, the room behind door "
    data = {"zones": [{"name": f"{name}{i}"} for i in range(65_535)]}
    began = time.monotonic()
    refused(lambda: apply_settings(data, f"zones.{name}x.c=1"), "door 0, ", f"did you mean '{name}", "more")
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("0x8000000000000000", "x.y.1 = 9223372036854775808: whole numbers must have 64 bits"),
        ("9" * 5000, "a number of thousands of digits"),
        ("2020-01-01", "x.y.1 = 2020-01-01: is a date"),
        ("[" * 98 + "]" * 98, "is more than 100 deep"),
        ("{" + ", ".join(f"k{i} = 1" for i in range(100_001)) + "}", "x.y.1: has 100,001 keys"),
    ],
)
def test_toml_has_limits_that_name_the_key(value: str, problem: str) -> None:
    refused(lambda: toml_of(f"x.y = [1, {value}]", "a.toml"), "a.toml: ", problem)


def test_toml_within_the_limits_is_what_it_was() -> None:
    deep = toml_of(f"x.y = [1, {'[' * 97}{']' * 97}, 0x7F, 9223372036854775807, -9223372036854775808]", "a")
    assert deep["x"]["y"][2:] == [127, 2**63 - 1, -(2**63)]
    assert toml_of("a." * 99 + "a = 1", "a")["a"]["a"]


def test_of_an_array_the_first_wrong_entry_is_told() -> None:
    message = refused(lambda: Scenario.load("tiny", "zones=[1,2,3,4,5,6]"), "zones[0] = 1: ")
    assert "zones[1]" not in message
    assert "more" not in message
    refused(lambda: Scenario.load("tiny", "zones=[]"), "zones = []: ", "at least 1")


@pytest.mark.parametrize(
    "text",
    [
        "a." * 200_000 + "a = 1\n",
        "[" + '"a" . ' * 200_000 + "a]\n",
        "x = [" + "1," * 4_000_000 + "]\n",
        "x = 1\n" * 1_900_000,
        'name = "' + "x" * 9_000_000 + '"\n',
        "x = [" + "[" * 4_000_000,
        "zones = [" + "1," * 300_000 + "]\n",
        "".join(f"k{i} = 1\n" for i in range(50_000)),
    ],
    ids=[
        "parts",
        "quoted parts",
        "values",
        "lines",
        "one long line",
        "brackets",
        "wrong zones",
        "unknown keys",
    ],
)
def test_large_texts_are_refused_in_seconds(tmp_path: Path, text: str) -> None:
    path, began = tmp_path / "mine.toml", time.monotonic()
    path.write_text(text + SHIPPED["scenarios"], encoding="utf-8")
    refused(lambda: Scenario.load(path), str(path))
    assert time.monotonic() - began < 15


DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]


class Unprintable:
    """What not even Python can show."""

    def __repr__(self) -> str:
        raise RuntimeError


@settings(max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
    | st.sampled_from(
        [10**5000, -(16**5000), [10**5000], DEEP, {"a": DEEP}, "\ud800\x1b", Unprintable(), "x" * 10**6]
    )
)
def test_any_value_can_be_shown(value: object) -> None:
    text = shown(value)
    assert len(text) <= 80
    assert text.isprintable()
    if len(repr(value) if value is not DEEP and isinstance(value, str | float | bool) else "x" * 99) < 40:
        assert text == one_line(repr(value))
    assert len(str(ArgumentError("steps", value, "must be another"))) <= 250


@given(st.text(), st.integers(20, 200))
def test_one_line_is_one_short_line_and_stays_what_it_is(text: str, most: int) -> None:
    line = one_line(text, most)
    assert line.isprintable()
    assert len(line) <= most
    assert one_line(line, most) == line
    if text.isprintable() and len(text) <= most:
        assert line == text.strip()


def test_a_message_keeps_its_beginning_its_end_and_what_is_short() -> None:
    message = str(InputError(f"a.toml: name = {'x' * 10**6}: must be\n short"))
    assert message.startswith("a.toml: name = xxx")
    assert message.endswith("xxx: must be short")
    assert len(message) < 400
    assert len(str(InputError("word " * 10**5))) <= MOST_MESSAGE
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(i) for i in range(14)]).endswith("9, ... 4 more")
    assert nearest("x" * 10**6, ["x" * 10**6]) == ""


def test_a_command_says_it_in_one_short_line(call: Call) -> None:
    def long() -> int:
        raise InputError(f"{'x y' * 10**5}: must be short")

    def strange() -> int:
        raise ArgumentError("d", "\udcff\x1b[2J" * 1000, "must be a number")

    def says() -> int:
        print("results/\udcff.h5")
        return 0

    for function, end in ((long, ": must be short\n"), (strange, ": must be a number\n")):
        code, out, err = call(function)
        assert (code, out) == (2, "")
        assert err.endswith(end)
        assert err.count("\n") == 1
        assert err.strip().isprintable()
        assert len(err) < 1100
    assert call(says) == (0, "results/\\udcff.h5\n", "")


def test_names_are_no_markup_in_a_progress_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_bar("[/red] a name", 10) as advance:
        advance(1, note="[/]")


NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=100)


@given(NAMES, NAMES)
def test_names_survive_a_round_trip(name: str, zone: str) -> None:
    plain = Scenario.load("tiny")
    zones = [plain.zones[0].model_dump() | {"name": zone}]
    scenario = plain.model_copy(update={"name": name, "zones": zones})
    again = Scenario.from_toml(scenario.to_toml(), scenario.floorplan.to_toml(), "test")
    assert (again.name, again.zones[0].name) == (name, zone)
    assert again == scenario


@pytest.mark.parametrize("name", ["", "a\nb", "a\x00", "a\x85", "a\x9b2J", "a\u2028", "a\ud800", "x" * 101])
def test_names_that_are_none(name: str) -> None:
    refused(lambda: Scenario.load("tiny").model_copy(update={"name": name}), "name")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[grid]\nlinks.d = [1.0]\n'links.d' = [2.0]\n", "grid: links.d stands there twice"),
        ("[set]\nlinks.d = 1.0\n'links.d' = 2.0\n", "set: links.d stands there twice"),
        ("[[list]]\nlinks.d = 1.0\n'links.d' = 2.0\n", "list[0]: links.d stands there twice"),
        (f"[grid]\n{'a.' * 5000}a = [1]\n", "parts"),
        (f"[grid]\n'{'a.' * 5000}a' = [1]\n", "unknown key"),
        (f"[grid]\n'zones.{'9' * 5000}.c' = [0.1]\n", "must be an index below 3"),
        (f"[grid]\n'zones{'.x' * 5000}' = [0.1]\n", "parts"),
        (f"[grid]\n'links.{'x' * 5000}' = 5\n", "must be a list of values"),
        ("[grid]\nzones.0.name = [['a'], {b = 1}]\nzones.top.c = [0.1]\n", "task 0"),
        ("[grid]\npolicy = [5]\n", "policy = 5: must be the name of a file"),
        ("[grid]\nfloorplan = [['a']]\n", "floorplan = ['a']: must be the name of a file"),
        ('[grid]\nfloorplan = ["a\\u0000b"]\n', "floorplan = 'a\\x00b': "),
        ("[grid]\nseed = [true]\n", "seed = True: must be a whole number"),
        ("[grid]\nsteps = [10.0]\n", "steps = 10.0: must be a whole number"),
        ("[grid]\n'' = [1]\n", "unknown key ''"),
        ("[grid]\nlinks.d = [2020-01-01]\n", "grid.links.d.0 = 2020-01-01: is a date"),
    ],
)
def test_axes_that_are_none(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(SWEEP.partition("[grid]")[0] + text, encoding="utf-8")
    refused(lambda: plan_sweep(path, tmp_path / "out"), str(path), part)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Folder of a planned sweep of two tasks."""
    (tmp_path / "s.toml").write_text(SWEEP, encoding="utf-8")
    plan_sweep(tmp_path / "s.toml", tmp_path / "out", batch=2)
    return tmp_path / "out"


def written(out: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a manifest, and make its checksum right again."""
    data = json.loads((out / NAME).read_text().splitlines()[0])
    change(data)
    text = json.dumps(data)
    (out / NAME).write_text(f"{text}\n{hashlib.sha256(text.encode()).hexdigest()}\n")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda data: data["tasks"][0].append(1), "tasks[0]: must have 1 values, one for each key"),
        (lambda data: data["tasks"].__setitem__(0, [10**4000]), "64 bits"),
        (lambda data: data["tasks"].__setitem__(0, ["\ud800"]), "surrogates"),
        (lambda data: data.update(format="x"), "format = 'x'"),
        (lambda data: data.update(record="x"), "record = 'x'"),
        (lambda data: data.update(keys=[""]), "keys[0] = ''"),
        (lambda data: data.update(policy=["a"]), "policy = ['a']"),
        (lambda data: data.update(policy="a"), "policy = 'a': its manifest has none of this name"),
        (lambda data: data["scenario"].pop("floorplan"), "floorplan = None: its manifest has none"),
        (lambda data: data["scenario"].update(floorplan={}), "floorplan = {}: its manifest has none"),
        (
            lambda data: data["floorplans"].update(dict.fromkeys(data["floorplans"], f"x = {'[' * 999}")),
            "deep",
        ),
    ],
)
def test_manifests_that_are_none(out: Path, change: Callable[[dict[str, Any]], object], part: str) -> None:
    written(out, change)
    refused(lambda: Worker(out).sources.task(0), part)


@pytest.mark.parametrize("text", ["5", "[]", "[" * 10**5, '{"a": 1, "a": 2}', "9" * 5000, ""])
def test_what_is_no_manifest_is_damaged(out: Path, text: str) -> None:
    (out / NAME).write_text(f"{text}\n{hashlib.sha256(text.encode()).hexdigest()}\n")
    with pytest.raises(DamagedError):
        Manifest.load(out)


@pytest.mark.parametrize(
    "row",
    [
        5,
        {"task": 0, "zones": 5},
        {"task": 0, "zones": [["a", 1, 2]]},
        {"task": 0, "zones": [["a", "b", "c", "d"]]},
        {"task": 2},
        {"task": -1},
        {"task": "x"},
        {"task": 0, "reason": 5},
        {"task": 0, "recording": []},
        {"task": 10**4000},
    ],
)
def test_results_that_are_none_are_damaged(out: Path, row: object) -> None:
    manifest = Manifest.load(out)
    publish(out, manifest, 0, [Result(0)])
    head = results_of(out, 0).read_text().splitlines()[0]
    for line in (json.dumps(row), "[" * 10**5):
        body = f"{head}\n{line}\n"
        results_of(out, 0).write_text(f"{body}{hashlib.sha256(body.encode()).hexdigest()}\n")
        with pytest.raises(DamagedError) as caught:
            read(out, manifest, 0)
        assert len(str(caught.value)) < 400


def test_what_a_task_says_comes_back_whatever_separates_its_lines(out: Path) -> None:
    manifest = Manifest.load(out)
    result = Result(0, reason="a\u2028b\x85c\x1cd\r\ne")
    publish(out, manifest, 0, [result])
    assert read(out, manifest, 0)[0].reason == result.reason
    assert result.why == "e"
    assert Result(1, reason="").why == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "[]",
        "{}",
        '{"pid": 5}',
        '{"host": "a"}',
        '{"pid": "x", "host": 5}',
        "[" * 9999,
        '{"task": 0}',
        "\xff",
    ],
)
def test_notes_in_locks_that_are_none(out: Path, text: str) -> None:
    path = out / "locks" / "000000.lock"
    path.write_text(text, encoding="latin-1")
    with lock(path) as held:
        assert isinstance(held, Lock)
        assert held.left == {}
        assert process_in(held.left)
    (out / "locks" / "9x.lock").write_text(text, encoding="latin-1")
    (out / "locks" / "999999.lock").write_text(text, encoding="latin-1")
    assert "2 tasks" in "\n".join(status_lines(out))
    path.write_text(json.dumps({"host": "a", "pid": 5, "task": 0}))
    assert Worker(out).batch(0) == 2


@pytest.mark.parametrize(
    "text",
    ["5", "[[0.5]]", "[[true]]", "[[7]]", "[[-1]]", '["0"]', "[5]", "[" * 10**5, f"[[{'9' * 5000}]]", ""],
)
def test_tickets_that_are_none(out: Path, text: str) -> None:
    (out / "slurm" / "abc.json").write_text(text)
    refused(lambda: Arrays(out).batches("abc", 0), "abc.json: has no element 0")


def test_a_sweep_of_which_nothing_is_done_is_gathered(out: Path) -> None:
    write_hdf5(out, collect(out, partial=True), out / "all.h5")
    assert (out / "all.h5").stat().st_size > 0


@pytest.mark.parametrize(
    "text",
    [
        "1_0 2 .5",
        "\N{ARABIC-INDIC DIGIT ONE} 2 .5",
        "0 1 1_0",
        "0 1 nan",
        "0 1 inf",
        f"0 {'9' * 5000} .5",
        "0 1.0 .5",
        "0 1 true",
        f"0 1 {'x' * 10**6}",
        "0\x001",
        f"{2**63} 1 .5",
    ],
)
def test_edges_that_are_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(text, encoding="utf-8")
    refused(lambda: load_footprint(str(path)), str(path), "line 1", "must be two nodes")


def test_edge_lists_of_others(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(b"\xef\xbb\xbf0 1 .5\r\n1 2 .5\r\n")
    assert load_footprint(str(path)).N == 3
    path.write_bytes(b"0 1 \xff\n")
    refused(lambda: load_footprint(str(path)), str(path), "is not text in UTF-8")
    path.write_text("0 16777215 .5\n")
    refused(lambda: load_footprint(str(path)), str(path), "not connected: 16,777,216 nodes")
    for spec in ("x" * 10**5, "a\0b", "star:\N{SUPERSCRIPT TWO}", "star:1_0", "path:inf", "\ud800", ""):
        refused(lambda spec=spec: load_footprint(spec, 0.5))
        refused(lambda spec=spec: footprint_edges(spec, 5), "footprint")


GRAPHML = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="p" for="edge" attr.name="p" attr.type="{}"/><graph edgedefault="undirected">
<node id="a"/><node id="b"/><edge source="a" target="b"><data key="p">{}</data></edge></graph></graphml>"""


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("boolean", "true"),
        ("string", "x" * 10**5),
        ("int", "9" * 4000),
        ("int", "9" * 5000),
        ("double", "&x;"),
        ("double", "nan"),
        ("double", "inf"),
        ("double", "<a>" * 10**4),
        ("x" * 10**5, "1"),
    ],
)
def test_graphs_that_are_none(tmp_path: Path, kind: str, value: str) -> None:
    path = tmp_path / "mine.graphml"
    path.write_text(GRAPHML.format("double", "0.5"))
    assert load_footprint(str(path)).p.tolist() == [0.5]
    path.write_text(GRAPHML.format(kind, value))
    refused(lambda: load_footprint(str(path)), str(path))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("3,", "3.7,"),
        ("3,", '"3",'),
        ("3,", "true,"),
        ("3,", f"{'9' * 5000},"),
        ("3,", '3, "node_count": 4,'),
        ("[11]", "[" * 10**5),
        ("[11]", "[true]"),
        ("[11]", "[11, 11]"),
        ("[11]", f"[{', '.join(map(str, range(2000)))}]"),
        ("[11]", '"11"'),
        ('"2018-01-11T16:00:00"', "5"),
        ('"2018-01-11T16:00:00"', f'"{"x" * 10**5}"'),
        ('"2018-01-11T16:00:00"', '"2018-01-11T16:00:00+00:00"'),
        ("00,0,1", "00Z,0,1"),
        (",0,1,11", ",\N{ARABIC-INDIC DIGIT ONE},0,11"),
        (",0,1,11", ",0,1,1_1"),
        (",0,1,11", f",0,{'1' * 5000},11"),
        (",0.5,", ",1_0,"),
        (",0.5,", ",inf,"),
        (",0.5,", f",{'x' * 10**6},"),
        (HEADER, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")),
        (HEADER, "null"),
    ],
)
def test_traces_that_are_none(tmp_path: Path, old: str, new: str) -> None:
    path, packed = tmp_path / "mine.k7", tmp_path / "mine.k7.gz"
    path.write_text(TRACE)
    assert load_footprint(str(path)).N == 3
    assert old in TRACE
    path.write_text(TRACE.replace(old, new, 1), encoding="utf-8")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for each in (path, packed):
        refused(lambda each=each: load_footprint(str(each)), str(each))


@given(st.integers())
def test_numbers_are_in_ascii(number: int) -> None:
    text = str(number)
    if -(2**63) <= number < 2**63:
        assert whole(text) == json_of(text) == toml_of(f"x = {text}", "x")["x"] == number
    else:
        for read_number in (whole, json_of, lambda text: toml_of(f"x = {text}", "x")):
            with pytest.raises(ValueError, match=r"64 bits|digits"):
                read_number(text)
    assert real(text) == float(text)


@given(
    st.text(
        st.characters(categories=("Nd", "Nl", "No", "Ps")) | st.sampled_from("0123456789.e+-_ "), max_size=6
    )
)
def test_what_is_a_number_for_python_alone_is_none(text: str) -> None:
    strange = not text.isascii() or any(c in text for c in "_ ")
    for read_number in (whole, real):
        try:
            number = read_number(text)
        except ValueError:
            continue
        assert not strange
        assert number == float(text)


@pytest.mark.parametrize("c", [None, "abc", [1, [2]], [[0.1], [0.1], [0.1]], [10**5000] * 3, [True] * 3])
def test_thresholds_that_are_none(c: Any) -> None:
    refused(lambda: Scenario.load("tiny").with_thresholds(c), "c")
