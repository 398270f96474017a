"""The numbered claims of the paper, and which rows of which script decide about them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cmarlsim.bounds.verdicts import CORRECTED, PRINTED, SHARPER


@dataclass(frozen=True)
class Entry:
    """A numbered claim.

    Its rows are those of `part` whose claim is `rows`, or `name` where that is empty, and whose quantity
    contains one of `about`.
    """

    name: str
    says: str
    part: str
    figure: str
    rows: str = ""
    about: tuple[str, ...] = ("",)
    printed: tuple[str, ...] = (PRINTED,)
    corrected: tuple[str, ...] = (CORRECTED, SHARPER)
    condition: bool = False  # a condition is met or not, where a statement holds or fails

    def select(self, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
        """Rows about this claim, in any form."""
        table = tables[self.part]
        about = [table["quantity"].str.contains(word, regex=False) for word in self.about]
        return table[(table["claim"] == (self.rows or self.name)) & pd.concat(about, axis=1).any(axis=1)]


ENTRIES = (
    Entry(
        "Proposition 1",
        "The gradient of the Lagrangian with respect to an agent's parameters is the policy gradient with "
        "its local Q-function. Corrected: if the joint chain has one recurrent class; else S_0 decides on L",
        "proposition1",
        "",
    ),
    Entry(
        "Assumption 1",
        "Training comes as close to the ideal policy as one likes: lambda^T (V - V_P) <= beta ||lambda|| + "
        "epsilon. Checked: whether the measured epsilon + beta leaves delta > 0 in (23). "
        "Corrected: in a sharper (23)",
        "theorem1",
        "theorem1-lemmas",
        rows="(23)",
        about=("epsilon + beta: ",),
        corrected=(SHARPER,),
        condition=True,
    ),
    Entry(
        "Assumption 2",
        "Values change by at most L times the error of multipliers. Checked: whether the measured L is small "
        "enough for (25), were epsilon and beta 0. Corrected: for a sharper (25)",
        "theorem1",
        "theorem1-region",
        rows="(25)",
        about=("L, epsilon and beta if 0",),
        corrected=(SHARPER,),
        condition=True,
    ),
    Entry(
        "Proposition 2",
        "P(R = r) <= P(BN(d_G, p) <= lag). Corrected: >=",
        "proposition2",
        "proposition2",
    ),
    Entry(
        "Proposition 3",
        "The mean error of an agent's multipliers in the max norm is at most eta d_G / (alpha T0 p), (22). "
        "Corrected: a bound by union and by moments",
        "proposition3",
        "proposition3",
        about=("mean error of multipliers, ",),
    ),
    Entry(
        "(22), each zone",
        "The same bound for one zone. Corrected: closer, with E min(BN, T0)",
        "proposition3",
        "proposition3",
        about=("mean error of multipliers, ",),
    ),
    Entry(
        "(22), all agents",
        "The same bound for the maximum over agents and zones, which Lemma 2 needs. Corrected: by union and "
        "by moments",
        "proposition3",
        "proposition3",
        about=("mean error of multipliers, ",),
    ),
    Entry(
        "Assumption 3",
        "An agent can go to any zone and stay there. Checked: zones that cannot be held",
        "theorem1",
        "",
        printed=("condition",),
        corrected=(),
        condition=True,
    ),
    Entry(
        "Theorem 1",
        "Under (23) and (25) satisfaction falls short of c by at most sqrt(alpha M), almost surely. "
        "Vacuous where (25) is not met",
        "theorem1",
        "theorem1-region",
        about=("largest c - satisfaction",),
        printed=(PRINTED, "Proposition 4"),
    ),
    Entry(
        "(23)",
        "delta = 1 - ||c||_inf - M (epsilon + beta) > 0; in Proposition 4 with sqrt(M). Corrected: sharper",
        "theorem1",
        "theorem1-lemmas",
        about=("epsilon + beta: ",),
        printed=(PRINTED, "Proposition 4"),
        corrected=(SHARPER,),
        condition=True,
    ),
    Entry(
        "(24)",
        "liminf of satisfaction >= c - sqrt(alpha M). Corrected: sharper errors, without Lemma 6",
        "theorem1",
        "theorem1-trajectories",
        about=("satisfaction",),
    ),
    Entry(
        "(25)",
        "alpha >= eta d_G M L / (p T0 delta); in Proposition 4 with sqrt(M). Corrected: sharper",
        "theorem1",
        "theorem1-region",
        about=("measured",),
        printed=(PRINTED, "Proposition 4"),
        corrected=(SHARPER,),
        condition=True,
    ),
    Entry(
        "Lemma 1",
        "For the ideal policy lambda^T (V - c) >= (1 - ||c||_inf) ||lambda|| / sqrt(M). Corrected: the exact "
        "constant, and ||c||_1 <= N - 1 + ||c||_inf is enough",
        "theorem1",
        "theorem1-lemmas",
    ),
    Entry(
        "Lemma 2",
        "lambda^T (V - V_R) <= ||lambda|| (epsilon + beta + eta L sqrt(M) d_G / (alpha T0 p)), (31). "
        "Corrected: with the mean of the largest error over agents and zones in place of (22)",
        "theorem1",
        "theorem1-lemmas",
        about=("(31)",),
    ),
    Entry(
        "(32)",
        "||V - V_R|| <= epsilon + beta + L max_n ||lambda^n - lambda||_inf, and (22) for that maximum, "
        "though it bounds a mean for one agent, and nothing given F_k",
        "theorem1",
        "theorem1-lemmas",
        rows="Lemma 2",
        about=("(32)", "max_n"),
    ),
    Entry(
        "(33)",
        "lambda^T (V_R - c) >= ||lambda|| / sqrt(M) times delta less the error of gossip. Corrected: sharper",
        "theorem1",
        "theorem1-lemmas",
        rows="Lemma 2",
        about=("(33)",),
        printed=(PRINTED, "Proposition 4"),
        corrected=(SHARPER,),
    ),
    Entry(
        "(26)",
        "lambda^T (V_R - c) >= 0 in every rollout, which Lemma 3 rests on. Checked: whether it is so in runs",
        "theorem1",
        "theorem1-lemmas",
        condition=True,
    ),
    Entry(
        "Lemma 3",
        "E[||lambda_k+1||^2 | F_k] <= (1 - alpha)^2 ||lambda_k||^2 + eta^2 M, (52)",
        "theorem1",
        "theorem1-trajectories",
    ),
    Entry(
        "Lemma 4",
        "E||lambda_k||^2 <= eta^2 M sum_j (1 - alpha)^(2 j), (59)",
        "theorem1",
        "theorem1-trajectories",
    ),
    Entry(
        "Lemma 5",
        "||lambda_k|| <= U = eta sqrt(M / alpha) on every path. Corrected: eta sqrt(M) / alpha, and per zone "
        "eta c_m (1 - (1 - alpha)^k) / alpha",
        "theorem1",
        "theorem1-trajectories",
    ),
    Entry(
        "Lemma 6",
        "If means stay below C, running means do so in the end, almost surely. Not needed: Proposition 4 has "
        "another proof",
        "theorem1",
        "",
        corrected=(),
    ),
    Entry(
        "Proposition 4",
        "limsup of the running mean of a multiplier <= eta sqrt(M / alpha), (34). Corrected: smaller by "
        "sqrt(2 - alpha), by martingale differences",
        "theorem1",
        "theorem1-trajectories",
    ),
)
"""All numbered claims, in the order of the paper."""
