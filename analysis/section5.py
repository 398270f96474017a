"""What Section V of the paper says about its figures, each with a criterion that recordings can meet or not.

Agents of one policy are numbered differently from those of another, so the paper's agent 3 is here the agent
whose own zone is green; `analysis.measures.own_zones` says which agent keeps which zone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pandas as pd

from analysis.evidence import (
    Evidence,
    above_theorem,
    alone_in_red,
    apart,
    lead,
    least_in_own_zone,
    link_of_neighbours,
    red_in_spare_time,
)
from analysis.measures import connected, longest_stays
from cmarlsim.recordings.recording import Recording

RARELY = 0.1
"""Fraction of time that counts as rare if it is less."""

SELDOM = 0.01
"""Fraction of time that counts as seldom if it is less: five times that in the paper's snapshot."""

Seen = TypeVar("Seen")
_COMPARE = {">": operator.gt, ">=": operator.ge, "<": operator.lt}


@dataclass(frozen=True)
class Claim(Generic[Seen]):
    """A statement of the paper, and a quantity that bears it out in a run if it compares so with a bound.

    `find` measures the quantity: in a run's `Evidence`, or for every run in one policy's table of Fig. 5c.
    """

    paper: str
    quantity: str
    must: tuple[str, float]
    find: Callable[[Seen], Any]


CLAIMS: tuple[Claim[Evidence], ...] = (
    Claim(
        "In all runs every zone is attended for at least its threshold (Fig. 4)",
        "smallest margin over zones",
        (">=", 0),
        lambda run: run.smallest_margin,
    ),
    Claim(
        "That is better than Theorem 1 guarantees",
        "smallest margin over zones + sqrt(alpha M)",
        (">", 0),
        above_theorem,
    ),
    Claim(
        "Agents are inside zones most of the time (Fig. 3b-f)",
        "fraction of time that an agent is in zones, least of all agents",
        (">", 0.5),
        lambda run: run.share.sum(axis=1).min(),
    ),
    Claim(
        "Five agents attend mostly one zone each: green, blue, orange, cyan, magenta",
        "part of an agent's time in zones that is in its own one, least of all agents",
        (">", 0.5),
        least_in_own_zone,
    ),
    Claim(
        "Their spare time goes to red",
        "part of red in the time in zones that are not the agent's own, less that of any other zone",
        (">", 0),
        red_in_spare_time,
    ),
    Claim(
        "The agent that keeps green attends red most",
        "fraction of time that it is in red, less that of any other agent",
        (">", 0),
        lambda run: lead(run.share[:, run.red], run.green_keeper),
    ),
    Claim(
        "No agent holds its position throughout",
        "longest stay at one place of any agent, as a fraction of the run",
        ("<", 1),
        lambda run: longest_stays(run.recording).max() / run.recording.steps,
    ),
    Claim(
        "Agents alternate between zones",
        "zones that an agent attends for 1 % of the time or more, fewest of all agents",
        (">=", 2),
        lambda run: (run.share >= 0.01).sum(axis=1).min(),
    ),
    Claim(
        "Two agents stationed in neighbouring rooms are linked most of the time (Fig. 5a)",
        "most frequent link of two agents whose own zones are nearest neighbours",
        (">", 0.5),
        link_of_neighbours,
    ),
    Claim(
        "Over time every agent is linked with some other (Fig. 5a)",
        "most frequent link of an agent, least of all agents",
        (">", 0),
        lambda run: run.frequency.max(axis=1).min(),
    ),
    Claim(
        "All links that ever are up make a connected graph",
        "1 if it is connected, else 0",
        (">", 0),
        lambda run: float(connected(run.frequency > 0)),
    ),
    Claim(
        "At single steps the network mostly falls into clusters",
        "fraction of steps whose graph is not connected",
        (">", 0.5),
        apart,
    ),
    Claim(
        "The agent that keeps green is isolated most often",
        "fraction of steps in which it has no neighbour, less that of any other agent",
        (">", 0),
        lambda run: lead(run.alone, run.green_keeper),
    ),
    Claim(
        "It is so when it visits red",
        "fraction of steps without neighbours while in red, less that while elsewhere",
        (">", 0),
        alone_in_red,
    ),
    Claim(
        "All agents are isolated part of the time (Fig. 5b)",
        "fraction of steps in which an agent has no neighbour, least of all agents",
        (">", 0),
        lambda run: run.alone.min(),
    ),
    Claim(
        "Agents rarely meet in threes (Fig. 5b)",
        "fraction of agents and steps with two neighbours or more",
        ("<", RARELY),
        lambda run: (run.sizes >= 2).mean(),
    ),
    Claim(
        "They seldom confer all together, in two steps of a thousand (Fig. 5b)",
        "fraction of steps in which all pairs are linked",
        ("<", SELDOM),
        lambda run: (run.sizes == run.sizes.shape[1] - 1).all(axis=1).mean(),
    ),
)


RANGE_CLAIMS: tuple[Claim[pd.DataFrame], ...] = (
    Claim(
        "The margin is negative for small d (Fig. 5c)",
        "smallest margin at d < 4",
        ("<", 0),
        lambda table: table.query("d < 4")["smallest_margin"].tolist(),
    ),
    Claim(
        "The margin is above 0 from d = 4 on (Fig. 5c)",
        "smallest margin at d >= 4",
        (">", 0),
        lambda table: table.query("d >= 4")["smallest_margin"].tolist(),
    ),
    Claim(
        "The margin grows with d (Fig. 5c)",
        "smallest margin at the largest d less that at the smallest",
        (">", 0),
        lambda table: growth(table, "smallest_margin"),
    ),
    Claim(
        "That is so because a longer range makes multipliers agree better (Fig. 5c, Theorem 1)",
        "multiplier error at the largest d less that at the smallest",
        ("<", 0),
        lambda table: growth(table, "multiplier_error"),
    ),
)


def growth(table: pd.DataFrame, column: str) -> list[float]:
    """A column at the largest d less that at the smallest, by seed; empty if there is one d only."""
    values = table.pivot(index="seed", columns="d", values=column).dropna()
    return (values.iloc[:, -1] - values.iloc[:, 0]).tolist() if len(values.columns) > 1 else []


def agreement(met: Sequence[bool]) -> str:
    """``agrees`` if all runs meet a criterion, ``disagrees`` if none does, else how many do."""
    count = sum(met)
    if count == len(met):
        return "agrees"
    return f"agrees in {count} of {len(met)} runs" if count else "disagrees"


def row(policy: str, claim: Claim[Any], found: Sequence[float]) -> dict[str, object]:
    """One line of the table, from what was found in all runs."""
    comparison, bound = claim.must
    return {
        "policy": policy,
        "paper": claim.paper,
        "criterion": f"{claim.quantity}: {comparison} {bound:g}",
        "lowest": float(min(found)),
        "highest": float(max(found)),
        "runs": len(found),
        "verdict": agreement([bool(_COMPARE[comparison](value, bound)) for value in found]),
    }


def check_runs(recordings: Sequence[Recording], policy: str) -> pd.DataFrame:
    """One line for each of `CLAIMS`, from runs of one policy at level ``step``.

    Columns: policy, paper, criterion, lowest and highest value over the runs, number of runs, verdict.
    """
    runs = [Evidence(recording) for recording in recordings]
    return pd.DataFrame([row(policy, claim, [claim.find(run) for run in runs]) for claim in CLAIMS])


def check_ranges(table: pd.DataFrame) -> pd.DataFrame:
    """One line for each of `RANGE_CLAIMS` and policy, from the table of Fig. 5c; columns as `check_runs`."""
    rows = [
        row(str(policy), claim, found)
        for policy, mine in table.groupby("policy", sort=False)
        for claim in RANGE_CLAIMS
        if len(found := claim.find(mine))
    ]
    return pd.DataFrame(rows)
