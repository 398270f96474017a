"""All baselines: who decides, how multipliers evolve, what is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from analysis.baselines.matching import oracle, schedule
from analysis.baselines.partition import best_partition, targets
from analysis.baselines.ruled_run import RuledRun, without_links
from analysis.baselines.rules import ConsensusRule, FrozenRule, GossipRule, SharedRule
from cmarlsim.errors import InputError
from cmarlsim.kernels.world import Ints
from cmarlsim.policies.policy import RANK, Policy
from cmarlsim.randomness import stream
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run
from cmarlsim.simulation.prescribed import PrescribedRun

OURS, IDEAL, RULE, BOUND = "gossip", "shared", "rank", "bound"
TIGHTENED = "-tightened"
BOTH_WAYS = (OURS, IDEAL, "consensus", "rank-shared")
"""Teams that are there a second time, with tightened thresholds."""
TRAINED = (OURS, IDEAL, "silent", "consensus", "alpha-0", "frozen", "primal-dual")
"""Teams that need a policy trained for the scenario."""

Sends = Literal["observations", "multipliers", "nothing", "not counted"]
Start = Callable[[Scenario, int, int], RuledRun]
"""Makes a fresh run of a scenario from a number of steps T and a seed."""


class Baseline(NamedTuple):
    """A way to run the scenario's agents; the trained team is one of them."""

    name: str
    what: str
    sends: Sends
    start: Start


class Policies(NamedTuple):
    """The trained policies among the baselines; None where there is none for the scenario."""

    gossip: Policy | None  # trained in the loop, under gossip
    shared: Policy | None  # trained with one shared vector of multipliers, the paper's recipe
    silent: Policy | None  # trained without communication

    @classmethod
    def of(cls, scenario: Scenario) -> Policies:
        """Those that come with the package and fit."""
        return cls(
            *(_if_fitting(Policy.load(name), scenario) for name in ("paper", "paper-recipe", "silent"))
        )


def _if_fitting(policy: Policy, scenario: Scenario) -> Policy | None:
    try:
        policy.weights(scenario.agents.N, scenario.world)
    except InputError:
        return None
    return policy


class Tuned(NamedTuple):
    """What was searched for, on seeds of its own."""

    frozen: tuple[float, ...]  # (M,) the best constant multipliers; () without a policy for them
    tightening: dict[str, float]  # by how much to raise the thresholds of the teams in `BOTH_WAYS`


class Ruled(NamedTuple):
    """Agents that follow a policy, with multipliers that follow a rule.

    Where they send nothing, they have no links.
    """

    name: str
    what: str
    policy: Policy
    rule: GossipRule
    sends: Sends = "observations"

    def baseline(self, tightening: float | None = None) -> Baseline:
        """The baseline with the scenario's thresholds, or with tightened ones."""

        def start(scenario: Scenario, steps: int, seed: int) -> RuledRun:
            heard = without_links(scenario) if self.sends == "nothing" else scenario
            return RuledRun(Run(heard, self.policy, seed), self.rule, tightening or 0.0)

        if tightening is None:
            return Baseline(self.name, self.what, self.sends, start)
        what = f"the same, thresholds tightened by {tightening:.3f}"
        return Baseline(self.name + TIGHTENED, what, self.sends, start)


def ruled(policies: Policies, frozen: tuple[float, ...]) -> list[Ruled]:
    """The baselines with multipliers that there are policies for, in the order of the table."""
    gossip, shared, rank = GossipRule(), SharedRule(), Policy.load(RANK)
    ours, found = policies.gossip, []
    if ours is not None:
        found.append(Ruled(OURS, "trained with gossip (ours)", ours, gossip))
    if policies.shared is not None:
        ideal = "trained with one shared lambda: the ideal"
        found.append(Ruled(IDEAL, ideal, policies.shared, shared, "not counted"))
    if policies.silent is not None:
        found.append(Ruled("silent", "trained without communication", policies.silent, gossip, "nothing"))
    if ours is not None:
        still, decreasing = GossipRule(alpha=0.0), GossipRule(alpha=0.0, decay=1.0)
        average = "neighbours average their multipliers"
        found += [
            Ruled("consensus", average, ours, ConsensusRule(), "multipliers"),
            Ruled("alpha-0", "alpha = 0", ours, still),
            Ruled("frozen", "lambda frozen at its best value", ours, FrozenRule(lam=frozen), "nothing"),
            Ruled("primal-dual", "primal-dual with step eta / (k + 1)", ours, decreasing),
        ]
    return [
        *found,
        Ruled(RULE, "Lemma 1's assignment, by gossip", rank, gossip),
        Ruled("rank-shared", "Lemma 1's assignment, one shared lambda", rank, shared, "not counted"),
    ]


def planned(name: str, what: str, plan: Callable[[Scenario, int, int], Ints]) -> Baseline:
    """Agents that follow a plan: for a scenario, T steps and a seed, the zones they head for, (T, N)."""

    def start(scenario: Scenario, steps: int, seed: int) -> RuledRun:
        return RuledRun(PrescribedRun(without_links(scenario), plan(scenario, steps, seed), seed), None)

    return Baseline(name, what, "nothing", start)


def partition(longest: int) -> Baseline:
    """The best fixed partition with dwell times of at most `longest` steps."""

    def plan(scenario: Scenario, steps: int, seed: int) -> Ints:
        return targets(scenario, best_partition(scenario, longest), steps)

    return planned(f"partition-{longest}", f"best fixed partition, dwell times up to {longest} steps", plan)


def dwell_times(scenario: Scenario) -> tuple[int, int]:
    """Longest dwell times of the two partitions, in steps: half a rollout, and two rollouts."""
    return max(1, scenario.dual.T0 // 2), 2 * scenario.dual.T0


def stay(scenario: Scenario, steps: int, seed: int) -> Ints:
    """Plan of a team that holds the zones with the largest thresholds."""
    zones = np.sort(np.argsort(-scenario.c, kind="stable")[: scenario.agents.N])
    return np.tile(np.resize(zones, scenario.agents.N), (steps, 1))


def wander(scenario: Scenario, steps: int, seed: int) -> Ints:
    """Plan of agents that draw a zone whenever a rollout begins."""
    T0, N = scenario.dual.T0, scenario.agents.N
    return stream(seed, "random targets").integers(scenario.M, size=(steps // T0, N)).repeat(T0, axis=0)


def all_baselines(scenario: Scenario, policies: Policies, tuned: Tuned) -> list[Baseline]:
    """All baselines of a scenario, in the order of the table."""
    found = []
    for team in ruled(policies, tuned.frozen):
        found.append(team.baseline())
        if team.name in BOTH_WAYS:
            found.append(team.baseline(tuned.tightening[team.name]))
    static = "best static assignment: the zones with the largest thresholds are held"
    random = "uniformly random targets, one for each rollout"
    return [
        *found,
        Baseline("oracle", "Lemma 1's assignment, the true lambda, matched by travel", "not counted", oracle),
        planned("schedule", "every agent's part of an imagined run of the oracle", schedule),
        planned("static", static, stay),
        *map(partition, dwell_times(scenario)),
        planned("random", random, wander),
    ]
