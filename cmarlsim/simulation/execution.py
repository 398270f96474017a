"""Algorithm 2: multi-agent execution, in chunks of whole rollouts."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import numpy as np

from cmarlsim.building.places import with_nowhere
from cmarlsim.errors import ArgumentError, InputError, is_whole
from cmarlsim.kernels.changes import longer
from cmarlsim.kernels.engine import run_rollouts
from cmarlsim.kernels.scene import Chunk, Draws, State, new_chunk, new_scene, new_sight_state, part_of
from cmarlsim.kernels.world import Floats, Ints, locations_at
from cmarlsim.limits import MOST_STEPS
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import check_seed, draw_into, stream
from cmarlsim.recordings.sparse_links import link_changes, linked_pairs
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.memory_limits import check_memory
from cmarlsim.simulation.states import check_state

STEPS = 40_000
"""Default length of a run, as in Section V."""

_CHUNK_BYTES = 2**25
_CHUNK_ROLLOUTS = 200


def whole_rollouts(steps: int | None, T0: int) -> int:
    """Number of rollouts K in `steps` steps; `None` means `STEPS`, rounded up to whole rollouts.

    Raises
    ------
    InputError
        If `steps` is not a positive multiple of `T0`, or more than `MOST_STEPS`.
    """
    if steps is None:
        return -(-STEPS // T0)
    if not is_whole(steps):
        raise ArgumentError("steps", steps, "must be a whole number")
    if steps > MOST_STEPS:
        raise ArgumentError("steps", steps, f"must be at most {MOST_STEPS:,}")
    if steps < 1 or steps % T0:
        below, above = steps // T0 * T0, (max(steps, 0) // T0 + 1) * T0
        choice = f"{below} or {above}" if below > 0 else f"{above}"
        raise ArgumentError(
            "steps", steps, f"must be whole rollouts of T0 = {T0} steps, for example {choice}"
        )
    return steps // T0


def chunk_size(scenario: Scenario, keep_steps: bool) -> int:
    """Rollouts per chunk: as many as keep its arrays small. The chunking never changes a result."""
    N, M, T0 = scenario.agents.N, scenario.M, scenario.dual.T0
    bytes_per_step = 8 * N + (20 * N + N * N + M + N * M if keep_steps else 0)
    return int(np.clip(_CHUNK_BYTES // (bytes_per_step * T0 + 8 * N * M), 1, _CHUNK_ROLLOUTS))


class Run:
    """One trajectory of Algorithm 2, advanced by whole rollouts.

    `advance` runs the next rollouts, `fill` into arrays that are there already, `chunks` in pieces. Between
    rollouts `lam` and `known` say what agents hold, `fork` and `state` branch off or save, and `lam` and
    `lose` intervene.

    Parameters
    ----------
    scenario, policy
        The policy must fit the scenario.
    seed
        Non-negative. With the scenario and the policy it determines every bit of the run.

    Raises
    ------
    InputError
        If the policy does not fit the scenario, the seed is negative, or its tables do not fit into memory.
    """

    def __init__(self, scenario: Scenario, policy: Policy, seed: int) -> None:
        check_seed(seed)
        N, M = scenario.agents.N, scenario.M
        check_memory(scenario, policy)
        self.scenario, self.seed, self.done = scenario, seed, 0
        self._site, self._rules = scenario.site, scenario.rules()
        self._weights = policy.weights(N, self._site.world)
        start = scenario.starts()
        if start is None:
            start = stream(seed, "start").integers(len(scenario.floorplan.waypoints), size=N)
        self._state = State(locations_at(start), np.zeros((N, M)), np.zeros(M))
        self._draws = Draws(*(np.empty((0, 0, 0)) for _ in Draws._fields))
        self._scene = new_scene(self._site, self._rules, self._weights, N, scenario.dual.T0)

    def advance(self, rollouts: int, keep_steps: bool, sparse: bool = False) -> Chunk:
        """Run the next `rollouts` rollouts.

        Parameters
        ----------
        keep_steps
            Keep a row of every step.
        sparse
            Of links, keep only those that go up or down.
        """
        N, rows = self.scenario.agents.N, rollouts * self.scenario.dual.T0 if keep_steps else 0
        return self.fill(new_chunk(rollouts, rows, N, self.scenario.M, sparse))

    def fill(self, chunk: Chunk) -> Chunk:
        """Run the next rollouts, as many as `chunk` has room for, and write them there.

        Returns
        -------
        Chunk
            The same arrays; where it has rows for steps and none for matrices of links, with the links that
            go up or down.
        """
        draws = self._draw(len(chunk.lam))
        cut = self._cut_off_lost(draws)
        if len(chunk.reward) > len(chunk.link):
            chunk = self._run_sparsely(draws, chunk, cut)
        else:
            self._run(draws, chunk)
        self.done += len(chunk.lam)
        return chunk

    def chunks(
        self, rollouts: int, keep_steps: bool, size: int | None = None, sparse: bool = False
    ) -> Iterator[Chunk]:
        """Yield the next `rollouts` rollouts in chunks of `size` rollouts (`chunk_size` by default)."""
        size = size or chunk_size(self.scenario, keep_steps)
        for first in range(0, rollouts, size):
            yield self.advance(min(size, rollouts - first), keep_steps, sparse)

    @property
    def lam(self) -> Floats:
        """Multipliers of the next rollout, (N, M): a copy. Assign to replace what eq. (18) made of them.

        Raises
        ------
        InputError
            If what is assigned is not N x M finite numbers of at least 0.
        """
        return self._state.lam.copy()

    @lam.setter
    def lam(self, lam: Floats) -> None:
        shape = self._state.lam.shape
        if np.shape(lam) != shape or not (np.isfinite(lam).all() and np.min(lam) >= 0):
            raise InputError(f"lam of shape {np.shape(lam)}: must be {shape} finite numbers of at least 0")
        self._state.lam[...] = lam

    @property
    def known(self) -> Ints:
        """In how many steps of the last rollout each zone was attended, as far as each agent knew, (N, M).

        Eq. (17) at the rollout's last step, summed over tau; zeros before the first rollout.
        """
        return self._scene.gossip.known.T.astype(np.int64)

    def state(self) -> dict[str, np.ndarray]:
        """All that the next rollouts depend on, but for scenario, policy, seed and `done`: copies.

        Where the agents are, their multipliers, and, as words of bits, who could talk to whom last: links
        that go up or down do so from there.
        """
        return {name: array.copy() for name, array in self._carried().items()}

    def restore(self, state: Mapping[str, np.ndarray], rollouts: int) -> None:
        """Go on behind `rollouts` rollouts, which left a run with the same parameters in `state`.

        Raises
        ------
        InputError
            If `state` is not that of such a run.
        """
        carried = self._carried()
        for name, array in carried.items():
            found = state.get(name)
            if found is None or found.shape != array.shape or found.dtype != array.dtype:
                raise InputError(f"state: '{name}' is not that of a run of this scenario")
        try:
            check_state(state, self._site)
        except ValueError as error:
            raise InputError(f"state: {error}") from None
        for name, array in carried.items():
            array[...] = state[name]
        self.done = rollouts

    def _carried(self) -> dict[str, np.ndarray]:
        state, link = self._state, self._scene.contacts.link
        return state.locations._asdict() | {"lam": state.lam, "lam_ideal": state.lam_ideal, "link": link}

    def fork(self, lam: Floats, seed: int | None = None) -> Run:
        """A run of its own that goes on from here, with other multipliers or other draws.

        Parameters
        ----------
        lam : (N, M) or (M,) array
            Multipliers in force in the next rollout, of each agent or of all alike.
        seed
            Of the draws from here on; by default they are those of this run.

        Raises
        ------
        InputError
            If the seed is negative.
        """
        other = copy.copy(self)
        if seed is not None:
            check_seed(seed)
            other.seed = seed
        other._state, other._scene, other._draws = copy.deepcopy((self._state, self._scene, self._draws))
        other._state.lam[:] = lam
        return other

    def lose(self, n: int) -> None:
        """Let agent n die: from the next rollout on it attends nothing, links to nobody, observes nothing.

        It stays in all arrays, at a position that is not a number, so that the draws of the others are as
        they were. Its multipliers go on as those of an agent that sees nothing.

        Raises
        ------
        InputError
            If there is no agent n.
        """
        N = self.scenario.agents.N
        if not (is_whole(n) and 0 <= n < N):
            raise InputError(f"agent {n!r} cannot be lost: the agents are 0 to {N - 1}")
        if not self._has_nowhere:
            self._site = with_nowhere(self._site)
            self._scene = self._scene._replace(sight=new_sight_state(self._site, N))
        locations = self._state.locations
        locations.node[n], locations.edge[n], locations.offset[n] = self._last_place, -1, 0

    @property
    def _has_nowhere(self) -> bool:
        return bool(np.isnan(self._site.world.waypoint[-1, 0]))

    @property
    def _last_place(self) -> int:
        """The last numbered place or waypoint; there lost agents are, if it is `with_nowhere`."""
        return (len(self._site.numbered.tile) or len(self._site.world.waypoint)) - 1

    def _cut_off_lost(self, draws: Draws) -> Ints:
        """Take down the links of lost agents, and let none of them come up.

        Returns
        -------
        (C, 2) array
            The pairs that were linked.
        """
        if not self._has_nowhere:
            return np.empty((0, 2), dtype=np.int64)
        lost, link = self._state.locations.node == self._last_place, self._scene.contacts.link
        draws.link[..., lost[self._rules.links.footprint].any(axis=1)] = 1.0  # no probability is higher
        pairs = linked_pairs(link)
        link[lost] = 0
        for n in np.flatnonzero(lost):
            link[:, n // 64] &= ~(np.uint64(1) << np.uint64(n % 64))
        return pairs[lost[pairs].any(axis=1)]

    def _next_of(self, given: np.ndarray, what: str, rollouts: int) -> np.ndarray:
        """The rows of the next rollouts of something given for a whole run; InputError if it ends before."""
        wanted = given[self.done : self.done + rollouts]
        if len(wanted) < rollouts:
            raise InputError(f"{what} end after {len(given)} rollouts: {self.done + rollouts} were asked for")
        return wanted

    def _draw(self, rollouts: int) -> Draws:
        """Draws of the next rollouts; the arrays are used again if they are long enough."""
        T0, widths = self.scenario.dual.T0, (self.scenario.agents.N, len(self._rules.links.footprint))
        if rollouts > len(self._draws.action):
            self._draws = Draws(*(np.zeros((rollouts, T0, width)) for width in widths))
        draws = Draws(*(array[:rollouts] for array in self._draws))
        if not self._weights.ranked:
            draw_into(draws.action, self.seed, "action", self.done)
        draw_into(draws.link, self.seed, "link", self.done)
        return draws

    def _run(self, draws: Draws, chunk: Chunk) -> None:
        self._scene.clock[:] = 0, -1
        while not run_rollouts(
            self._site, self._rules, self._weights, self._state, draws, self._scene, chunk
        ):
            self._scene = self._scene._replace(log=longer(self._scene.log))

    def _run_sparsely(self, draws: Draws, chunk: Chunk, cut: Ints) -> Chunk:
        """Run rollout by rollout; the links that change, after those `cut` (C, 2), are in the log of each."""
        T0 = draws.action.shape[1]
        linked = linked_pairs(self._scene.contacts.link) if self.done == 0 else cut
        counts, pairs = [], [linked]  # with the link model ``always`` all are linked before the first step
        for k in range(len(chunk.lam)):
            self._run(Draws(*(array[k : k + 1] for array in draws)), part_of(chunk, k, 1))
            count, changed = link_changes(self._scene.log, T0)
            counts.append(count)
            pairs.append(changed)
        counts[0][0] += len(linked)
        return chunk._replace(
            link_count=np.concatenate(counts).astype(np.uint32),
            link_pair=np.concatenate(pairs).astype(np.uint16),
        )
