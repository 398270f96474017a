"""What a newcomer gets wrong in Python, and that one clear line says what would be right."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from cmarlsim import (
    ArgumentError,
    DamagedError,
    InputError,
    MisfitError,
    Policy,
    Recording,
    Scenario,
    execute,
    execute_batch,
    learn,
    tiled,
)
from cmarlsim.building.worlds import build_world
from cmarlsim.run import run
from cmarlsim.training.recipe import Recipe

TINY, RANK = Scenario.load("tiny"), Policy.load("rank")
STEPS = 100
Use = Callable[[], Any]


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Where names below are looked for: a recording, what is no recording, and a folder."""
    path = tmp_path_factory.mktemp("misuse")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        execute(TINY, RANK, STEPS, out="run.h5").close()
        Path("junk.h5").write_text("junk")
        Path("bad.toml").write_text("[[x")
        Path("folder").mkdir()
        with h5py.File("other.h5", "w") as file:
            file["x"] = 1
        yield


def go(**changes: Any) -> Use:
    arguments: dict[str, Any] = {"scenario": TINY, "policy": RANK, "steps": STEPS}
    return lambda: execute(**arguments | changes)


def closed() -> Recording:
    recording = Recording.open("run.h5")
    recording.close()
    return recording


ARGUMENTS: dict[str, Use] = {
    "step = 100: execute takes no such argument; did you mean 'steps'?": go(step=100),
    "thread = 2: execute_batch takes no such argument; did you mean 'threads'?": lambda: execute_batch(
        [(TINY, RANK, 0)],
        thread=2,  # type: ignore[call-arg]
    ),
    "epochs = 3: learn takes no such argument": lambda: learn(TINY, epochs=3),  # type: ignore[call-arg]
    "n = 3: tiled takes no such argument; did you mean 'N'?": lambda: tiled(2, 2, n=3),  # type: ignore[call-arg]
    "seeds = 5: must be whole numbers, such as range(5)": go(seeds=5),
    "seeds = '123': must be whole numbers": go(seeds="123"),
    "seed = 1.0: must be a whole number": go(seeds=[1.0]),
    "seed = 1.5: must be a whole number": go(seed=1.5),
    "seed = True: must be a whole number": go(seed=True),
    "seed = -1: must be 0 or more": go(seeds=[-1]),
    "steps = 100.0: must be a whole number": go(steps=100.0),
    "scenario = 'tiny': must be a Scenario, such as Scenario.load gives": go(scenario="tiny"),
    "policy = 'rank': must be a Policy, such as Policy.load gives": go(policy="rank"),
    "steps = '100': must be a whole number": lambda: execute_batch([(TINY, RANK, 0)], "100"),  # type: ignore[arg-type]
    "scenario = <Policy rank: agent n takes its n-th largest multiplier>: must be a Scenario": go(
        scenario=RANK, policy=TINY
    ),
    "record = 'rollouts': must be one of step, rollout, summary": go(record="rollouts"),
    "out = 3: must be the path of a file": go(out=3),
    "out = 'folder': is a folder; name a file in it": go(out="folder"),
    "out = 'run.h5': exists already; add force=True to replace it": go(out="run.h5"),
    "resume = 'yes': must be False, True or 'auto'": go(out="run.h5", resume="yes"),
    "steps = 50: run.h5 holds 100 steps already": go(steps=50, out="run.h5", resume=True),
    "checkpoint = '10 s': must be more than 0 seconds": go(out="new.h5", checkpoint="10 s"),
    "progress = 'yes': must be True, False or a function": go(progress="yes"),
    "batch = <Scenario tiny: 2 agents, 3 zones, T0 = 10, sight-or-disc d = 1 m>: must be tuples": lambda: (
        execute_batch((TINY, RANK, 0))  # type: ignore[arg-type]
    ),
    "threads = 0: must be a whole number, 1 or more": lambda: execute_batch([(TINY, RANK, 0)], threads=0),
    "reference = None: must be the path of a .toml file or a shipped name": lambda: Scenario.load(None),  # type: ignore[arg-type]
    "reference = None: must be the path of a .h5 file or a shipped name": lambda: Policy.load(None),  # type: ignore[arg-type]
    "path = None: must be the path of a file": lambda: Recording.open(None),  # type: ignore[arg-type]
    "overrides = 'links.d 4': must be KEY=VALUE": lambda: Scenario.load("tiny", "links.d 4"),
    "overrides = {'links.d': 4}: must be texts such as": lambda: Scenario.load("tiny", {"links.d": 4}),  # type: ignore[arg-type]
    "networks = 'rank': must be an MLP or None; Policy.load": lambda: Policy("rank"),  # type: ignore[arg-type]
    "file = 'run.h5': must be an open HDF5 file; Recording.open(path) opens one": lambda: Recording("run.h5"),  # type: ignore[arg-type]
    "name = 'lambda': must be one of position, tile": lambda: Recording.open("run.h5").read("lambda"),
    "running = 'steps': must be 'step', 'rollout' or None": lambda: Recording.open("run.h5").margin("steps"),  # type: ignore[arg-type]
    "load = 0: must be above 0": lambda: tiled(1, 1, 4, load=0),
    "load = 'big': must be above 0": lambda: tiled(1, 1, 4, load="big"),  # type: ignore[arg-type]
    "scenario = 'tiny': must be a Scenario": lambda: learn("tiny"),  # type: ignore[arg-type]
    "recipe = 'paper': must be a cmarlsim.training.recipe.Recipe": lambda: learn(TINY, recipe="paper"),  # type: ignore[arg-type]
    "update = 5: must be a dict": lambda: TINY.model_copy(update=5),  # type: ignore[arg-type]
    "c = [0.1]: must be 3 thresholds": lambda: TINY.with_thresholds([0.1]),
    "c = range(0, 1000000000000): must be 3 thresholds": lambda: TINY.with_thresholds(range(10**12)),
    "seeds = array(3): must be whole numbers": go(seeds=np.array(3)),
    "force = 'x': must be True or False": go(force="x"),
    "progress = []: must be True, False or a function": go(progress=[]),
}

OTHERS: dict[str, Use] = {
    "links = None: must be one of auto, dense, sparse": go(links=None),
    "seeds: give no seed beside them": go(seeds=[1], seed=4),
    "resume: needs an out": go(resume=True),
    "new.h5: nothing to continue": go(out="new.h5", resume=True),
    "run.h5: is of another run, these differ: seed": go(seed=1, out="run.h5", resume=True),
    "the policy is for N = 5": go(policy=Policy.load("paper")),
    "folder: is a folder": lambda: Recording.open("folder"),
    ".: is a folder": lambda: Recording.open("."),
    "/: is a folder": lambda: Recording.open("/"),
    "junk.h5: not a readable HDF5 file": lambda: Recording.open("junk.h5"),
    "other.h5: format = None: expected": lambda: Recording.open("other.h5"),
    "run.h5: format = 'cmarlsim-recording/1': expected": lambda: Policy.load("run.h5"),
    "bad.toml: not a readable HDF5 file": lambda: Policy.load("bad.toml"),
    "overrides: 1,000,000,000,000 settings are more": lambda: Scenario.load("tiny", range(10**12)),  # type: ignore[arg-type]
    "run.h5: is not text in UTF-8": lambda: Scenario.load("run.h5"),
    "run.h5: was closed; Recording.open opens it again": lambda: closed().lam,
    "run.h5: recorded at level 'step', which keeps no 'lam_mean'": lambda: Recording.open("run.h5").lam_mean,
    "unknown key d; did you mean 'links.d'?": lambda: Scenario.load("tiny", "d=4"),
    "tiled(2, 2): N = '4': should be a valid integer": lambda: tiled(2, 2, "4"),  # type: ignore[arg-type]
    "Scenario('paper'): takes names, as in (name=..., floorplan=": lambda: Scenario("paper"),  # type: ignore[call-arg]
    "Scenario.load reads a file or a shipped name": lambda: Scenario("paper"),  # type: ignore[call-arg]
    "Recipe: teams = 0: should be greater": lambda: Recipe(teams=0),
    "unknown key nonsense": lambda: TINY.model_copy(update={"nonsense": 1}),
    "Dual.model_copy: alpha = 2: should be less than 1": lambda: TINY.dual.model_copy(update={"alpha": 2}),
    "links.d = 'x': should be a valid number": lambda: TINY.model_copy(
        update={"links": {"model": "always", "d": "x"}}
    ),
    "Dual is frozen, so alpha cannot become 0.5: model_copy(update={'alpha': ...})": lambda: setattr(
        TINY.dual, "alpha", 0.5
    ),
    "Scenario is frozen, so name cannot become 'x': model_copy(update={'name'": lambda: setattr(
        TINY, "name", "x"
    ),
    "c = 0.5: a scenario is frozen; Scenario.load(..., ['zones.NAME.c=...'])": lambda: setattr(
        TINY, "c", 0.5
    ),
    "c[0] = 0.5: a scenario is frozen; Scenario.load(..., ['zones.NAME.c=...'])": lambda: TINY.c.__setitem__(
        0, 0.5
    ),
}

KINDS = {
    "run.h5: is of another run, these differ: seed": MisfitError,
    "the policy is for N = 5": MisfitError,
    "junk.h5: not a readable HDF5 file": DamagedError,
    "bad.toml: not a readable HDF5 file": DamagedError,
} | dict.fromkeys(ARGUMENTS, ArgumentError)


@pytest.mark.parametrize("message", ARGUMENTS | OTHERS)
def test_one_clear_line_says_what_would_be_right(message: str) -> None:
    with pytest.raises(InputError) as caught:
        (ARGUMENTS | OTHERS)[message]()
    assert type(caught.value) is KINDS.get(message, InputError)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert " --" not in str(caught.value)  # options are for commands
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(("key", "meant"), [("zone", "zones"), ("Links", "links"), ("nonsense", None)])
def test_what_was_meant_is_named_where_it_is_alike(key: str, meant: str | None) -> None:
    with pytest.raises(InputError) as caught:
        TINY.model_copy(update={key: 1})
    suggestion = f"; did you mean '{meant}'?" if meant else ""
    assert str(caught.value) == f"Scenario.model_copy: unknown key {key}{suggestion}"


def test_one_override_need_not_stand_in_a_list() -> None:
    assert Scenario.load("tiny", "links.d=4") == Scenario.load("tiny", ["links.d=4"]) != TINY


def test_thresholds_are_read_and_computed_with_like_any_array() -> None:
    c = TINY.c
    before = c.tolist()
    with pytest.raises(InputError, match=r"c\[slice"):
        c[1:] = 0.0
    assert TINY.c.tolist() == before
    for computed in (c - 1, np.array(c), 2 * c, np.sort(np.asarray(c))):
        assert type(computed) is np.ndarray
    assert isinstance(c.sum(), float)
    copy = c.copy()
    copy[0] = 0.5
    assert (copy[0], TINY.c[0]) == (0.5, before[0])
    assert TINY.with_thresholds([0.1, 0.2, 0.3]).c.tolist() == [0.1, 0.2, 0.3]


def test_a_changed_copy_is_a_scenario_like_any_other() -> None:
    """Also where the old one has tables of its range and zones already."""
    _ = TINY.site
    links = TINY.links.model_copy(update={"d": 2.5})
    other, loaded = TINY.model_copy(update={"links": links}), Scenario.load("tiny", "links.d=2.5")
    assert other == loaded
    assert (other.numbered.near == loaded.numbered.near).all()
    assert TINY.model_copy() == TINY
    build_world.cache_clear()
    loaded.__dict__.pop("world")
    assert loaded.world is not other.world
    assert len({other, loaded, TINY}) == 2  # whatever was computed from them


# --- keys that the link model does not use ---


def written(**links: object) -> str:
    Path("links.toml").write_text(TINY.model_copy(update={"links": links}).to_toml("tiny"))
    return "links.toml"


@pytest.mark.parametrize(
    ("links", "overrides", "unused"),
    [
        ({"model": "never", "d": 3.0}, [], "'never' does not use links.d"),
        ({"model": "sight-or-disc", "d": 3.0, "p": 0.5}, [], "'sight-or-disc' does not use links.p"),
        (
            {"model": "always", "d": 1.0, "p": 0.5, "footprint": "path"},
            [],
            "does not use links.d and links.p and links.footprint",
        ),
        ({"model": "bernoulli", "p": 0.5, "footprint": "path"}, ["links.d=3"], "'bernoulli' does not use"),
        ({"model": "sight-or-disc", "d": 3.0}, ["links.model=never", "links.d=2"], "does not use links.d"),
    ],
)
def test_an_unused_key_of_links_is_a_warning(
    links: dict[str, Any], overrides: list[str], unused: str
) -> None:
    path = written(**links)
    with pytest.warns(UserWarning, match=unused) as caught:
        scenario = Scenario.load(path, overrides)
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recording = execute(scenario, RANK, STEPS, out="unused.h5", force=True)
        recording.close()
        assert Recording.open("unused.h5").scenario == scenario
        _ = scenario.model_copy(update={"name": "other"}), scenario.at_range(2.0)


def test_what_a_file_says_of_its_own_model_is_no_warning_for_another() -> None:
    scenario = Scenario.load("tiny", "links.model=never")
    assert scenario.links.unused == ["d"]


def test_commands_show_the_warning_as_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    from commands import outcome

    path = written(model="never", d=3.0)
    arguments = [path, "--policy", "rank", "--steps", "100", "--no-plot", "--out", "warned.h5"]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(warnings, "showwarning", warnings.showwarning)
        warnings.simplefilter("default")
        code, _, err = outcome(run, arguments, capsys)
    assert (code, err) == (0, f"warning: {path}: links.model = 'never' does not use links.d\n")
