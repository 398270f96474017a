"""Settings of footprint, zones and dual update in which Proposition 3 is looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from pathlib import Path

from cmarlsim.bounds.proposition3 import MultiplierBound
from cmarlsim.errors import InputError, nearest
from cmarlsim.footprints.files import load_footprint
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.footprints.multipliers import Watch
from cmarlsim.scenario import Dual
from cmarlsim.validation import parse

P = 0.1
"""Edge probability where neither a setting nor a footprint's file gives one."""

RANGES = {
    "p": (1e-6, 1),
    "M": (1, 10_000),
    "occupancy": (0, 1),
    "c": (0, 1),
    "alpha": (1e-6, 1 - 1e-6),
    "eta": (1e-6, 1e3),
    "T0": (1, 10**6),
    "rollouts": (1, 10**6),
    "repetitions": (4, 10**6),
}
"""Least and largest value of each key: rounding stays below `verdicts.ROUNDING`, and alpha divides bounds."""

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


@dataclass(frozen=True)
class Setting:
    """One case, as it can be written in a line: ``footprint=star:51 M=50 alpha=0.9``."""

    footprint: str = FOOTPRINTS[0]
    p: float | None = None
    M: int = 5
    occupancy: float = 1.0  # probability that a zone's keeper observes it, at every step
    c: float = 0.999
    alpha: float = 0.1
    eta: float = 0.5
    T0: int = 100
    rollouts: int | None = None  # by default three times 1 / alpha
    repetitions: int = 1000

    def __post_init__(self) -> None:
        for key, (least, most) in RANGES.items():
            value = getattr(self, key)
            if value is not None and not least <= value <= most:
                raise InputError(f"{key} = {value:g}: must be from {least:g} to {most:g}")

    @classmethod
    def read(cls, text: str) -> Setting:
        """Read ``KEY=VALUE`` words; what is not named is as in the base case.

        Raises
        ------
        InputError
            If a key is unknown or a value impossible.
        """
        kinds = {field.name: str(field.type).partition(" ")[0] for field in fields(cls)}
        values: dict[str, str | int | float] = {}
        for word in text.split():
            key, _, value = word.partition("=")
            if key not in kinds:
                known = ", ".join(kinds)
                raise InputError(
                    f"--case '{text}': unknown key '{key}'{nearest(key, kinds)}; keys are {known}"
                )
            try:
                values[key] = {"str": str, "int": int, "float": float}[kinds[key]](value)
            except ValueError:
                kind = {"int": "a whole number", "float": "a number"}[kinds[key]]
                raise InputError(f"--case '{text}': {key} = '{value}': must be {kind}") from None
        try:
            return cls(**values)  # type: ignore[arg-type]
        except InputError as error:
            raise InputError(f"--case '{text}': {error}") from None

    def load(self, seed: int) -> Footprint:
        """The footprint; random ones are drawn from `seed`.

        Raises
        ------
        InputError
            If there is no such footprint, it has one agent only, or is too large for this case.
        """
        own = self.p is None and Path(self.footprint).is_file()
        footprint = load_footprint(self.footprint, None if own else P if self.p is None else self.p, seed)
        if footprint.N < 2:
            raise InputError(f"footprint '{self.footprint}': has one agent only, there is no gossip")
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
    Setting("star:6", M=5, alpha=0.01),
    Setting("star:51", M=50, alpha=0.9, T0=200, repetitions=400),
    Setting("star:1001", p=0.05, M=1000, alpha=0.99, T0=200, rollouts=2, repetitions=40),
)
"""Every leaf keeps a zone. From the first to the last, the max norm leaves Proposition 3 behind."""

SWEEPS: dict[str, tuple[Setting, ...]] = {
    "base": (BASE,),
    "alpha": tuple(replace(BASE, alpha=alpha) for alpha in (0.01, 0.05, 0.3, 0.9)),
    "eta": tuple(replace(BASE, eta=eta) for eta in (0.1, 2.0)),
    "T0": tuple(replace(BASE, T0=T0) for T0 in (10, 30, 300)),
    "p": tuple(replace(BASE, p=p) for p in (0.02, 0.05, 0.3, 1.0)),
    "footprint": tuple(replace(BASE, footprint=footprint) for footprint in FOOTPRINTS[1:]),
    "N": tuple(replace(BASE, footprint=f"path:{N}", M=N) for N in (2, 3, 9, 17)),
    "M": tuple(replace(BASE, M=M) for M in (1, 3, 20, 100)),
    "c": tuple(replace(BASE, c=c) for c in (0.0, 0.5, 0.8, 0.95)),
    "occupancy": tuple(replace(BASE, occupancy=0.5, c=c) for c in (0.3, 0.5, 0.7)),
    "star": COUNTER_EXAMPLES,
}
"""One value after the other away from the base case, and the counter-examples."""
