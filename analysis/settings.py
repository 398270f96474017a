"""Settings of footprint, zones and dual update in which Proposition 3 is looked at."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

from pydantic import Field

from cmarlsim.bounds.proposition3 import MultiplierBound
from cmarlsim.errors import InputError, shown
from cmarlsim.footprints.files import load_footprint
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.footprints.multipliers import Watch
from cmarlsim.scenario import Dual
from cmarlsim.storage.files import file_at
from cmarlsim.validation import Count, Number, Strict, parse, setting_value

P = 0.1
"""Edge probability where neither a setting nor a footprint's file gives one."""

MOST_WORK = 1e11
"""Numbers that a case moves at most: about a quarter of an hour."""

OVERHEAD = 1e5
"""The same of a rollout, whatever is in it."""

MOST_NUMBERS = 2**24
"""Numbers that a case keeps at once at most."""

FOOTPRINTS = (
    "path:5",
    "cycle:6",
    "star:6",
    "grid:3x3",
    "complete:6",
    "erdos-renyi:8:0.35",
    "random-geometric:9:0.45",
)
"""What both propositions are looked at on; the first is that of the base case."""

MOST_ROLLOUTS = 300
"""Rollouts of a case at most, unless it says how many."""


class Setting(Strict):
    """One case, as it can be written in a line: ``footprint=star:51 M=50 alpha=0.9``.

    Rounding stays below `verdicts.ROUNDING` within these ranges, and alpha divides bounds.
    """

    footprint: str = FOOTPRINTS[0]
    p: Annotated[Number, Field(ge=1e-6, le=1)] | None = None
    M: Annotated[Count, Field(le=10_000)] = 5
    occupancy: Annotated[Number, Field(ge=0, le=1)] = 1.0
    """Probability that a zone's keeper observes it, at every step."""
    c: Annotated[Number, Field(ge=0, le=1)] = 0.999
    alpha: Annotated[Number, Field(ge=1e-6, le=1 - 1e-6)] = 0.1
    eta: Annotated[Number, Field(ge=1e-6, le=1e3)] = 0.5
    T0: Annotated[Count, Field(le=10**6)] = 100
    rollouts: Annotated[Count, Field(le=10**6)] | None = None
    """Three times 1 / alpha where it is None."""
    repetitions: Annotated[Count, Field(ge=4, le=10**6)] = 1000

    @classmethod
    def read(cls, text: str) -> Setting:
        """Read ``KEY=VALUE`` words; what is not named is as in the base case.

        Raises
        ------
        InputError
            If a key is unknown or a value impossible.
        """
        source, words = f"--case {shown(text)}", [word.partition("=") for word in text.split()]
        return parse(cls, {key: setting_value(value, source) for key, _, value in words}, source)

    def varied(self, **changes: object) -> Setting:
        """The same setting with some values changed."""
        return self.model_copy(update=changes)

    def load(self, seed: int) -> Footprint:
        """The footprint; random ones are drawn from `seed`.

        Raises
        ------
        InputError
            If there is no such footprint, it has one agent only, or is too large for this case.
        """
        own = self.p is None and file_at(Path(self.footprint))
        footprint = load_footprint(self.footprint, None if own else P if self.p is None else self.p, seed)
        if footprint.N < 2:
            raise InputError(f"footprint {shown(self.footprint)}: has one agent only, there is no gossip")
        self._check_size(footprint)
        return footprint

    def _check_size(self, footprint: Footprint) -> None:
        N, M, T0, repetitions = footprint.N, self.M, self.T0, self.repetitions
        told = len(footprint.edges) * (1 + N * float(footprint.p.mean()))  # an active edge tells of N agents
        work = self.length * (OVERHEAD + repetitions * (T0 * told + N * M))
        kept = max(N * N, N * M * (1 if self.occupancy in (0, 1) else T0), repetitions * M)
        for done, number, most in (("moves", work, MOST_WORK), ("keeps at once", kept, MOST_NUMBERS)):
            if number > most:
                raise InputError(
                    f"case of footprint={self.footprint} M={M} T0={T0} rollouts={self.length} "
                    f"repetitions={repetitions}: {done} about {number:.1e} numbers, more than {most:.1e}: "
                    "lower some of these"
                )

    def watch(self, footprint: Footprint) -> Watch:
        """Who observes which zones."""
        return Watch.dealt(footprint, self.M, self.c, self.occupancy)

    def bound(self, footprint: Footprint) -> MultiplierBound:
        """The bounds, for the smallest p where edges differ."""
        p = float(footprint.p.min(initial=1))
        return MultiplierBound(footprint.diameter, p, self.alpha, self.eta, self.T0)

    @property
    def dual(self) -> Dual:
        """The dual update."""
        return parse(Dual, {"alpha": self.alpha, "eta": self.eta, "T0": self.T0}, "case")

    @property
    def length(self) -> int:
        """Number of rollouts."""
        return self.rollouts or min(MOST_ROLLOUTS, math.ceil(3 / self.alpha))


BASE = Setting()

COUNTER_EXAMPLES = (
    Setting(footprint="star:6", M=5, alpha=0.01),
    Setting(footprint="star:51", M=50, alpha=0.9, T0=200, repetitions=400),
    Setting(footprint="star:1001", p=0.05, M=1000, alpha=0.99, T0=200, rollouts=2, repetitions=40),
)
"""Every leaf keeps a zone. From the first to the last, the max norm leaves Proposition 3 behind."""

SWEEPS: dict[str, tuple[Setting, ...]] = {
    "base": (BASE,),
    "alpha": tuple(BASE.varied(alpha=alpha) for alpha in (0.01, 0.05, 0.3, 0.9)),
    "eta": tuple(BASE.varied(eta=eta) for eta in (0.1, 2.0)),
    "T0": tuple(BASE.varied(T0=T0) for T0 in (10, 30, 300)),
    "p": tuple(BASE.varied(p=p) for p in (0.02, 0.05, 0.3, 1.0)),
    "footprint": tuple(BASE.varied(footprint=footprint) for footprint in FOOTPRINTS[1:]),
    "N": tuple(BASE.varied(footprint=f"path:{N}", M=N) for N in (2, 3, 9, 17)),
    "M": tuple(BASE.varied(M=M) for M in (1, 3, 20, 100)),
    "c": tuple(BASE.varied(c=c) for c in (0.0, 0.5, 0.8, 0.95)),
    "occupancy": tuple(BASE.varied(occupancy=0.5, c=c) for c in (0.3, 0.5, 0.7)),
    "star": COUNTER_EXAMPLES,
}
"""One value after the other away from the base case, and the counter-examples."""
