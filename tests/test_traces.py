"""Radio traces in k7 format: quality over time, replayed as measured and as a Bernoulli surrogate."""

import gzip
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cmarlsim.errors import InputError
from cmarlsim.footprints.activations import Copies, events_of
from cmarlsim.footprints.files import load_footprint
from cmarlsim.footprints.gossip import Gossip
from cmarlsim.footprints.traces import LinkTrace, Replay, read_k7

HEAD = (
    '{"node_count": 3, "channels": [11, 26], "start_date": "2018-01-11T16:00:00.0"}\n'
    "datetime,src,dst,channel,mean_rssi,pdr,tx_count\n"
)
ROWS = (
    "2018-01-11T16:00:00.0,0,1,11,-70,1.0,100\n"
    "2018-01-11T16:00:05.0,1,0,11,-70,0.8,100\n"  # still the first round: counts as time 0
    "2018-01-11T16:00:05.0,1,2,26,-70,1.0,100\n"
    "2018-01-11T16:00:06.0,2,1,26,-70,1.0,100\n"
    "2018-01-11T16:00:10.0,0,1,11,-70,0.4,100\n"  # the first that repeats a direction and channel
    "2018-01-11T16:00:20.0,0,1,26,-70,0.6,100\n"
    "2018-01-11T16:00:20.0,1,0,26,-70,1.0,100\n"
    "2018-01-11T16:00:40.0,2,1,26,-70,0.0,100\n"
)


@pytest.fixture
def trace(tmp_path: Path) -> LinkTrace:
    file = tmp_path / "mine.k7"
    file.write_text(HEAD + ROWS)
    return read_k7(file)


def test_quality_is_the_mean_over_channels_of_the_weaker_direction(trace: LinkTrace) -> None:
    assert (trace.N, trace.edges.tolist(), trace.duration) == (3, [[0, 1], [1, 2]], 40)
    seconds = np.array([0, 9.9, 10, 19, 20, 39, 40, 1000])
    first = [0.4, 0.4, 0.2, 0.2, 0.5, 0.5, 0.5, 0.5]  # min of means: .5 and .4; .2 and .4; .5 and .9
    second = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.0, 0.0]
    assert np.allclose(trace.quality_at(seconds), np.array([first, second]).T, rtol=0, atol=1e-12)


def test_a_gzipped_trace_is_the_same(tmp_path: Path, trace: LinkTrace) -> None:
    file = tmp_path / "mine.k7.gz"
    file.write_bytes(gzip.compress((HEAD + ROWS).encode()))
    for name in ("edges", "time", "edge", "quality"):
        assert np.array_equal(getattr(read_k7(file), name), getattr(trace, name))


def test_packets_get_lost_as_often_as_measured(trace: LinkTrace) -> None:
    """Within five standard deviations."""
    replay = Replay(trace, 0.001)
    rows = np.concatenate([active for _, active in replay.active_steps(3)])
    assert len(rows) == replay.steps == 40_000
    for begin, end, first in ((0, 10, 0.4), (10, 20, 0.2), (20, 40, 0.5)):
        mine = rows[begin * 1000 : end * 1000]
        for share, quality in zip(mine.mean(axis=0), (first, 0.5), strict=True):
            assert abs(share - quality) < 5 * math.sqrt(quality * (1 - quality) / len(mine))
    assert np.allclose(replay.surrogate.p, [(0.4 * 10 + 0.2 * 10 + 0.5 * 20) / 40, 0.5])
    assert not np.array_equal(rows, np.concatenate([active for _, active in replay.active_steps(4)]))


def test_both_engines_replay_it_alike(trace: LinkTrace) -> None:
    replay = Replay(trace, 1)
    steps, events = Gossip(Copies(replay.surrogate)), Gossip(Copies(replay.surrogate))
    steps.steps(replay.active_steps(1))
    events.events(events_of(*chunk) for chunk in replay.active_steps(1))
    assert np.array_equal(steps.fresh(39), events.fresh(39))
    assert steps.fresh(39)[0, 0, 2] > 0


def test_edges_that_are_never_up_are_left_out(trace: LinkTrace) -> None:
    never = replace(trace, quality=trace.quality * [1, 1, 0, 0, 1, 1, 1, 0])
    with pytest.raises(InputError, match=r"mine.k7: not connected, its components are \[0, 1\], \[2\]"):
        Replay(never, 5)


@pytest.mark.parametrize("step_seconds", [0, 41])
def test_steps_that_cannot_be(trace: LinkTrace, step_seconds: float) -> None:
    with pytest.raises(
        InputError, match=f"step_seconds = {step_seconds}: must be above 0, and at most .* 40 s"
    ):
        Replay(trace, step_seconds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: must be JSON with node_count, channels and start_date"),
        (HEAD.replace("node_count", "nodes") + ROWS, "line 1: .*node_count"),
        (HEAD.replace("[11, 26]", "[]") + ROWS, "no channels"),
        (HEAD.replace("pdr", "loss") + ROWS, "line 2: must be datetime,src,dst,channel"),
        (HEAD, "has no rows"),
        (HEAD + "\n" + ROWS.replace(",1,2,26", ",1,3,26"), "line 6: unknown node 3: must be from 0 to 2"),
        (HEAD + ROWS.replace("2,1,26,-70,0.0", "-1,1,26,-70,0.0"), "line 10: unknown node -1"),
        (HEAD + ROWS.replace("0,1,26", "1,1,26"), "line 8: a link from node 1 to itself"),
        (HEAD + ROWS.replace("0,1,26", "0,1,27"), "line 8: unknown channel 27: must be one of 11, 26"),
        (HEAD + ROWS.replace("0.6", "1.6"), "line 8: pdr = 1.6: must be from 0 to 1"),
        (HEAD + ROWS.replace("0.6", "nan"), "line 8: .*nan.* must be datetime,src"),
        (HEAD + ROWS.replace("0.6", "x"), "line 8: '.*' must be datetime,src"),
        (HEAD + ROWS.replace("0.6,100", "0.6"), "line 8"),
        (
            HEAD + ROWS.replace("16:00:40", "16:00:19"),
            "line 10: time runs backwards: .*16:00:19 after .*16:00:20",
        ),
        (HEAD + ROWS.replace("16:00:00", "15:59:59"), "line 3: time runs backwards"),
    ],
)
def test_traces_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.k7"
    file.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_footprint(str(file))
    assert str(caught.value).startswith(str(file))


def test_a_single_round_of_measurements_cannot_be_replayed(tmp_path: Path) -> None:
    file = tmp_path / "mine.k7"
    file.write_text(HEAD + "".join(ROWS.splitlines(keepends=True)[:4]))
    with pytest.raises(InputError, match="nothing changes after the first round of measurements"):
        load_footprint(str(file))


def test_damaged_and_missing_files(tmp_path: Path) -> None:
    file = tmp_path / "mine.k7.gz"
    with pytest.raises(InputError, match="no such file"):
        read_k7(file)
    whole = gzip.compress((HEAD + ROWS).encode())
    file.write_bytes(whole[:-30])
    with pytest.raises(InputError, match="damaged"):
        read_k7(file)
    file.write_text(HEAD + ROWS)
    with pytest.raises(InputError, match=r"[Nn]ot a gzipped file"):
        read_k7(file)


def test_a_trace_is_a_footprint(tmp_path: Path, trace: LinkTrace) -> None:
    footprint = load_footprint(trace.name)
    assert footprint.edges.tolist() == [[0, 1], [1, 2]]
    assert np.allclose(footprint.p, [(0.4 + 0.2 + 0.5 + 0.5) / 4, 0.5])
    assert load_footprint(trace.name, 0.1).p.tolist() == [0.1, 0.1]
