"""Between the arrays of the compiled kernels and plain ones: sets as words, places, the present step."""

from collections.abc import Iterator

import naive
import numpy as np

from cmarlsim.building.visibility import NO_VISIBILITY, stretches_of
from cmarlsim.kernels.bits import Words
from cmarlsim.kernels.changes import new_log
from cmarlsim.kernels.engine import log_arrivals
from cmarlsim.kernels.scene import Rules, Scene, new_scene
from cmarlsim.kernels.world import Bools, Floats, Ints, Locations, NumberedPlaces, Site, World, locations_at
from cmarlsim.policies.policy import Policy
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run

FULL = np.uint64(2**64 - 1)


def words_of(members: Bools) -> Words:
    """Sets (..., words) of bool arrays (..., elements)."""
    *shape, elements = members.shape
    words = np.zeros((*shape, max(1, -(-elements // 64))), dtype=np.uint64)
    for i in range(elements):
        words[..., i // 64] |= members[..., i].astype(np.uint64) << np.uint64(i % 64)
    return words


def bools_of(words: Words, elements: int) -> Bools:
    """Bool arrays (..., elements) of sets (..., words), which hold nothing else."""
    i = np.arange(64 * words.shape[-1])
    members = (words[..., i // 64] >> (i % 64).astype(np.uint64)) & np.uint64(1) == 1
    assert not members[..., elements:].any()
    return members[..., :elements]


def unset_words(*shape: int) -> Words:
    """Sets for a kernel to overwrite: until then they hold everything."""
    return np.full(shape, FULL)


def no_numbers(zones: int) -> NumberedPlaces:
    """The numbered places of a world with too many."""
    return NumberedPlaces(
        position=np.empty((0, 2)),
        stretch=np.empty(0, dtype=np.int64),
        tile=np.empty(0, dtype=np.int64),
        zones=np.empty((0, max(1, -(-zones // 64))), dtype=np.uint64),
        after=np.empty((0, zones), dtype=np.int32),
        near=np.empty((0, 1), dtype=np.uint64),
    )


def stretches(world: World) -> Floats:
    return stretches_of(world)[0].ends


def site_without_numbers(scenario: Scenario) -> Site:
    return Site(scenario.world, no_numbers(scenario.M), scenario.visibility)


def sites(scenario: Scenario) -> list[Site]:
    """All ways to look at the world: along its stretches, with numbered places too, and with that alone."""
    found = [site_without_numbers(scenario)]
    if len(scenario.numbered.tile):
        found.append(found[0]._replace(numbered=scenario.numbered))
        if scenario.agents.N <= 64:
            found.append(found[1]._replace(visibility=NO_VISIBILITY))
    return found


def run_on(scenario: Scenario, policy: Policy, site: Site, seed: int) -> Run:
    """A run that looks at its world in another way."""
    run = Run(scenario, policy, seed)
    run._site = site
    run._scene = new_scene(site, run._rules, run._weights, scenario.agents.N, scenario.dual.T0)
    return run


def roomy_scene(site: Site, rules: Rules, agents: int, T0: int) -> Scene:
    """A scene for the policy that ranks, with room in its log for all that can happen in a step."""
    weights = Policy.load("rank").weights(agents, site.world)
    scene = new_scene(site, rules, weights, agents, T0)
    most = agents * (agents + len(site.world.goal)) + len(rules.links.footprint)
    return scene._replace(log=new_log(most))


def looked_at(scenario: Scenario, edge: Ints, position: Floats) -> Iterator[Scene]:
    """Agents that stand, step by step, on points of stretches of way; (T, N) and (T, N, 2).

    Who does not move does not arrive. Without an numbered: all is found by looking along the stretches.
    """
    site, rules, (steps, agents) = site_without_numbers(scenario), scenario.rules(), edge.shape
    scene = roomy_scene(site, rules, agents, steps)
    for t in range(steps):
        moved = np.ones(agents, dtype=np.bool_)
        if t > 0:
            moved = (position[t] != position[t - 1]).any(axis=1) | (edge[t] != edge[t - 1])
        scene.trajectory.arriving[t] = words_of(moved)
        scene.trajectory.place[t] = edge[t]
        scene.trajectory.position[t, moved] = position[t, moved]
        scene.log.length[0] = 0
        log_arrivals(site, rules.links, scene, t)
        yield scene


def packed(place: naive.Place) -> Locations:
    """One agent's place, as the package writes it."""
    locations = locations_at(np.array([place[1]]))
    if place[0] == "edge":
        locations.node[0], locations.edge[0], locations.offset[0] = -1, place[1], place[2]
    return locations


def unpacked(locations: Locations) -> naive.Place:
    node, edge, offset = (int(array[0]) for array in locations)
    if node >= 0:
        assert (edge, offset) == (-1, 0)
        return "node", node
    return "edge", edge, offset


def numbered_places(plan: naive.Plan, numbered: NumberedPlaces, speed: int) -> list[naive.Place]:
    """The numbered places: as many as the twin reaches from the waypoints, each one once."""
    place: dict[int, naive.Place] = {p: ("node", p) for p in range(len(plan.point))}
    waiting = list(place)
    while waiting:
        q = waiting.pop()
        for zone in range(len(plan.goal)):
            after, reached = int(numbered.after[q, zone]), naive.advance(plan, place[q], zone, speed)
            if after not in place:
                place[after] = reached
                waiting.append(after)
            assert place[after] == reached
    assert sorted(place) == list(range(len(numbered.tile)))
    assert len(set(place.values())) == len(place)
    return [place[q] for q in range(len(place))]
