"""The engine: Algorithm 2 over whole rollouts, composed of the other kernels in the contract's step order.

At step t: state -> own observation -> links -> gossip -> action -> move. After the last step of a rollout
the multipliers are updated and the gossip buffers start afresh. As no action depends on gossip before that,
a rollout logs zones and links when they change, and gossips backwards over these changes at its end.

For the same reason agents first travel through a rollout one by one; then their arrivals are put together in
the order of time. Between arrivals nothing changes and the clock jumps, unless links are drawn at every step.
"""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.bits import any_in, clear, lowest, write_set
from cmarlsim.kernels.changes import log_change, time_of_last
from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.dual import updated
from cmarlsim.kernels.gossip import BackwardGossip, apply_growth, begin_backward_gossip, grow, recount, undo
from cmarlsim.kernels.links import draw_links, enter, update_links
from cmarlsim.kernels.scene import Chunk, Draws, Rules, Scene, State, Steps
from cmarlsim.kernels.travel import begin_table, travel
from cmarlsim.kernels.world import BERNOULLI, SIGHT_OR_DISC, Floats, LinkModel, Locations, Site, Weights


@inner
def log_zones(site: Site, scene: Scene, t: int, n: int) -> None:
    """Log the zones that agent n enters or leaves at step t, and count for how long zones are attended."""
    contacts = scene.contacts
    if len(site.numbered.tile) > 0:
        seen = site.numbered.zones[scene.trajectory.place[t, n]]
    else:
        seen = site.world.piece_zones[scene.trajectory.piece[t, n]]
    for w in range(len(seen)):
        changed = seen[w] ^ contacts.zones[n, w]
        while changed != np.uint64(0):
            m = 64 * w + lowest(changed)
            changed &= changed - np.uint64(1)
            before = any_in(contacts.inside[m])
            log_change(contacts, scene.log, t, n, -1 - m)
            if any_in(contacts.inside[m]) != before:
                scene.attended[m] += t if before else -t


@inner
def enter_all(site: Site, scene: Scene, t: int) -> None:
    """Bring the agents that arrive at step t to where others can see them."""
    arriving = scene.trajectory.arriving[t]
    for w in range(len(arriving)):
        rest = arriving[w]
        while rest != np.uint64(0):
            enter(site, scene.trajectory, scene.sight, t, 64 * w + lowest(rest))
            rest &= rest - np.uint64(1)


@kernel
def log_arrivals(site: Site, links: LinkModel, scene: Scene, t: int) -> None:
    """Log the zones and the links that change as agents arrive at step t."""
    if len(site.visibility.first) > 0:
        clear(scene.done)
        enter_all(site, scene, t)
    arriving = scene.trajectory.arriving[t]
    for w in range(len(arriving)):
        rest = arriving[w]
        while rest != np.uint64(0):
            n = 64 * w + lowest(rest)
            rest &= rest - np.uint64(1)
            log_zones(site, scene, t, n)
            if links.code == SIGHT_OR_DISC:
                update_links(site, links.d, scene, t, n)


@inner
def next_change(rules: Rules, scene: Scene, t: int, T0: int) -> int:
    """The first step from `t` on at which an agent arrives or links are drawn; T0 if there is none."""
    if rules.links.code != BERNOULLI:
        while t < T0 and not any_in(scene.trajectory.arriving[t]):
            t += 1
    return t


@inner
def log_changes(site: Site, rules: Rules, draws: Draws, k: int, scene: Scene, t: int) -> int:
    """Log all changes of step t of rollout k.

    Returns
    -------
    int
        The next step at which something may change; T0 if none is left.
    """
    log_arrivals(site, rules.links, scene, t)
    if rules.links.code == BERNOULLI:
        draw_links(rules.links, draws.link[k, t], scene, t)
    return next_change(rules, scene, t + 1, draws.action.shape[1])


@inner
def write_links(scene: Scene, chunk: Chunk, first: int, last: int) -> None:
    """Write the present links into the rows `first` to `last` - 1 of the chunk."""
    link = scene.contacts.link
    for row in range(first, last):
        for n in range(len(link)):
            write_set(link[n], chunk.link[row, n])


@inner
def write_estimates(back: BackwardGossip, chunk: Chunk, first: int, last: int) -> None:
    """Write rewards and estimates into the rows `first` to `last` - 1 of the chunk."""
    agents = len(back.news)
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
    back, log = scene.gossip, scene.log
    begin_backward_gossip(scene.contacts, T0, back)
    tau, left = T0 - 1, log.length[0]
    undone = left
    while tau >= 0:
        changed = time_of_last(log, left)
        grew = grow(back, log, left, undone)
        before = tau - 1 if grew else changed - 1
        if len(chunk.reward) > 0:
            write_estimates(back, chunk, row + before + 1, row + tau + 1)
        if before < 0:
            break
        undone = left
        if before < changed:
            left = undo(back, log, left)
        apply_growth(back)
        recount(back, before)
        tau = before


@inner
def update_multipliers(
    rules: Rules, c_ideal: Floats, scene: Scene, T0: int, lam: Floats, lam_ideal: Floats
) -> None:
    """Update multipliers at the end of a rollout.

    Parameters
    ----------
    c_ideal : (M,) array
        Thresholds for `lam_ideal`.
    scene
        Its `attended` becomes the number of steps in which each zone was attended.
    lam : (N, M) array
        Updated by eq. (18).
    lam_ideal : (M,) array
        Updated by eq. (16).
    """
    attended, known, alpha, eta = scene.attended, scene.gossip.known, rules.alpha, rules.eta
    for m in range(len(c_ideal)):
        if any_in(scene.contacts.inside[m]):
            attended[m] += T0
        lam_ideal[m] = updated(lam_ideal[m], c_ideal[m], alpha, eta, attended[m], T0)
    for first in range(0, len(lam), 8):  # in blocks, for the arrays are transposed to each other
        for m in range(len(c_ideal)):
            for n in range(first, min(first + 8, len(lam))):
                lam[n, m] = updated(lam[n, m], rules.c[m], alpha, eta, known[m, n], T0)


@inner
def end_rollout(rules: Rules, state: State, scene: Scene, T0: int, chunk: Chunk, k: int) -> None:
    """Update the multipliers at the end of rollout k, and write its row of the chunk."""
    update_multipliers(rules, rules.c, scene, T0, state.lam, state.lam_ideal)
    for m in range(len(rules.c)):
        chunk.lam_ideal[k, m] = state.lam_ideal[m]
        chunk.reward_mean[k, m] = scene.attended[m] / T0
        for n in range(len(state.lam)):
            chunk.lam[k, n, m] = state.lam[n, m]


@kernel
def begin_rollout(
    site: Site,
    rules: Rules,
    weights: Weights,
    locations: Locations,
    lam: Floats,
    uniform: Floats,
    scene: Scene,
    steps: Steps,
    row: int,
) -> None:
    """Send all agents, with the multipliers `lam` (N, M), through a rollout; nothing is logged yet.

    The other parameters are those of `travel`.
    """
    for t in range(len(scene.trajectory.arriving)):
        clear(scene.trajectory.arriving[t])
    for n in range(len(lam)):
        begin_table(weights, n, lam[n], scene.tables)
        travel(site, weights, rules.speed, uniform, locations, n, scene, steps, row)
    scene.log.length[0] = 0
    for m in range(len(scene.attended)):
        scene.attended[m] = 0


@inner
def has_room(rules: Rules, scene: Scene) -> bool:
    """Whether the log has room for all that can happen in one step."""
    agents, zones = len(scene.contacts.link), len(scene.attended)
    most = agents * (agents + zones) + len(rules.links.footprint)
    return scene.log.length[0] + most <= len(scene.log.change)


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
            steps, uniform = Steps(chunk.position, chunk.tile, chunk.action), draws.action[k]
            begin_rollout(site, rules, weights, state.locations, state.lam, uniform, scene, steps, k * T0)
            clock[1] = 0
        while clock[1] < T0:
            if not has_room(rules, scene):
                return False
            t = clock[1]
            clock[1] = log_changes(site, rules, draws, k, scene, t)
            if len(chunk.link) > 0:
                write_links(scene, chunk, k * T0 + t, k * T0 + clock[1])
        gossip_backwards(scene, T0, chunk, k * T0)
        end_rollout(rules, state, scene, T0, chunk, k)
        clock[0], clock[1] = k + 1, -1
    return True
