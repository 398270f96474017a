"""Diameter d_G and edge probability p of a team's radio, eq. (4): as its link model says, or estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cmarlsim.bounds.verdicts import ESTIMATED, PROVEN
from cmarlsim.errors import InputError
from cmarlsim.footprints.footprint import Footprint, fitted, strongest
from cmarlsim.graphs import footprint_edges
from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Links


@dataclass(frozen=True)
class Connectivity:
    """Diameter d_G and edge probability p of eq. (4), what they rest on, and why.

    d_G is None if no news spreads, or if nothing is known.
    """

    d_G: int | None
    p: float
    basis: str
    words: str


def known_connectivity(links: Links, N: int) -> Connectivity | None:
    """Connectivity as the link model says; None for ``sight-or-disc``, where it must be estimated."""
    if N == 1:
        return Connectivity(0, 1.0, PROVEN, "one agent knows all that is observed")
    if links.model == "always":
        return Connectivity(1, 1.0, PROVEN, "every pair is linked at every step")
    if links.model == "never":
        return Connectivity(None, 0.0, PROVEN, "nobody ever hears of anybody")
    if links.model == "bernoulli" and links.footprint is not None:
        name = links.footprint if isinstance(links.footprint, str) else f"of {len(links.footprint)} pairs"
        graph = Footprint(name, N, footprint_edges(links.footprint, N), np.asarray(1.0))
        return Connectivity(graph.diameter, float(links.p or 0), PROVEN, f"footprint {name}")
    return None


def estimated_connectivity(recording: Recording) -> Connectivity:
    """Connectivity estimated from who talked to whom in a run of level ``step``.

    Links by sight are neither independent nor equally likely. As in `analysis.proposition3`, p is chosen so
    that of the pairs which were linked in a share p or more of the steps d_G / p is least.
    """
    try:
        best = strongest(fitted(recording))
    except InputError as apart:
        words = f"the pairs that met do not join the team: {str(apart).partition(': ')[2]}"
        return Connectivity(None, 0.0, ESTIMATED, words)
    words = (
        f"links by sight or within {recording.scenario.links.d:g} m follow the agents, so no p is true; the "
        f"most useful {len(best.edges)} pairs were each linked this often or more"
    )
    return Connectivity(best.diameter, float(best.p.min()), ESTIMATED, words)
