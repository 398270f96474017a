"""Laws of links fitted to a trace of links, to draw others from: with a memory of one step, or with none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.kernels.two_state import fill_two_state
from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.randomness import uniforms

ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class TwoState:
    """F stationary links, independent of each other, each a two-state Markov chain (Gilbert and Elliott).

    A link that goes up s times a step, and as often down, is up for p / s steps on average and then down for
    (1 - p) / s. Without memory, eq. (4), s = p (1 - p).

    Raises
    ------
    InputError
        If p is outside [0, 1], or s is not from 0 to min(p, 1 - p): links cannot change that often.
    """

    p: Floats  # (F,) share of the steps in which a link is up
    s: Floats  # (F,) how often it goes up, per step

    def __post_init__(self) -> None:
        p, s = (np.asarray(values, dtype=np.float64) for values in (self.p, self.s))
        if p.ndim != 1 or p.shape != s.shape:
            raise InputError(f"p of shape {p.shape}, s of shape {s.shape}: must be (F,) both")
        for name, values, most in (("p", p, np.ones_like(p)), ("s", s, np.minimum(p, 1 - p))):
            wrong = ~((values >= 0) & (values <= most + ROUNDING))
            if wrong.any():
                bound = f"{most[wrong][0]:g}" + (" = min(p, 1 - p)" if name == "s" else "")
                raise InputError(f"{name} = {values[wrong][0]:g} of a link: must be from 0 to {bound}")

    @classmethod
    def fitted(cls, up: Bools) -> TwoState:
        """The law with the p and the s of a trace `up` (T, F).

        Raises
        ------
        InputError
            If the trace has fewer than two steps.
        """
        if len(up) < 2:
            raise InputError(f"trace of {len(up)} steps: must have two or more, to see links change")
        p = up.mean(axis=0)
        s = (up[1:] != up[:-1]).mean(axis=0) / 2
        return cls(p, np.minimum(s, np.minimum(p, 1 - p)))  # a trace may end with one change more than fits

    @property
    def forgetful(self) -> TwoState:
        """The law with the same p without memory: Bernoulli(p) at every step, eq. (4)."""
        return TwoState(self.p, self.p * (1 - self.p))

    @property
    def rises(self) -> Floats:
        """Probability (F,) that a link is up after a step in which it was down; 0 if it never is down."""
        return np.divide(self.s, 1 - self.p, out=np.zeros_like(self.s), where=self.p < 1)

    @property
    def stays(self) -> Floats:
        """Probability (F,) that a link is up after a step in which it was up; 1 if it never is up."""
        return 1 - np.divide(self.s, self.p, out=np.zeros_like(self.s), where=self.p > 0)

    @property
    def memory(self) -> Floats:
        """Autocorrelation (F,) at lag 1, whose l-th power is that at lag l; 0 where a link is constant."""
        spread = self.p * (1 - self.p)
        return np.where(
            spread > 0, 1 - np.divide(self.s, spread, out=np.zeros_like(self.s), where=spread > 0), 0
        )

    def draw(self, steps: int, seed: int, number: int = 0) -> Bools:
        """Draw number `number` of `steps` steps, (steps, F).

        Laws with the same number of links share their draws: with the same seed and number, they are coupled.
        """
        F = len(self.p)
        up = np.empty((steps, F), dtype=np.bool_)
        draws = uniforms(seed, f"links/two-state/{number}", 0, steps, (F,))
        fill_two_state(self.p, self.rises, self.stays, draws, up)
        return up
