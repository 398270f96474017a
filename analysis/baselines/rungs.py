"""The rungs of the ladder: who decides, how multipliers evolve, what is sent."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

from analysis.baselines.partition import best_partition, best_static, targets
from analysis.baselines.rules import Consensus, Frozen, Gossip, Shared
from analysis.baselines.team import Team, without_links
from cmarlsim.kernels.world import Ints
from cmarlsim.policies.policy import RANK, Policy
from cmarlsim.randomness import stream
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run
from cmarlsim.simulation.prescribed import PrescribedRun

OURS, IDEAL, RIVAL, BOUND = "gossip", "shared", "partition-200", "bound"
TIGHTENED = "-tightened"
AIMED = (OURS, IDEAL, "consensus", "rank-shared")
"""Rungs that are there a second time, with tightened thresholds."""

Sends = Literal["observations", "multipliers", "nothing", "not counted"]
Start = Callable[[int], Team]


class Rung(NamedTuple):
    """A way to run the team."""

    name: str
    what: str
    sends: Sends
    prepare: Callable[[Scenario, int], Start]  # for a scenario and T steps: from a seed, a fresh team


class Policies(NamedTuple):
    """The trained policies of the ladder."""

    gossip: Policy  # trained in the loop, under gossip
    shared: Policy  # trained with one shared vector of multipliers, the paper's recipe
    silent: Policy  # trained without communication

    @classmethod
    def shipped(cls) -> Policies:
        """Those that come with the package."""
        return cls(*(Policy.load(name) for name in ("paper", "paper-recipe", "silent")))


class Tuned(NamedTuple):
    """What was searched for, on seeds of its own."""

    frozen: tuple[float, ...]  # (M,) the best constant multipliers
    aims: dict[str, float]  # by how much the rungs of `AIMED` should aim higher than the thresholds


class Learned(NamedTuple):
    """Agents that follow a policy, with multipliers that follow a rule.

    Where they send nothing, they have no links.
    """

    name: str
    what: str
    policy: Policy
    rule: Gossip
    sends: Sends = "observations"

    def rung(self) -> Rung:
        """The rung that aims for the thresholds."""
        return Rung(self.name, self.what, self.sends, partial(self._prepare, aim=0.0))

    def tightened(self, aim: float) -> Rung:
        """The rung that aims higher by `aim`."""
        what = f"the same, aiming higher by {aim:.3f}"
        return Rung(f"{self.name}{TIGHTENED}", what, self.sends, partial(self._prepare, aim=aim))

    def _prepare(self, scenario: Scenario, steps: int, aim: float) -> Start:
        world = without_links(scenario) if self.sends == "nothing" else scenario
        return lambda seed: Team(Run(world, self.policy, seed), self.rule, aim)


def teams(policies: Policies, frozen: tuple[float, ...]) -> list[Learned]:
    """The rungs with multipliers, in the order of the table."""
    ours, rank = policies.gossip, Policy.load(RANK)
    return [
        Learned(OURS, "trained with gossip (ours)", ours, Gossip()),
        Learned(IDEAL, "trained with one shared lambda: the ideal", policies.shared, Shared(), "not counted"),
        Learned("silent", "trained without communication", policies.silent, Gossip(), "nothing"),
        Learned("consensus", "neighbours average their multipliers", ours, Consensus(), "multipliers"),
        Learned("alpha-0", "alpha = 0", ours, Gossip(alpha=0.0)),
        Learned("frozen", "lambda frozen at its best value", ours, Frozen(lam=frozen), "nothing"),
        Learned("primal-dual", "primal-dual with step eta / (k + 1)", ours, Gossip(alpha=0.0, decay=1.0)),
        Learned("rank", "Lemma 1's assignment, by gossip", rank, Gossip()),
        Learned("rank-shared", "Lemma 1's assignment, one shared lambda", rank, Shared(), "not counted"),
    ]


def planned(name: str, what: str, plan: Callable[[Scenario, int], Ints]) -> Rung:
    """A rung whose agents follow a plan, (T, N) targets."""

    def prepare(scenario: Scenario, steps: int) -> Start:
        wanted, world = plan(scenario, steps), without_links(scenario)
        return lambda seed: Team(PrescribedRun(world, wanted, seed), None)

    return Rung(name, what, "nothing", prepare)


def partition(longest: int) -> Rung:
    """The best fixed partition with dwell times of at most `longest` steps."""
    return planned(
        f"partition-{longest}",
        f"best fixed partition, dwell times up to {longest} steps",
        lambda scenario, steps: targets(scenario, best_partition(scenario, longest), steps),
    )


def static() -> Rung:
    """Everybody stays."""
    return planned(
        "static",
        "best static assignment: the zones with the largest thresholds are held",
        lambda scenario, steps: targets(scenario, best_static(scenario), steps),
    )


def random_targets() -> Rung:
    """Every agent draws a zone whenever a rollout begins."""

    def prepare(scenario: Scenario, steps: int) -> Start:
        T0, world = scenario.dual.T0, without_links(scenario)

        def start(seed: int) -> Team:
            zones = stream(seed, "random targets").integers(scenario.M, size=(steps // T0, scenario.agents.N))
            return Team(PrescribedRun(world, zones.repeat(T0, axis=0), seed), None)

        return start

    return Rung("random", "uniformly random targets, one for each rollout", "nothing", prepare)


def ladder(policies: Policies, tuned: Tuned) -> list[Rung]:
    """All rungs, in the order of the table."""
    rungs = []
    for team in teams(policies, tuned.frozen):
        rungs.append(team.rung())
        if team.name in AIMED:
            rungs.append(team.tightened(tuned.aims[team.name]))
    return [*rungs, static(), partition(50), partition(200), random_targets()]
