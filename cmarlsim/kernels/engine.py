"""The engine: Algorithm 2 over whole rollouts, composed of the other kernels in the contract's step order.

At step t: state -> own observation -> links -> gossip -> action -> move. After the last step of a rollout
the multipliers are updated and the gossip buffers start afresh. As no action depends on gossip before that,
a rollout logs zones and links when they change, and gossips backwards over these events at its end.

For the same reason agents first travel through a rollout one by one; then their arrivals are put together in
the order of time. Between arrivals nothing changes and the clock jumps, unless links are drawn at every step.
"""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.bits import any_in, clear, lowest, write_set
from cmarlsim.kernels.changes import happen, time_of_last
from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.dual import updated
from cmarlsim.kernels.gossip import begin_hindsight, grow, recount, settle_growth, undo
from cmarlsim.kernels.links import draw_links, enter, link_again
from cmarlsim.kernels.observing import observe_on
from cmarlsim.kernels.scene import Chunk, Draws, Rules, Scene, State, Steps
from cmarlsim.kernels.travel import travel_all
from cmarlsim.kernels.world import BERNOULLI, SIGHT_OR_DISC, Floats, LinkModel, Site, Weights


@inner
def log_zones(site: Site, scene: Scene, t: int, n: int) -> None:
    """Log the zones that agent n enters or leaves at step t, and count for how long zones are attended."""
    contacts, seen, place = scene.contacts, scene.seen, scene.route.place[t, n]
    if len(site.numbered.tile) > 0:
        seen = site.numbered.zones[place]
    else:
        x, y = scene.now.position[n, 0], scene.now.position[n, 1]
        observe_on(site.world, site.visibility, place, x, y, seen)
    for w in range(len(seen)):
        changed = seen[w] ^ contacts.zones[n, w]
        while changed != np.uint64(0):
            m = 64 * w + lowest(changed)
            changed &= changed - np.uint64(1)
            before = any_in(contacts.inside[m])
            happen(contacts, scene.log, t, n, -1 - m)
            if any_in(contacts.inside[m]) != before:
                scene.attended[m] += t if before else -t


@inner
def enter_all(site: Site, scene: Scene, t: int) -> None:
    """Bring the agents that arrive at step t to where others can see them."""
    arriving = scene.route.arriving[t]
    for w in range(len(arriving)):
        rest = arriving[w]
        while rest != np.uint64(0):
            enter(site, scene.route, scene.now, t, 64 * w + lowest(rest))
            rest &= rest - np.uint64(1)


@kernel
def log_arrivals(site: Site, links: LinkModel, scene: Scene, t: int) -> None:
    """Log the zones and the links that change as agents arrive at step t."""
    if len(site.visibility.first) > 0:
        clear(scene.done)
        enter_all(site, scene, t)
    arriving = scene.route.arriving[t]
    for w in range(len(arriving)):
        rest = arriving[w]
        while rest != np.uint64(0):
            n = 64 * w + lowest(rest)
            rest &= rest - np.uint64(1)
            log_zones(site, scene, t, n)
            if links.code == SIGHT_OR_DISC:
                link_again(site, links.d, scene, t, n)


@inner
def next_event(rules: Rules, scene: Scene, t: int, T0: int) -> int:
    """The first step from `t` on at which an agent arrives or links are drawn; T0 if there is none."""
    if rules.links.code != BERNOULLI:
        while t < T0 and not any_in(scene.route.arriving[t]):
            t += 1
    return t


@inner
def pass_events(site: Site, rules: Rules, draws: Draws, k: int, scene: Scene, t: int) -> int:
    """Log all that happens at step t of rollout k.

    Returns
    -------
    int
        The step at which something happens next; T0 if nothing does.
    """
    log_arrivals(site, rules.links, scene, t)
    if rules.links.code == BERNOULLI:
        draw_links(rules.links, draws.link[k, t], scene, t)
    return next_event(rules, scene, t + 1, draws.action.shape[1])


@inner
def write_links(scene: Scene, chunk: Chunk, first: int, last: int) -> None:
    """Write the present links into the rows `first` to `last` - 1 of the chunk."""
    link = scene.contacts.link
    for row in range(first, last):
        for n in range(len(link)):
            write_set(link[n], chunk.link[row, n])


@inner
def write_hindsight(scene: Scene, chunk: Chunk, first: int, last: int) -> None:
    """Write rewards and estimates into the rows `first` to `last` - 1 of the chunk."""
    back, agents = scene.hindsight, len(scene.hindsight.news)
    for m in range(len(back.knows)):
        chunk.reward[first, m] = any_in(back.at.inside[m])
        write_set(back.knows[m], chunk.estimate[first, :, m])
    for row in range(first + 1, last):
        for m in range(len(back.knows)):
            chunk.reward[row, m] = chunk.reward[first, m]
        for n in range(agents):
            for m in range(len(back.knows)):
                chunk.estimate[row, n, m] = chunk.estimate[first, n, m]


@kernel
def gossip_backwards(scene: Scene, T0: int, chunk: Chunk, row: int) -> None:
    """Count in how many steps every agent knows at the end that a zone was attended, eq. (17).

    With a chunk of steps, its rewards and estimates are written from `row` on.
    """
    back, log = scene.hindsight, scene.log
    begin_hindsight(scene.contacts, T0, back)
    tau, left = T0 - 1, log.happened[0]
    undone = left
    while tau >= 0:
        event = time_of_last(log, left)
        grew = grow(back, log, left, undone)
        before = tau - 1 if grew else event - 1
        if len(chunk.reward) > 0:
            write_hindsight(scene, chunk, row + before + 1, row + tau + 1)
        if before < 0:
            break
        undone = left
        if before < event:
            left = undo(back, log, left)
        settle_growth(back)
        recount(back, before)
        tau = before


@inner
def settle(rules: Rules, state: State, scene: Scene, T0: int, chunk: Chunk, k: int) -> None:
    """End of rollout k: eq. (18) for every agent, and eq. (16)."""
    known = scene.hindsight.known
    for m in range(len(rules.c)):
        attended = scene.attended[m]
        if any_in(scene.contacts.inside[m]):
            attended += T0
        state.lam_ideal[m] = updated(state.lam_ideal[m], rules.c[m], rules.alpha, rules.eta, attended, T0)
        chunk.lam_ideal[k, m] = state.lam_ideal[m]
        chunk.reward_mean[k, m] = attended / T0
    agents = len(state.lam)
    for first in range(0, agents, 8):  # in blocks, for the arrays are transposed to each other
        for m in range(len(rules.c)):
            for n in range(first, min(first + 8, agents)):
                lam = updated(state.lam[n, m], rules.c[m], rules.alpha, rules.eta, known[m, n], T0)
                state.lam[n, m] = lam
                chunk.lam[k, n, m] = lam


@inner
def begin_rollout(
    site: Site, rules: Rules, weights: Weights, state: State, uniform: Floats, scene: Scene, chunk: Chunk
) -> None:
    """Send all agents through the rollout with the draws `uniform` (T0, N); nothing is logged yet."""
    steps = Steps(chunk.position, chunk.tile, chunk.action)
    row = scene.clock[0] * len(uniform)
    travel_all(
        site, weights, rules.speed, scene.tables, state.lam, uniform, state.places, scene.route, steps, row
    )
    scene.log.happened[0] = 0
    for m in range(len(scene.attended)):
        scene.attended[m] = 0


@inner
def has_room(rules: Rules, scene: Scene) -> bool:
    """Whether the log has room for all that can happen in one step."""
    agents, zones = len(scene.contacts.link), len(scene.attended)
    most = agents * (agents + zones) + len(rules.links.footprint)
    return scene.log.happened[0] + most <= len(scene.log.event)


@kernel
def run_rollouts(
    site: Site, rules: Rules, weights: Weights, state: State, draws: Draws, scene: Scene, chunk: Chunk
) -> bool:
    """Run Algorithm 2 for as many rollouts as `chunk` holds; `state` and `chunk` are written in place.

    Returns
    -------
    bool
        Whether all are done. If not, the log is full: call again with a longer copy of it.
    """
    clock, T0 = scene.clock, draws.action.shape[1]
    while clock[0] < len(chunk.lam):
        k = clock[0]
        if clock[1] < 0:
            begin_rollout(site, rules, weights, state, draws.action[k], scene, chunk)
            clock[1] = 0
        while clock[1] < T0:
            if not has_room(rules, scene):
                return False
            t = clock[1]
            clock[1] = pass_events(site, rules, draws, k, scene, t)
            if len(chunk.link) > 0:
                write_links(scene, chunk, k * T0 + t, k * T0 + clock[1])
        gossip_backwards(scene, T0, chunk, k * T0)
        settle(rules, state, scene, T0, chunk, k)
        clock[0], clock[1] = k + 1, -1
    return True
