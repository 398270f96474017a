"""All baselines: who decides, how multipliers evolve, what is sent."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

from analysis.baselines.partition import best_partition, best_static, targets
from analysis.baselines.ruled_run import RuledRun, without_links
from analysis.baselines.rules import ConsensusRule, FrozenRule, GossipRule, SharedRule
from cmarlsim.kernels.world import Ints
from cmarlsim.policies.policy import RANK, Policy
from cmarlsim.randomness import stream
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run
from cmarlsim.simulation.prescribed import Patrol

OURS, IDEAL, PARTITION, BOUND = "gossip", "shared", "partition-200", "bound"
TIGHTENED = "-tightened"
BOTH_WAYS = (OURS, IDEAL, "consensus", "rank-shared")
"""Teams that are there a second time, with tightened thresholds."""

Sends = Literal["observations", "multipliers", "nothing", "not counted"]
Start = Callable[[int], RuledRun]


class Baseline(NamedTuple):
    """A way to run the scenario's agents; the trained team is one of them."""

    name: str
    what: str
    sends: Sends
    prepare: Callable[[Scenario, int], Start]  # for a scenario and T steps: from a seed, a fresh run


class Policies(NamedTuple):
    """The trained policies among the baselines."""

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
        if tightening is None:
            return Baseline(self.name, self.what, self.sends, partial(self._prepare, tightening=0.0))
        what = f"the same, thresholds tightened by {tightening:.3f}"
        prepare = partial(self._prepare, tightening=tightening)
        return Baseline(f"{self.name}{TIGHTENED}", what, self.sends, prepare)

    def _prepare(self, scenario: Scenario, steps: int, tightening: float) -> Start:
        heard = without_links(scenario) if self.sends == "nothing" else scenario
        return lambda seed: RuledRun(Run(heard, self.policy, seed), self.rule, tightening)


def ruled(policies: Policies, frozen: tuple[float, ...]) -> list[Ruled]:
    """The baselines with multipliers, in the order of the table."""
    ours, rank, gossip, shared = policies.gossip, Policy.load(RANK), GossipRule(), SharedRule()
    still, decreasing = GossipRule(alpha=0.0), GossipRule(alpha=0.0, decay=1.0)
    return [
        Ruled(OURS, "trained with gossip (ours)", ours, gossip),
        Ruled(IDEAL, "trained with one shared lambda: the ideal", policies.shared, shared, "not counted"),
        Ruled("silent", "trained without communication", policies.silent, gossip, "nothing"),
        Ruled("consensus", "neighbours average their multipliers", ours, ConsensusRule(), "multipliers"),
        Ruled("alpha-0", "alpha = 0", ours, still),
        Ruled("frozen", "lambda frozen at its best value", ours, FrozenRule(lam=frozen), "nothing"),
        Ruled("primal-dual", "primal-dual with step eta / (k + 1)", ours, decreasing),
        Ruled("rank", "Lemma 1's assignment, by gossip", rank, gossip),
        Ruled("rank-shared", "Lemma 1's assignment, one shared lambda", rank, shared, "not counted"),
    ]


def planned(name: str, what: str, plan: Callable[[Scenario, int], Callable[[int], Ints]]) -> Baseline:
    """Agents that follow a plan; for a scenario and T steps, `plan` makes targets (T, N) from a seed."""

    def prepare(scenario: Scenario, steps: int) -> Start:
        targets_of = plan(scenario, steps)
        return lambda seed: RuledRun(Patrol(without_links(scenario), targets_of(seed), seed), None)

    return Baseline(name, what, "nothing", prepare)


def partition(longest: int) -> Baseline:
    """The best fixed partition with dwell times of at most `longest` steps."""

    def plan(scenario: Scenario, steps: int) -> Callable[[int], Ints]:
        wanted = targets(scenario, best_partition(scenario, longest), steps)
        return lambda seed: wanted

    what = f"best fixed partition, dwell times up to {longest} steps"
    return planned(f"partition-{longest}", what, plan)


def static() -> Baseline:
    """Everybody stays."""

    def plan(scenario: Scenario, steps: int) -> Callable[[int], Ints]:
        return lambda seed: targets(scenario, best_static(scenario), steps)

    return planned("static", "best static assignment: the zones with the largest thresholds are held", plan)


def random_targets() -> Baseline:
    """Every agent draws a zone whenever a rollout begins."""

    def plan(scenario: Scenario, steps: int) -> Callable[[int], Ints]:
        T0, shape = scenario.dual.T0, (steps // scenario.dual.T0, scenario.agents.N)
        return lambda seed: stream(seed, "random targets").integers(scenario.M, size=shape).repeat(T0, axis=0)

    return planned("random", "uniformly random targets, one for each rollout", plan)


def all_baselines(policies: Policies, tuned: Tuned) -> list[Baseline]:
    """All baselines, in the order of the table."""
    found = []
    for team in ruled(policies, tuned.frozen):
        found.append(team.baseline())
        if team.name in BOTH_WAYS:
            found.append(team.baseline(tuned.tightening[team.name]))
    return [*found, static(), partition(50), partition(200), random_targets()]
