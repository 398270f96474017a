"""Between the arrays of the compiled kernels and plain ones: sets as words, places, the present step."""

import naive
import numpy as np

from cmarlsim.kernels.bits import Words
from cmarlsim.kernels.world import Atlas, Bools, Floats, Places, Present, places_at

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


def no_atlas(zones: int) -> Atlas:
    """The atlas of a world with too many places."""
    return Atlas(
        position=np.empty((0, 2)),
        tile=np.empty(0, dtype=np.int64),
        zones=np.empty((0, max(1, -(-zones // 64))), dtype=np.uint64),
        after=np.empty((0, zones), dtype=np.int32),
        linked=np.empty((0, 0), dtype=np.uint8),
    )


def present(position: Floats, moved: Bools) -> Present:
    """Agents at positions (N, 2), of which nothing else is known."""
    agents = len(position)
    return Present(position, np.full(agents, -1), unset_words(agents, 1), moved)


def packed(place: naive.Place) -> Places:
    """One agent's place, as the package writes it."""
    places = places_at(np.array([place[1]]))
    if place[0] == "edge":
        places.node[0], places.edge[0], places.offset[0] = -1, place[1], place[2]
    return places


def unpacked(places: Places) -> naive.Place:
    node, edge, offset = (int(array[0]) for array in places)
    if node >= 0:
        assert (edge, offset) == (-1, 0)
        return "node", node
    return "edge", edge, offset


def numbered_places(plan: naive.Plan, atlas: Atlas, speed: int) -> list[naive.Place]:
    """The places of an atlas by number: as many as the twin reaches from the waypoints, each one once."""
    place: dict[int, naive.Place] = {p: ("node", p) for p in range(len(plan.point))}
    waiting = list(place)
    while waiting:
        q = waiting.pop()
        for zone in range(len(plan.goal)):
            after, reached = int(atlas.after[q, zone]), naive.advance(plan, place[q], zone, speed)
            if after not in place:
                place[after] = reached
                waiting.append(after)
            assert place[after] == reached
    assert sorted(place) == list(range(len(atlas.tile)))
    assert len(set(place.values())) == len(place)
    return [place[q] for q in range(len(place))]
