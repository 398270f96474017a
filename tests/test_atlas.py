"""The atlas: what it says of its places is what the kernels compute there, and it never shows in a run."""

import naive
import numpy as np
import pytest
import worlds
from cases import COMPILED, Case, corridor, policy_of, scenario_of, shipped_case
from hypothesis import assume, given
from kernels import no_atlas, numbered_places, packed, unpacked, unset_words

import cmarlsim.atlas
from cmarlsim.execution import Run
from cmarlsim.kernels.bits import words_for
from cmarlsim.kernels.links import near_or_in_sight, sight_or_disc
from cmarlsim.kernels.motion import advance, position_of
from cmarlsim.kernels.observing import observe_zones, tile_of
from cmarlsim.kernels.world import NO, UNKNOWN, YES, Atlas, places_at
from cmarlsim.learning.policy import Policy
from cmarlsim.scenario import Scenario

ROLLOUTS = 40 if COMPILED else 3


def has_atlas(case: Case) -> bool:
    return len(scenario_of(case).atlas.tile) > 0


def check_places(case: Case) -> None:
    """Also that moves lead from places of the atlas to places of the atlas, and that each is there once."""
    scenario = scenario_of(case)
    world, atlas, speed = scenario.world, scenario.atlas, scenario.speed_ticks
    numbered = numbered_places(naive.build_plan(case.scenario, case.floorplan), atlas, speed)
    waypoints = len(world.waypoint)
    assert numbered[:waypoints] == [("node", p) for p in range(waypoints)]
    assert (atlas.position[:waypoints] == world.waypoint).all()
    zones = unset_words(words_for(scenario.M))
    for q, place in enumerate(numbered):
        x, y = position_of(world, packed(place), 0)
        assert atlas.position[q].tolist() == [x, y]
        assert atlas.tile[q] == tile_of(world, x, y) >= 0
        observe_zones(world, x, y, zones)
        assert atlas.zones[q].tolist() == zones.tolist()
        for zone in range(scenario.M):
            after = packed(place)
            advance(world, after, 0, zone, speed)
            assert numbered[atlas.after[q, zone]] == unpacked(after)


@pytest.mark.parametrize(
    ("name", "speed"), [("paper", 1.0), ("paper", 2.5), ("paper", 30.0), ("tiny", 1.0), ("tiny", 0.3)]
)
def test_places_of_shipped_plans_are_what_the_kernels_compute(name: str, speed: float) -> None:
    case = shipped_case(name)
    case.scenario["agents"]["speed"] = speed
    check_places(case)


@given(worlds.random_cases())
def test_places_of_random_worlds_are_what_the_kernels_compute(case: Case) -> None:
    assume(has_atlas(case))
    check_places(case)


def test_places_in_more_than_64_zones_are_what_the_kernels_compute() -> None:
    case = corridor(cells=70, agents=2)
    for zone in case.scenario["zones"]:
        zone["radius"] = 80.0
    check_places(case)
    assert (scenario_of(case).atlas.zones == [2**64 - 1, 2**6 - 1]).all()


@pytest.mark.parametrize(("name", "places"), [("paper", 592), ("tiny", 4)])
def test_too_many_places_give_an_empty_atlas(monkeypatch: pytest.MonkeyPatch, name: str, places: int) -> None:
    scenario = Scenario.load(name)
    discs = tuple((zone.center, zone.radius) for zone in scenario.zones)
    build = cmarlsim.atlas.build_atlas.__wrapped__  # not the remembered one
    for most in (places, places - 1, 1):
        monkeypatch.setattr(cmarlsim.atlas, "MOST_PLACES", most)
        atlas: Atlas = build(scenario.floorplan, discs, scenario.speed_ticks, 0.0)
        assert len(atlas.tile) == (places if places <= most else 0)
        if places > most:
            for found, expected in zip(atlas, no_atlas(scenario.M), strict=True):
                assert (found.shape, found.dtype) == (expected.shape, expected.dtype)


# --- the memo of links ---


def forgetful(atlas: Atlas) -> Atlas:
    """The same atlas, with nothing in its memo."""
    return atlas._replace(linked=np.zeros_like(atlas.linked))


def check_memo(scenario: Scenario, atlas: Atlas) -> int:
    """Whatever is in the memo is what the kernel computes; the number of pairs in it."""
    assert (atlas.linked == atlas.linked.T).all()
    known = np.argwhere(np.triu(atlas.linked != UNKNOWN)).tolist()
    d = float(scenario.links.d or 0.0)
    for a, b in known:
        up = near_or_in_sight(scenario.world, d, *atlas.position[a], *atlas.position[b])
        assert atlas.linked[a, b] == (YES if up else NO)
    return len(known)


def check_recall(scenario: Scenario, node: list[int]) -> None:
    """Agents at these places, asked about in pairs: the second time, their positions are not read."""
    atlas, world, agents = forgetful(scenario.atlas), scenario.world, len(node)
    places, d = places_at(np.array(node)), float(scenario.links.d or 0.0)
    position, lost = atlas.position[node], np.full((agents, 2), np.nan)
    for i, j in np.ndindex(agents, agents):
        up = near_or_in_sight(world, d, *position[i], *position[j])
        assert sight_or_disc(world, atlas, d, places, position, i, j) == up
        assert sight_or_disc(world, atlas, d, places, lost, i, j) == up
        assert sight_or_disc(world, atlas, d, places, lost, j, i) == up
    assert check_memo(scenario, atlas) == len(set(node)) * (len(set(node)) + 1) // 2


@given(worlds.random_cases("sight-or-disc"), worlds.seeds)
def test_links_are_remembered_as_they_are(case: Case, seed: int) -> None:
    assume(has_atlas(case))
    scenario = scenario_of(case)
    node = np.random.default_rng(seed).integers(len(scenario.atlas.tile), size=8)
    check_recall(scenario, node.tolist())


@pytest.mark.parametrize("d", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("name", ["paper", "tiny"])
def test_links_on_shipped_plans_are_remembered_as_they_are(name: str, d: float) -> None:
    scenario = Scenario.load(name, [f"links.d={d}"])
    count = len(scenario.atlas.tile)
    check_recall(scenario, np.random.default_rng(3).permutation(count)[:40].tolist())


def test_the_memo_of_one_range_is_not_that_of_another() -> None:
    near, far = (Scenario.load("paper", [f"links.d={d}"]) for d in (2.0, 9.0))
    for scenario in (near, far, near):
        Run(scenario, Policy.load("rank"), 1).advance(2, keep_steps=False)
    assert near.atlas is not far.atlas
    both = (near.atlas.linked != UNKNOWN) & (far.atlas.linked != UNKNOWN)
    assert (near.atlas.linked[both] != far.atlas.linked[both]).any()


# --- runs ---


def check_same_bits(case: Case, policy: Policy, rollouts: int) -> None:
    """The same run with the atlas and without, over all arrays; and what it left in the memo."""
    scenario = scenario_of(case)
    atlas = forgetful(scenario.atlas)
    looked_up, computed = (Run(scenario, policy, 12) for _ in range(2))
    looked_up._atlas, computed._atlas = atlas, no_atlas(scenario.M)
    for _ in range(2):  # the second time with much in the memo
        traces = [run.advance(rollouts, keep_steps=True) for run in (looked_up, computed)]
        for name, found, expected in zip(traces[0]._fields, *traces, strict=True):
            assert (found.shape, found.dtype) == (expected.shape, expected.dtype), name
            assert found.tobytes() == expected.tobytes(), name
    known = check_memo(scenario, atlas)
    assert (known > 0) == (scenario.links.model == "sight-or-disc" and scenario.agents.N > 1)


@pytest.mark.parametrize(
    "links",
    [
        {"model": "sight-or-disc", "d": 4.0},
        {"model": "sight-or-disc", "d": 0.0},
        {"model": "bernoulli", "p": 0.02, "footprint": "cycle"},
        {"model": "always"},
        {"model": "never"},
    ],
    ids=lambda links: links["model"],
)
@pytest.mark.parametrize(("name", "policy"), [("paper", "rank"), ("paper", "paper"), ("tiny", "rank")])
def test_the_atlas_does_not_show_on_shipped_plans(links: naive.Toml, name: str, policy: str) -> None:
    case = shipped_case(name)
    case = case._replace(scenario=case.scenario | {"links": links})
    check_same_bits(case, Policy.load(policy), ROLLOUTS)


@pytest.mark.parametrize("model", worlds.MODELS)
@given(seed=worlds.seeds)
def test_the_atlas_does_not_show_on_random_worlds(model: str, seed: int) -> None:
    case = worlds.random_case(seed, model)
    assume(has_atlas(case))
    check_same_bits(case, policy_of(case), 4)


def test_the_atlas_does_not_show_with_sets_of_more_than_64() -> None:
    case = corridor(cells=70, agents=68)
    for links in (case.scenario["links"], {"model": "sight-or-disc", "d": 1.0}):
        check_same_bits(case._replace(scenario=case.scenario | {"links": links}), policy_of(case), 1)
