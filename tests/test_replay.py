"""Films show what was recorded."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
from commands import Call, Outcome
from matplotlib.colors import to_rgba
from PIL import Image

from cmarlsim import Policy, Recording, Scenario, execute
from cmarlsim.errors import InputError
from cmarlsim.replay import replay
from cmarlsim.report import moments
from cmarlsim.report.canvas import Canvas
from cmarlsim.report.film import Pixels, gif, mp4
from cmarlsim.report.moments import Moment
from cmarlsim.report.panels import MultiplierBars, MultiplierImage, side_by_side
from cmarlsim.report.picture import COLOURS

STEPS, T0 = 300, 10
TEAM = Scenario.load("tiny", ["agents.N=4", "zones.top.name=$t^p$ and a long name"])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "run.h5"
    execute(TEAM, Policy.load("rank"), STEPS, seed=3, out=path, links="dense").close()
    return path


@pytest.fixture
def filmed(recorded: Path, call: Call) -> Callable[..., Outcome]:
    """Film run.h5 in a folder of its own: exit code, stdout, stderr."""
    Path("run.h5").write_bytes(recorded.read_bytes())
    return partial(call, replay, "run.h5")


def made_up(scenario: Scenario, t: int = 7) -> Moment:
    r, N, M = np.random.default_rng(t), scenario.agents.N, scenario.M
    link = np.triu(r.random((N, N)) < 0.5, 1)
    return Moment(t, r.random((N, 2)), link | link.T, r.random(M) < 0.5, r.random((N, M)), r.random(M))


def corners(bars: object) -> np.ndarray:
    """Left, bottom, right, top of every bar of a collection."""
    shapes = np.array([path.vertices for path in bars.get_paths()])  # type: ignore[attr-defined]
    return np.concatenate([shapes.min(axis=1), shapes.max(axis=1)], axis=1)


@pytest.mark.parametrize("links", ["dense", "sparse"])
@pytest.mark.parametrize("steps", [range(300), range(117, 184), range(3, 250, 8), range(290, 999, 999)])
def test_moments_are_what_the_file_says(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, links: str, steps: range
) -> None:
    monkeypatch.setattr(moments, "MOST_ROWS", 7)
    run = execute(TEAM, Policy.load("rank"), STEPS, seed=3, links=links)
    with h5py.File(recorded) as file:
        step = {name: file["step"][name][...] for name in ("position", "link", "reward")}
        lam = file["rollout/lam"][...]
        shown = list(moments.moments(run, steps))
        assert [moment.t for moment in shown] == list(steps)
        for t, moment in zip(steps, shown, strict=True):
            for name, array in step.items():
                assert np.array_equal(getattr(moment, name), array[t])
            assert np.array_equal(moment.lam, lam[t // T0])
            assert np.allclose(moment.satisfaction, step["reward"][: t + 1].mean(axis=0), rtol=0, atol=1e-12)
        peak = max(lam[t // T0].max() for t in steps)
        assert moments.largest_multiplier(run, steps) == peak


def test_a_picture_shows_its_moment(recorded: Path) -> None:
    canvas, zones = Canvas(TEAM, 2.0), [to_rgba(name) for name in COLOURS[:3]]
    with Recording.open(recorded) as run:
        for moment in moments.moments(run, range(40, 300, 65)):
            canvas.draw(moment)
            plan, lam = canvas.plan, canvas.lam
            apart = side_by_side(moment.position, plan.robot_width())
            assert np.array_equal(plan.robots.get_offsets(), apart)
            assert np.array_equal(plan.numbers.get_offsets(), apart)
            pairs = [(a, b) for a in range(4) for b in range(a + 1, 4) if run.link[moment.t, a, b]]
            lines = [run.position[moment.t, [a, b]] for a, b in pairs]
            assert np.array_equal(plan.links.get_segments(), np.array(lines).reshape(-1, 2, 2))
            assert np.array_equal(plan.lit.get_facecolor()[:, 3], run.reward[moment.t])
            assert canvas.clock.get_text() == f"rollout {moment.t // T0}, step {moment.t}"
            assert isinstance(lam, MultiplierBars)
            bars = corners(lam.bars.artist)
            assert np.allclose(bars[:, 3], run.lam[moment.t // T0].ravel())
            middle = bars[:, [0, 2]].mean(axis=1)
            assert np.array_equal(middle.round().astype(int), np.repeat(range(4), 3))  # around their number
            assert (np.diff(middle) > 0).all()
            assert np.allclose(lam.bars.artist.get_facecolor(), zones * 4)
            so_far = corners(canvas.satisfaction.bars.artist)
            assert np.allclose(so_far[:, 3], run.satisfaction(running="step")[moment.t])
            assert np.allclose(so_far[:, [0, 2]].mean(axis=1), range(3))
    assert np.allclose(canvas.satisfaction.bars.artist.get_facecolor(), zones)
    assert np.allclose(canvas.plan.lit.get_facecolor()[:, :3], np.array(zones)[:, :3])
    thresholds = [line[0, 1] for line in canvas.satisfaction.thresholds.get_segments()]
    assert np.array_equal(thresholds, TEAM.c)


def test_attended_zones_are_seen_in_their_colours_and_others_are_pale() -> None:
    canvas = Canvas(TEAM, 1.0)
    aside = made_up(TEAM)._replace(position=np.full((4, 2), 0.5))
    for reward in np.eye(3, dtype=bool):
        pixels = canvas.draw(aside._replace(reward=reward))
        for m, name in enumerate(COLOURS[:3]):
            x, y = canvas.plan.axes.transData.transform(TEAM.zones[m].center)
            seen = pixels[len(pixels) - round(y), round(x)] / 255
            assert np.allclose(seen, to_rgba(name), atol=0.01) == reward[m]


def test_everything_that_changes_is_seen_and_then_gone() -> None:
    canvas, still, other = Canvas(TEAM, 1.0), made_up(TEAM, 7), made_up(TEAM, 8)
    before = canvas.draw(still).copy()
    for name, value in other._asdict().items():
        assert (canvas.draw(still._replace(**{name: value})) != before).any(), name
        assert np.array_equal(canvas.draw(still), before)


def test_many_multipliers_are_an_image_and_many_robots_are_dots() -> None:
    crowd = Scenario.load("tiny", ["agents.N=50"])
    canvas, moment = Canvas(crowd, 1.0), made_up(crowd)
    pixels = canvas.draw(moment)
    assert pixels.shape == (*canvas.shape, 4)
    assert isinstance(canvas.lam, MultiplierImage)
    assert np.array_equal(canvas.lam.image.get_array(), moment.lam.T)
    assert canvas.lam.image.get_clim() == (0, 1)
    assert np.array_equal(canvas.plan.robots.get_offsets(), moment.position)
    assert len(canvas.plan.numbers.get_paths()) == 0
    assert len(canvas.plan.links.get_segments()) == moment.link.sum() // 2


def test_robots_at_one_place_are_seen_side_by_side() -> None:
    position = np.array([[1.0, 2.0], [0.0, 0.0], [1.0, 2.0], [1.0, 2.5], [1.0, 2.0], [0.0, 0.0]])
    x = [0.5, -0.25, 1.0, 1.0, 1.5, 0.25]
    assert np.allclose(side_by_side(position, 0.5), np.column_stack([x, position[:, 1]]))


@pytest.mark.parametrize("size", [(4.0, 1.0), (1.0, 4.0), (60.0, 1.0), (1.0, 60.0)])
def test_buildings_of_any_shape_fit(size: tuple[float, float]) -> None:
    scenario = TEAM.model_dump()
    annexe = {"name": "annexe", "rectangle": (3.0, 0.0, 3.0 + size[0], size[1])}
    scenario["floorplan"]["tiles"] = (*scenario["floorplan"]["tiles"], annexe)
    canvas = Canvas(Scenario.model_validate(scenario), 1.0)
    height, width = canvas.shape
    assert (height % 2, width) == (0, 800)
    assert 500 <= height <= 920
    canvas.draw(made_up(TEAM))
    for text in (canvas.title, canvas.clock):
        assert canvas.plan.axes.bbox.y1 < text.get_window_extent().y0 < height - 10


def blocks(count: int) -> list[Pixels]:
    """Pictures in which blocks of a few colours change; the third is like the second."""
    r = np.random.default_rng(0)
    colours = r.integers(0, 256, (20, 4), dtype=np.uint8) | np.array([0, 0, 0, 255], dtype=np.uint8)
    pictures = [colours[np.zeros((40, 60), dtype=int)]]
    for _ in range(count - 1):
        picture, y, x = pictures[-1].copy(), r.integers(0, 30), r.integers(0, 50)
        picture[y : y + 10, x : x + 10] = colours[r.integers(20)]
        pictures.append(picture)
    pictures[2] = pictures[1].copy()
    return pictures


@pytest.mark.parametrize("rate", [0.5, 7.0, 25.0])
def test_a_gif_holds_the_pictures_and_their_times(tmp_path: Path, rate: float) -> None:
    pictures = blocks(12)
    with gif(tmp_path / "f.gif", rate, pictures) as write:
        for picture in pictures:
            write(picture)
    seconds = 0.0
    with Image.open(tmp_path / "f.gif") as film:
        assert film.n_frames == len(pictures)  # type: ignore[attr-defined]
        assert film.info["loop"] == 0
        for i, picture in enumerate(pictures):
            film.seek(i)
            seconds += film.info["duration"] / 1000
            assert np.array_equal(np.asarray(film.convert("RGB")), picture[..., :3])
            assert abs(seconds - (i + 1) / rate) <= 0.005 + 1e-9


def test_the_film_of_a_command_shows_the_steps_asked_for(filmed: Callable[..., Outcome]) -> None:
    code, out, err = filmed("--out", "films/x.gif", "--from", "115", "--to", "176", "--speed", "50")
    assert (code, out, err) == (0, "film: films/x.gif (31 pictures, 1 s)\n", "")
    steps = range(115, 176, 2)  # 25 pictures a second
    seconds = 0.0
    with Recording.open("run.h5") as run, Image.open("films/x.gif") as film:
        canvas = Canvas(run.scenario, moments.largest_multiplier(run, steps))
        assert film.n_frames == len(steps)  # type: ignore[attr-defined]
        for i, moment in enumerate(moments.moments(run, steps)):
            film.seek(i)
            seconds += film.info["duration"] / 1000
            drawn = canvas.draw(moment)[..., :3].astype(int)
            difference = np.abs(np.asarray(film.convert("RGB")) - drawn)
            assert difference.max() < 64  # another picture has pixels that are black instead of white
            assert difference.mean() < 1
    assert abs(seconds - len(steps) * 2 / 50) < 0.01


def test_a_film_without_wishes_lies_beside_its_recording(filmed: Callable[..., Outcome]) -> None:
    assert filmed("--speed", "1e6")[0] == 0
    with Image.open("run.gif") as film:
        assert getattr(film, "n_frames", 1) == 1
    assert (
        filmed()[2]
        == "error: --out run.gif: exists already; add --force to replace it, or choose another name\n"
    )
    assert filmed("--force", "--to", "9", "--speed", "5")[0] == 0
    with Image.open("run.gif") as film:
        assert film.n_frames == 9  # type: ignore[attr-defined]
        assert film.info["duration"] == 200


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--out", "run.avi"], "--out run.avi: must end in .gif or .mp4, such as run.gif"),
        (["--out", "run.h5"], "--out run.h5: must end in .gif or .mp4, such as run.gif"),
        (["--from", "300"], "--from 300: must be a step of run.h5: 0 to 299"),
        (["--from", "-1"], "--from -1: must be a step of run.h5: 0 to 299"),
        (["--to", "301"], "--to 301: must be more than --from 0 and at most 300, the steps of run.h5"),
        (["--from", "7", "--to", "7"], "--to 7: must be more than --from 7 and at most 300"),
        (["--speed", "0"], "--speed 0: must be from 0.1 to 1e+06 steps per second"),
        (["--speed", "nan"], "--speed nan: must be from 0.1 to 1e+06 steps per second"),
    ],
)
def test_what_cannot_be_filmed_is_one_line(
    filmed: Callable[..., Outcome], arguments: list[str], complaint: str
) -> None:
    code, out, err = filmed(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {complaint}")
    assert err.count("\n") == 1
    assert [path.name for path in Path.cwd().iterdir()] == ["run.h5"]


@pytest.mark.parametrize("folder", [".", "/"])
@pytest.mark.parametrize("more", [(), ("--out", "a.gif")])
def test_a_folder_cannot_be_filmed(call: Call, folder: str, more: tuple[str, ...]) -> None:
    assert call(replay, folder, *more) == (2, "", f"error: {folder}: is a folder; name a file in it\n")


def test_the_level_that_a_film_needs_is_named(filmed: Callable[..., Outcome]) -> None:
    execute(TEAM, Policy.load("rank"), T0, out="run.h5", record="rollout", force=True).close()
    code, _, err = filmed()
    assert code == 2
    assert err.startswith("error: run.h5: recorded at level 'rollout', which does not keep")
    assert err.endswith("a film needs a run recorded with --record step\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_stopped_film_leaves_nothing(
    filmed: Callable[..., Outcome],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    number: signal.Signals,
    suffix: str,
) -> None:
    draw, drawn, there = Canvas.draw, [], Path(f"film{suffix}")
    there.write_text("an older film")
    fake_ffmpeg(tmp_path, monkeypatch, "sys.stdin.buffer.read()")

    def draw_and_stop(canvas: Canvas, moment: Moment) -> Pixels:
        drawn.append(moment.t)
        if len(drawn) == 20:
            os.kill(os.getpid(), number)
        return draw(canvas, moment)

    monkeypatch.setattr(Canvas, "draw", draw_and_stop)
    assert filmed("--out", str(there), "--force") == (130, "", "stopped: no film was written\n")
    assert len(drawn) == 20
    assert there.read_text() == "an older film"
    assert {path.name for path in Path.cwd().iterdir()} == {"run.h5", there.name, "bin"}


def fake_ffmpeg(folder: Path, monkeypatch: pytest.MonkeyPatch, does: str) -> None:
    """Put a program of the name first in the path."""
    program = folder / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable} -I\nimport sys\n{does}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


def test_ffmpeg_is_given_the_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = "open(sys.argv[-1], 'wb').write(' '.join(sys.argv[1:-1]).encode() + sys.stdin.buffer.read())"
    fake_ffmpeg(tmp_path, monkeypatch, keep)
    pictures = blocks(5)
    with mp4(tmp_path / "film", 12.5, (40, 60)) as write:
        for picture in pictures:
            write(picture)
    told = (tmp_path / "film").read_bytes()
    assert told.endswith(b"".join(picture.tobytes() for picture in pictures))
    assert b"-s 60x40 -r 12.5 -i -" in told


def test_an_mp4_takes_its_name_when_ffmpeg_is_done(
    filmed: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ffmpeg(tmp_path, monkeypatch, "open(sys.argv[-1], 'w').write(str(len(sys.stdin.buffer.read())))")
    assert filmed("--out", "film.mp4", "--to", "6")[0] == 0
    height, width = Canvas(TEAM, 1.0).shape
    assert Path("film.mp4").read_text() == str(6 * height * width * 4)


@pytest.mark.parametrize("reads", ["", "sys.stdin.buffer.read();"])
def test_what_ffmpeg_complains_about_is_said(
    filmed: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: str
) -> None:
    fake_ffmpeg(tmp_path, monkeypatch, f"{reads}sys.exit('first\\nno such codec\\n')")
    assert filmed("--out", "film.mp4", "--to", "9") == (2, "", "error: ffmpeg failed: no such codec\n")
    assert {path.name for path in Path.cwd().iterdir()} == {"run.h5", "bin"}


def test_without_ffmpeg_gif_is_recommended(
    filmed: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    code, _, err = filmed("--out", "film.mp4")
    assert code == 2
    assert err.startswith("error: MP4 needs the program ffmpeg, which is not there")
    assert err.endswith(".gif works without\n")
    with pytest.raises(InputError, match="needs the program ffmpeg"), mp4(Path("x"), 1.0, (2, 2)):
        pass
