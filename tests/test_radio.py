"""Gossip over a radio trace beside its Bernoulli surrogate: what is known by lag, and the command."""

from functools import partial
from pathlib import Path

import naive
import numpy as np
import pandas as pd
import pytest
from commands import Call

from analysis.radio import draw, known_by_lag, measure, radio
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.footprints.proposition2 import cuts_bound, paths_bound
from cmarlsim.footprints.traces import Replay, read_k7

Call = Call


def k7(minutes: int) -> str:
    """Four nodes in a ring; one link fails in every other minute, the others lose packets."""
    lines = [
        '{"node_count": 4, "channels": [11], "start_date": "2020-01-01T00:00:00"}',
        "datetime,src,dst,channel,mean_rssi,pdr,tx_count",
    ]
    for minute in range(minutes):
        for i, j, share in ((0, 1, (minute + 1) % 2), (1, 2, 0.5), (2, 3, 0.5), (0, 3, 0.25)):
            for source, target in ((i, j), (j, i)):
                lines.append(f"2020-01-01T00:{minute:02}:00,{source},{target},11,-70,{share},100")
    return "\n".join(lines) + "\n"


@pytest.fixture
def replay(tmp_path: Path) -> Replay:
    file = tmp_path / "ring.k7"
    file.write_text(k7(11))
    return Replay(read_k7(file), 2)


def test_what_is_known_is_what_the_twin_says() -> None:
    generator, last, steps = np.random.default_rng(1), 4, 30
    footprint = Footprint("ring", 4, np.array([[0, 1], [1, 2], [2, 3], [0, 3]]), np.array(0.5))
    active, counts = generator.random((steps, 4)) < 0.3, np.zeros((last + 1, 4, 4))
    link = naive.links_of(footprint.edges, active)
    for t in range(last, steps):
        counts += naive.freshness(link[: t + 1]) >= t - np.arange(last + 1)[:, None, None]
    found = known_by_lag(footprint, [(0, active[:11]), (11, active[11:])], last)
    assert np.allclose(found, counts / (steps - last), rtol=0, atol=1e-12)


def test_the_surrogate_is_active_as_often_and_stays_between_its_bounds(replay: Replay) -> None:
    assert np.allclose(replay.surrogate.p, [0.5, 0.25, 0.5, 0.5])
    table = measure(replay, runs=2)
    one = table[(table["kind"] == "surrogate") & (table["seed"] == 1)]
    source, agent = replay.surrogate.diametral
    last = len(one) - 1
    for column, bound in (("paths", paths_bound), ("cuts", cuts_bound)):
        assert np.allclose(one[column], bound(replay.surrogate, source, agent, last))
    mean = table.pivot_table("farthest", "lag", "kind")["surrogate"].to_numpy()
    error = 0.1  # two runs of 300 steps
    assert (one["paths"].to_numpy() <= mean + error).all()
    assert (mean <= one["cuts"].to_numpy() + error).all()
    assert len(table) == 4 * (last + 1)


def test_the_figure_draws_means_over_seeds(replay: Replay) -> None:
    table = measure(replay, runs=2)
    for axes, column in zip(draw(table).axes, ("all", "farthest"), strict=True):
        for line, kind in zip(axes.get_lines(), ("replay", "surrogate"), strict=True):
            mine = table[table["kind"] == kind].groupby("lag")[column].mean()
            assert np.allclose(line.get_ydata(), mine)


@pytest.fixture
def call(call: Call) -> Call:
    """Run the command in an empty folder: exit code, stdout, stderr."""
    return partial(call, radio)


def test_the_command(call: Call) -> None:
    Path("ring.k7").write_text(k7(11))
    code, out, err = call("ring.k7", "--step", "6", "--runs", "1")
    assert (code, err) == (0, "")
    assert "4 nodes, 4 edges, d_G = 2, p = 0.25 .. 0.5; 100 steps" in out
    assert sorted(path.name for path in Path("results").iterdir()) == ["radio.csv", "radio.pdf", "radio.png"]
    assert set(pd.read_csv("results/radio.csv")["kind"]) == {"replay", "surrogate"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.k7"], "none.k7: no such file"),
        (["unknown.k7"], "unknown.k7: line 3: unknown node 7: must be from 0 to 3"),
        (["ring.k7", "--step", "1e7"], "step_seconds = 1e+07"),
    ],
)
def test_bad_input_is_one_line(call: Call, arguments: list[str], message: str) -> None:
    Path("ring.k7").write_text(k7(3))
    Path("unknown.k7").write_text(k7(3).replace(",0,1,11", ",0,7,11", 1))
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
