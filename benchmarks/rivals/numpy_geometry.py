"""Motion and sight for all agents at once, in NumPy: what a floor plan gives is tabulated beforehand."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.world import TIE, TOLERANCE, Bools, Floats, Ints, World

_NEVER = np.iinfo(np.int64).max


class Motion:
    """Agents on edges of the waypoint graph; one that stands at waypoint p is on the extra edge E + p.

    Extra edges have the length 0, so that standing and walking are one case.

    Parameters
    ----------
    world
        Its ways are followed for up to `speed` ticks beforehand: how far the waypoints on them are.
    speed
        Ticks a step.
    """

    def __init__(self, world: World, speed: int, agents: int) -> None:
        self._rows = np.arange(agents)
        waypoints = np.arange(len(world.waypoint))
        ends = np.vstack([world.edge, np.stack([waypoints, waypoints], axis=1)])
        self._first, self._second = ends.T.copy()
        self._length = np.concatenate([world.edge_ticks, np.zeros_like(waypoints)])
        self._origin = world.waypoint[self._first]
        self._span = world.waypoint[self._second] - self._origin
        self._divisor = np.maximum(self._length, 1)
        self._zones, self._speed, self._edges = world.to_go.shape[1], speed, len(world.edge)
        stay = (len(world.edge) + waypoints)[:, None]
        self._next_edge = np.where(world.next_edge < 0, stay, world.next_edge)
        passed, after = self._tabulate(world.next_edge)
        self._hops = passed.shape[-1]
        self._passed, self._after = passed.reshape(-1, self._hops), after.ravel()
        self._to_go, self._next_edge = world.to_go.ravel(), self._next_edge.ravel()

    def _tabulate(self, next_edge: Ints) -> tuple[Ints, Ints]:
        """Waypoints on the way from p to zone m within a step: after how many ticks, and which, (P, M, H)."""
        node = np.repeat(np.arange(len(next_edge))[:, None], next_edge.shape[1], axis=1)
        zone = np.broadcast_to(np.arange(next_edge.shape[1]), node.shape)
        ticks, passed, after = np.zeros_like(node), [], []
        while (ticks <= self._speed).any():
            passed.append(ticks)
            after.append(node)
            edge = self._next_edge[node, zone]
            ended = (next_edge[node, zone] < 0) | (ticks == _NEVER)
            ticks = np.where(ended, _NEVER, ticks + self._length[edge])
            node = np.where(self._first[edge] == node, self._second[edge], self._first[edge])
        return np.stack(passed, axis=-1), np.stack(after, axis=-1)

    def at(self, waypoints: Ints) -> tuple[Ints, Ints]:
        """Edges and offsets of agents that stand at waypoints."""
        return self._edges + waypoints, np.zeros_like(waypoints)

    def position(self, edge: Ints, offset: Ints) -> Floats:
        """Coordinates in metres, (N, 2)."""
        return self._origin[edge] + (offset / self._divisor[edge])[:, None] * self._span[edge]

    def step(self, edge: Ints, offset: Ints, zone: Ints) -> tuple[Ints, Ints]:
        """Edges and offsets one step further towards each agent's zone."""
        first, second = self._first[edge], self._second[edge]
        ahead = self._length[edge] - offset
        to_first = self._to_go[first * self._zones + zone]
        forward = ahead + self._to_go[second * self._zones + zone] + TIE < offset + to_first
        way = np.where(forward, second, first) * self._zones + zone
        left = self._speed - np.where(forward, ahead, offset)
        passed = self._passed[way]
        hops = (passed <= left[:, None]).sum(axis=1)
        arrives, last = hops > 0, np.maximum(hops, 1) - 1
        rest = left - passed[self._rows, last]
        node = self._after[way * self._hops + last]
        entered = np.where(rest == 0, self._edges + node, self._next_edge[node * self._zones + zone])
        length = self._length[entered]
        rest = np.minimum(rest, length)
        inside = np.where(self._first[entered] == node, rest, length - rest)
        onward = offset + np.where(forward, self._speed, -self._speed)
        return np.where(arrives, entered, edge), np.where(arrives, inside, onward)


class Sight:
    """Who is within `d` metres of whom, or sees them past the walls (Section V-B)."""

    def __init__(self, world: World, d: float, agents: int) -> None:
        self._i, self._j = np.triu_indices(agents, 1)
        self._reach = (d + TOLERANCE) ** 2
        self._wall = world.wall
        x, y = world.wall[:, ::2], world.wall[:, 1::2]
        self._low_x, self._low_y = x.min(axis=1) - TOLERANCE, y.min(axis=1) - TOLERANCE
        self._high_x, self._high_y = x.max(axis=1) + TOLERANCE, y.max(axis=1) + TOLERANCE
        self._slack = 2 * TOLERANCE * np.ptp(world.bounds.reshape(2, 2), axis=0).sum() ** 3

    def links(self, position: Floats) -> Bools:
        """(N, N) links of agents at positions (N, 2)."""
        x, y = position.T
        ax, ay, bx, by = x[self._i], y[self._i], x[self._j], y[self._j]
        up = (ax - bx) ** 2 + (ay - by) ** 2 <= self._reach
        far = (~up).nonzero()[0]
        if far.size:
            up[far] = self._clear(ax[far], ay[far], bx[far], by[far])
        link = np.zeros((len(position), len(position)), dtype=bool)
        link[self._i, self._j] = link[self._j, self._i] = up
        return link

    def _clear(self, ax: Floats, ay: Floats, bx: Floats, by: Floats) -> Bools:
        """Whether each segment a-b keeps clear of all walls: only those whose boxes meet are looked at."""
        meets_x = (np.minimum(ax, bx)[:, None] <= self._high_x) & (np.maximum(ax, bx)[:, None] >= self._low_x)
        meets_y = (np.minimum(ay, by)[:, None] <= self._high_y) & (np.maximum(ay, by)[:, None] >= self._low_y)
        pair, wall = (meets_x & meets_y).nonzero()
        blocked = self._meet(ax[pair], ay[pair], bx[pair], by[pair], *self._wall[wall].T)
        clear = np.ones(len(ax), dtype=bool)
        clear[pair[blocked]] = False
        return clear

    def _meet(
        self, ax: Floats, ay: Floats, bx: Floats, by: Floats, cx: Floats, cy: Floats, dx: Floats, dy: Floats
    ) -> Bools:
        """Whether segments a-b and c-d cross or come within the tolerance.

        The product of two sides is below `_slack` wherever they do; only then distances are computed.
        """
        abx, aby, cdx, cdy, acx, acy = bx - ax, by - ay, dx - cx, dy - cy, cx - ax, cy - ay
        of_a, of_c = cdy * acx - cdx * acy, abx * acy - aby * acx
        turn = abx * cdy - aby * cdx
        ends_of_cd, ends_of_ab = of_c * (of_c + turn), of_a * (of_a - turn)
        meet = (ends_of_cd < 0) & (ends_of_ab < 0)
        near = ((ends_of_cd <= self._slack) & (ends_of_ab <= self._slack) & ~meet).nonzero()[0]
        if near.size:
            ax, ay, bx, by, cx, cy, dx, dy = (z[near] for z in (ax, ay, bx, by, cx, cy, dx, dy))
            ends = [(cx, cy, ax, ay, bx, by), (dx, dy, ax, ay, bx, by)]
            ends += [(ax, ay, cx, cy, dx, dy), (bx, by, cx, cy, dx, dy)]
            meet[near] = np.min([_distance(*end) for end in ends], axis=0) <= TOLERANCE
        return meet


def _distance(px: Floats, py: Floats, ax: Floats, ay: Floats, bx: Floats, by: Floats) -> Floats:
    """From points p to segments a-b, which may be single points."""
    dx, dy, x, y = bx - ax, by - ay, px - ax, py - ay
    square = dx * dx + dy * dy
    share = ((x * dx + y * dy) / np.where(square > 0, square, 1.0)).clip(0.0, 1.0)
    return np.hypot(x - share * dx, y - share * dy)
