"""Files that are a little wrong: each is read, or told to be wrong in one line, and nothing else happens."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image
from test_maps_movingai import ROWS, text
from test_maps_patrol import drawn

from cmarlsim.errors import InputError
from cmarlsim.maps import sources
from cmarlsim.maps.draft import Edge, WayGraph
from cmarlsim.maps.formats.movingai import read_movingai
from cmarlsim.maps.formats.patrol import read_patrol_graph, write_patrol_graph
from cmarlsim.maps.formats.ros import read_plan_picture, read_ros_map
from cmarlsim.maps.formats.routes import read_route_graph, write_route_graph
from cmarlsim.maps.raster import Raster
from cmarlsim.maps.ways.rerouting import building_of

WORDS = [
    b"",
    b"0",
    b"-1",
    b"nan",
    b"1e999",
    b"9" * 30,
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"true",
    b"1_000",
    b"2001-01-01",
]
STRANGE = [
    b"\x00",
    b"\xff\xfe",
    b"&a ",
    b"*a",
    b"!!python/object:os.system ",
    b"#",
    b"\n",
    b"\\ud800",
    b"? ",
    b"- ",
]

Reader = Callable[[Path], object]


def mutated(data: bytes, r: Random) -> bytes:
    for _ in range(r.choice([1, 1, 2, 5])):
        i = r.randrange(len(data) + 1)
        j = min(len(data), i + r.choice([1, 2, 30]))
        words = [found.span() for found in re.finditer(rb"[^\s,:\[\]{}]+", data[:5000])] or [(0, 0)]
        k, n = r.choice(words)
        data = r.choice(
            [
                data[:i] + bytes([r.randrange(256)]) + data[i + 1 :],
                data[:i] + data[j:],
                data[:i],
                data[:i] + r.choice(STRANGE) + data[i:],
                data[:j] + data[i:],
                data[:k] + r.choice(WORDS) + data[n:],
                data[:k] + r.choice(WORDS) + data[n:],
            ]
        )
    return data


def picture(kind: str, mode: str) -> bytes:
    values = np.random.default_rng(0).integers(0, 256, (12, 9, 4), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def originals(folder: Path) -> list[tuple[str, bytes, Reader]]:
    """Names of files, what is in them, and what reads them."""
    graph = drawn(3)
    write_patrol_graph(graph, folder / "a.graph", 0.05)
    write_route_graph(graph, folder / "a.geojson")
    (folder / "plan.png").write_bytes(picture("PNG", "L"))
    yaml = b"image: plan.png\nresolution: 0.05\norigin: [-1.5, 2, 0.1]\nnegate: 0\nmode: trinary\n"
    yaml += b"occupied_thresh: 0.65\nfree_thresh: 0.196\n"
    kinds = [
        ("PNG", "L"),
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("BMP", "RGB"),
        ("JPEG", "RGB"),
        ("GIF", "P"),
        ("TIFF", "L"),
    ]
    plan: Reader = lambda path: read_plan_picture(path, 0.05)  # noqa: E731
    return [
        *[("a.picture", picture(*kind), plan) for kind in kinds],
        ("a.picture", b"P2\n# by hand\n3 2\n7\n0 1 2\n3 4 7\n", plan),
        ("a.picture", b"P5 3 2 1000\n" + bytes([0, 1] * 6), plan),
        ("a.yaml", yaml, read_ros_map),
        ("a.map", text(ROWS).encode(), lambda path: read_movingai(path, 0.5)),
        ("a.graph", (folder / "a.graph").read_bytes(), read_patrol_graph),
        ("a.geojson", json.dumps(json.loads((folder / "a.geojson").read_text())).encode(), read_route_graph),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_mutations_are_read_or_told_in_one_line(
    tmp_path: Path, seed: int, capfd: pytest.CaptureFixture[str]
) -> None:
    r = Random(seed)
    problems = []
    for name, data, read in originals(tmp_path):
        (tmp_path / name).write_bytes(data)
        read(tmp_path / name)
        for _ in range(40):
            (tmp_path / name).write_bytes(mutated(data, r))
            before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
            try:
                found = read(tmp_path / name)
            except InputError as error:
                problems.append(str(error))
            else:
                check(found)
            assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert len(problems) > 100
    assert all(problem.startswith(str(tmp_path)) and "\n" not in problem for problem in problems)
    assert capfd.readouterr() == ("", "")


def check(found: object) -> None:
    """What came of a file that is a little wrong is of use: finite, of one piece."""
    assert isinstance(found, tuple)
    if isinstance(found[0], Raster):
        assert not (found[0].free & found[0].occupied).any()
        assert np.isfinite([found[0].resolution, *found[0].origin]).all()
        if found[0].free.any():
            building_of(found[0], None)
    else:
        graph = found[0]
        assert np.isfinite(graph.position).all()
        assert len(set(graph.names)) == len(graph.names) == len(graph.position)
        assert all(edge.length is None or 0 < edge.length < 1e9 for edge in graph.edges)


def test_too_many_waypoints_are_told_before_ways_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = sources.MOST_WAYPOINTS + 1
    points = np.stack([np.arange(count) * 0.01, np.zeros(count)], axis=1)
    chain = tuple(Edge(i, i + 1) for i in range(count - 1))
    write_route_graph(
        WayGraph(tuple(f"v{i}" for i in range(count)), points, chain), tmp_path / "long.geojson"
    )
    (tmp_path / "hall.map").write_text(text(ROWS))
    monkeypatch.setattr(sources, "draft_of_raster", lambda *_: pytest.fail("it was used"))
    asked = sources.Asked(graph=tmp_path / "long.geojson", resolution=1.0)
    with pytest.raises(InputError, match=r"long\.geojson: 5,001 waypoints are more than the 5,000"):
        sources.import_building(tmp_path / "hall.map", asked)


def test_ways_that_stand_many_times_are_told_once(tmp_path: Path) -> None:
    again = "1 E 10\n" * 20_000
    (tmp_path / "many.graph").write_text(f"2 100 100 0.1 0 0\n0 10 10 20000\n{again}1 20 10 1\n0 W 10\n")
    began = time.monotonic()
    _, remarks = read_patrol_graph(tmp_path / "many.graph")
    assert [remark.text for remark in remarks if "more than once" in remark.text] == [
        "These stand in the file more than once, and the shortest counts: v0-v1."
    ]
    assert time.monotonic() - began < 20
