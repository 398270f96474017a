"""Links that are two-state Markov chains: up or down, with a memory of one step."""

from __future__ import annotations

from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.world import Bools, Floats


@kernel
def fill_two_state(p: Floats, rises: Floats, stays: Floats, uniform: Floats, up: Bools) -> None:
    """Draw whether each link is up at every step.

    Parameters
    ----------
    p : (F,) probability to be up at the first step
    rises, stays : (F,) probability to be up after a step in which the link was down, or up
    uniform : (steps, F) draws
    up : (steps, F), overwritten
    """
    for t in range(len(up)):
        for f in range(len(p)):
            chance = p[f]
            if t > 0:
                chance = stays[f] if up[t - 1, f] else rises[f]
            up[t, f] = uniform[t, f] < chance
