"""``python -m analysis.proposition1 [SCENARIO]``: whether the gradient by local Q-functions is that of L.

Where joint states can be enumerated, as in the scenario `tiny`, nothing of the gradient is sampled: local Q,
as eq. (12) defines it, against differences of the Lagrangian (5). Beside it what Algorithm 1 makes of it in
episodes of T0 steps, and the gradient that training's compiled episodes sample. In larger scenarios, such as
`paper`, local Q comes from each agent's own chain. Writes ``proposition1.csv`` and ``proposition1.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from analysis import markdown
from analysis.enumerated import MOST_STATES, STEP, Alone, Joint, slopes
from analysis.intervals import mean_and_error
from analysis.options import OUT, Force, Out
from analysis.style import free_stem, save_table
from cmarlsim.bounds.verdicts import CORRECTED, ESTIMATED, PRINTED, PROVEN, ROUNDING, Statement
from cmarlsim.errors import InputError
from cmarlsim.kernels.episodes import new_episodes, run_episodes
from cmarlsim.kernels.scene import new_scene, new_steps
from cmarlsim.kernels.world import NEVER, Floats, locations_at
from cmarlsim.learning.mlp import MLP, softmax
from cmarlsim.learning.reinforce import gather, logit_gradient, returns_to_go
from cmarlsim.policies.encoding import Encoding
from cmarlsim.policies.policy import Policy
from cmarlsim.randomness import stream
from cmarlsim.scenario import Scenario
from cmarlsim.storage.files import write_whole
from cmarlsim.terminal.console import command, compilation_announced, progress_bar
from cmarlsim.terminal.numbers import MOST_SEED

NAME = "proposition1"
CLAIM = "Proposition 1"
SCENARIOS = ("tiny", "paper")
SCALES = (0.3, 0.6)
"""Scales of the weights of random networks: from undecided policies to determined ones."""

MOST_ZONES = 6
"""Zones up to which these are the scales; of more, weights are smaller, or policies are too determined."""

VECTORS = 3
"""Number of vectors of multipliers with which every policy is looked at."""

DIRECTIONS = 2
"""Number of random directions of an agent's logits along which gradients are compared."""

CASES = len(SCALES) * VECTORS
"""Number of cases of every scenario."""

TOLERANCE = 1e-6
"""Relative; differences of L are as good as that."""

SHORT, TRAINED, OWN = "Algorithm 1", "training", "own visits"
"""Further forms: in episodes of T0 steps, as `cmarlsim.training` does it, and blind to other agents."""


@dataclass(frozen=True, eq=False)
class RandomTeam:
    """A team with random networks that all act on one vector of multipliers."""

    scenario: Scenario
    number: int  # the policy's
    policy: Policy
    lam: Floats  # (M,)

    @property
    def pi(self) -> Floats:
        """Tables, (N, L, M)."""
        lam = np.broadcast_to(self.lam, (1, self.scenario.agents.N, self.scenario.M))
        return self.policy.probabilities(lam, self.scenario.world)[0]


def cases(scenario: Scenario, seed: int) -> Iterator[RandomTeam]:
    """Every one of some random policies with every one of some multipliers, of which one lacks zones."""
    draws, M = stream(seed, "proposition1"), scenario.M
    shapes = [(M + 2, 12), (12,), (12, M), (M,)]
    vectors = draws.random((VECTORS, M)) + 0.05
    vectors[0, 1::2] = 0
    for number, scale in enumerate(SCALES):
        scale *= min(1.0, MOST_ZONES / M) ** 0.5
        weights = [scale * draws.normal(size=(scenario.agents.N, *shape)) for shape in shapes]
        networks = MLP(*(array.astype(np.float32) for array in weights))
        policy = Policy(networks, Encoding.of(scenario.world, True))
        for lam in vectors:
            yield RandomTeam(scenario, number, policy, lam)


def apart(found: list[Floats], truth: list[Floats]) -> float:
    """Largest difference between gradients of all agents, by the largest entry of the true ones."""
    return float(np.abs(np.array(found) - truth).max() / np.abs(truth).max())


def row(
    case: RandomTeam,
    form: str,
    quantity: str,
    value: float,
    bound: float = TOLERANCE,
    basis: str = PROVEN,
    rounding: float = 0.0,
) -> dict[str, object]:
    """One statement about one case: a quantity that is at most the bound if it is true.

    It is known to within `rounding`.
    """
    lam = " ".join(f"{each:.3g}" for each in case.lam)
    head = {"scenario": case.scenario.name, "policy": case.number, "lam": lam}
    low = max(0.0, value - rounding)
    return Statement(CLAIM, form, quantity, bound, basis).row(value, low, value + rounding) | head


def own_chain(case: RandomTeam, alone: Alone, seed: int) -> dict[str, object]:
    """The gradient that agents' own chains give against differences of L, along random directions."""
    pi, lam, draws = case.pi, case.lam, stream(seed, "proposition1/directions")
    attended, sizes, errors = np.stack([alone.attended(table) for table in pi]), [], []
    for n, table in enumerate(pi):
        gradient = alone.gradient(table, alone.local_q(table, alone.thinned(attended, lam, n)))
        sizes.append(np.abs(gradient).sum())
        for _ in range(DIRECTIONS):
            direction = draws.choice([-1.0, 1.0], size=gradient.shape)
            values = []
            for step in (STEP, -STEP):
                moved = attended.copy()
                moved[n] = alone.attended(softmax(np.log(table) + step * direction))
                values.append(alone.lagrangian(moved, lam))
            errors.append(abs((gradient * direction).sum() - (values[0] - values[1]) / (2 * STEP)))
    quantity = "local Q of the agent's own chain, rewards thinned by the others, against the gradient of L"
    error = float(max(errors) / max(sizes))
    if error <= TOLERANCE:
        return row(case, CORRECTED, quantity, error)
    return row(case, CORRECTED, quantity, error, rounding=max(map(alone.rounding, pi)) / STEP)


def joint_rows(case: RandomTeam, joint: Joint, episodes: int, seed: int) -> Iterator[dict[str, object]]:
    """What is compared over all joint states; each row has the agent for which it comes out worst."""
    pi, lam, alone, T0 = case.pi, case.lam, joint.alone, case.scenario.dual.T0
    agents, lengths = range(alone.N), [T0, 10 * T0, 100 * T0]
    of_L = [slopes(partial(joint.lagrangian, lam=lam), pi, n) for n in agents]
    of_T0 = [slopes(partial(joint.objective, lam=lam, T0=T0), pi, n) for n in agents]
    printed = [alone.gradient(pi[n], joint.local_q(pi, lam, n)) for n in agents]
    yield row(case, PRINTED, "local Q, eq. (12), against the gradient of L", apart(printed, of_L))
    visits = [alone.gradient(table, alone.local_q(table, alone.inside @ lam)) for table in pi]
    quantity = "local Q of the agent's own visits, whoever else is there, against the gradient of L"
    yield row(case, OWN, quantity, apart(visits, of_L))
    for length in lengths:
        mean = [joint.sampled_mean(pi, lam, n, length) for n in agents]
        if length == T0:
            quantity = f"mean over episodes of T0 = {T0} steps against the gradient of (13)"
            yield row(case, SHORT, quantity, apart(mean, of_T0))
        quantity = f"mean over episodes of T0 = {length} steps against the gradient of L"
        yield row(case, SHORT, quantity, apart(mean, of_L))
    by_mean = [joint.sampled_mean(pi, lam, n, T0, by_mean=True) for n in agents]
    turned = max(1 - _cosine(found, truth) for found, truth in zip(by_mean, of_T0, strict=True))
    quantity = "1 - cosine to the gradient of (13), local Q as the mean of the rewards to go"
    yield row(case, TRAINED, quantity, turned)
    off = max(sampled_error(case, n, of_T0[n], episodes, seed) for n in agents)
    quantity = "sampled by compiled episodes, off the gradient of (13) by its error"
    yield row(case, TRAINED, quantity, off, 1.0, ESTIMATED)


def _cosine(one: Floats, other: Floats) -> float:
    return float((one * other).sum() / np.linalg.norm(one) / np.linalg.norm(other))


def sampled_error(case: RandomTeam, n: int, truth: Floats, episodes: int, seed: int) -> float:
    """Largest deviation of a sampled gradient from its mean, by the error of that entry.

    The episodes are those in which training lets agent n learn, with difference rewards, here summed.
    """
    scenario, rules = case.scenario, case.scenario.rules()
    N, T0, world = scenario.agents.N, scenario.dual.T0, scenario.world
    draws = stream(seed, "proposition1/episodes", case.number, n)
    batch = new_episodes(
        np.tile(case.lam, (episodes, 1)),
        locations_at(draws.integers(len(scenario.site.numbered.position), size=(episodes, N))),
        draws.random((episodes, T0, N)),
    )
    rules = rules._replace(links=rules.links._replace(code=NEVER))
    weights = case.policy.weights(N, world)
    scene = new_scene(scenario.site, rules, weights, N, T0)
    run_episodes(scenario.site, rules, weights, n, scene, new_steps(T0, N), batch)
    sums = returns_to_go(batch.reward, discount=1.0) * (T0 - np.arange(T0))
    visits = gather(batch.tile, batch.action, sums, *truth.shape)
    samples = np.zeros((episodes, *truth.shape))
    samples[visits.episode, visits.tile] = logit_gradient(case.pi[n][visits.tile], visits.returns) / T0
    mean, error = mean_and_error(samples.reshape(episodes, -1))
    return float((np.abs(mean - truth.ravel()) / (error + ROUNDING)).max())


def restless(alone: Alone) -> Floats | None:
    """Tables (N, L, M) that draw among the actions which move an agent; None where some tile has none."""
    moves = alone.after != np.arange(len(alone.after))[:, None]
    allowed = np.array([moves[alone.tile == tile].all(axis=0) for tile in range(alone.tile.max() + 1)])
    if not allowed.any(axis=1).all():
        return None
    table = allowed / allowed.sum(axis=1, keepdims=True)
    return np.repeat(table[None], alone.N, axis=0)


def without_law(case: RandomTeam, joint: Joint) -> dict[str, object] | None:
    """What L is worth where nobody ever stays: it may depend on the first state, and then has no gradient."""
    pi = restless(joint.alone)
    if pi is None:
        return None
    values = joint.values(pi, case.lam)
    quantity = f"spread of L over first states, agents never stay ({len(values)} recurrent classes)"
    return row(case, PRINTED, quantity, float(np.ptp(values))) if len(values) > 1 else None


def check(
    scenario: Scenario, episodes: int, seed: int, advance: Callable[[int], object] = lambda cases: None
) -> pd.DataFrame:
    """All rows of a scenario; calls ``advance(1)`` after each of its `CASES`."""
    alone, found = Alone.of(scenario), []
    small = len(alone.tile) ** alone.N <= MOST_STATES
    for case in cases(scenario, seed):
        found.append(own_chain(case, alone, seed))
        if small:
            joint = Joint(alone)
            found += joint_rows(case, joint, episodes, seed)
            none = without_law(case, joint) if case.number == 0 else None
            found += [none] if none else []
        advance(1)
    return pd.DataFrame(found)


def loaded(references: Sequence[str]) -> list[Scenario]:
    """Scenarios by file or shipped name.

    Raises
    ------
    InputError
        If one cannot be loaded, or two have the same name, by which the table tells them apart.
    """
    found: dict[str, Scenario] = {}
    for reference in references:
        scenario = Scenario.load(reference)
        if scenario.name in found:
            raise InputError(f"{reference}: there is another scenario '{scenario.name}': give each once")
        found[scenario.name] = scenario
    return list(found.values())


def tabulated(table: pd.DataFrame) -> str:
    """One line a statement and scenario: in how many cases it came out how, and the largest number."""
    lines = []
    for (form, quantity, name), mine in table.groupby(["form", "quantity", "scenario"], sort=False):
        numbers = (mine["bound"].iloc[0], mine["measured"].min(), mine["measured"].max())
        lines.append(
            [form, quantity, name, *map(markdown.number, numbers), markdown.counted(mine["verdict"])]
        )
    return markdown.table(["form", "quantity", "scenario", "bound", "least", "largest", "verdict"], lines)


def proposition1(
    scenario: Annotated[
        list[str] | None,
        typer.Argument(
            help="Scenario's file or shipped name; several may be given.", show_default=" ".join(SCENARIOS)
        ),
    ] = None,
    episodes: Annotated[
        int, typer.Option(min=1000, max=10**8, help="Episodes of each sampled gradient.")
    ] = 20_000,
    seed: Annotated[
        int, typer.Option(min=0, max=MOST_SEED, help="Seed of policies, multipliers and episodes.")
    ] = 0,
    out: Out = OUT,
    force: Force = False,
) -> int:
    """Set the gradient by local Q-functions beside that of the Lagrangian, enumerated where possible."""
    stem = free_stem(out, NAME, force, (".csv", ".md"))
    scenarios = loaded(scenario or SCENARIOS)
    with compilation_announced(), progress_bar(NAME, len(scenarios) * CASES) as advance:
        found = [check(each, episodes, seed, advance) for each in scenarios]
    table = pd.concat(found, ignore_index=True)
    save_table(table, stem.with_suffix(".csv"))
    text = (
        "The policy gradient with local Q-functions against that of the Lagrangian, over random policies and "
        "multipliers. For each of them the worst agent; differences by the largest entry of all.\n\n"
        + tabulated(table)
    )
    write_whole(stem.with_suffix(".md"), text.encode())
    print(f"{stem}.csv, .md")
    print(tabulated(table), end="")
    return 0


if __name__ == "__main__":
    command(proposition1)
