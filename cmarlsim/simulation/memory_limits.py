"""Whether the tables of a run, and its recording, fit into memory: said before any of them is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cmarlsim.graphs import footprint_size
from cmarlsim.limits import check_bytes
from cmarlsim.policies.policy import Policy
from cmarlsim.scenario import Scenario


def table_bytes(scenario: Scenario, policy: Policy) -> dict[str, int]:
    """Bytes of the large tables of a run, by what they are and what makes them smaller."""
    N, M, T0 = scenario.agents.N, scenario.M, scenario.dual.T0
    tiles, links = len(scenario.floorplan.tiles), scenario.links
    edges = footprint_size(links.footprint, N) if links.model == "bernoulli" and links.footprint else 0
    return {
        "links and gossip (N x N bits, four times): lower agents.N": N * N // 2,
        "the log of a step's events (N x (N + M)): lower agents.N": 48 * (N * (N + M) + edges),
        "what agents know (N x M): lower agents.N or the number of zones": 40 * N * M,
        "routes and draws (T0 x N): lower dual.T0 or agents.N": 36 * (T0 + 1) * N,
        "draws of links (T0 x edges of the footprint): lower dual.T0 or agents.N": 8 * T0 * edges,
        "policy tables (N x tiles x M): lower agents.N, or use the policy 'rank'": 0
        if policy.networks is None
        else 8 * N * tiles * M,
    }


def check_memory(scenario: Scenario, policy: Policy) -> None:
    """Raise InputError if a run's tables do not fit into memory."""
    check_tables(f"scenario '{scenario.name}'", scenario, table_bytes(scenario, policy))


def check_tables(what: str, scenario: Scenario, tables: Mapping[str, int]) -> None:
    """Raise InputError, which says what to lower, if `tables` take more than `SHARE` of the memory."""
    largest = max(tables, key=tables.__getitem__)
    check_bytes(
        f"{what} with N = {scenario.agents.N}, M = {scenario.M}, T0 = {scenario.dual.T0}: its tables need",
        sum(tables.values()),
        f"most of it, {tables[largest] / 1e9:.1f} GB, for {largest}",
    )


def record_bytes(scenario: Scenario, steps: int, record: str, sparse: bool) -> int:
    """Bytes of a recording in memory, but for its links where they are sparse."""
    N, M, T0 = scenario.agents.N, scenario.M, scenario.dual.T0
    rollout = 8 * M * (N + 2) * (steps // T0)
    step = steps * (20 * N + M + N * M + (0 if sparse else N * N))
    return {"step": step + rollout, "rollout": rollout}.get(record, 0)


def check_record_memory(sizes: Sequence[int]) -> None:
    """Raise InputError if recordings of these sizes take more than `SHARE` of the machine's memory."""
    remedy = "keep less (record='rollout' or 'summary'), run fewer at a time, or write to files"
    check_bytes(f"{len(sizes)} recordings in memory need", sum(sizes), remedy)


def check_rollout_memory(scenario: Scenario, record: str, sparse: bool) -> None:
    """Raise InputError if what is kept of a single rollout does not fit into memory, before it is written."""
    check_bytes(
        f"scenario '{scenario.name}': a rollout of T0 = {scenario.dual.T0} steps needs",
        record_bytes(scenario, scenario.dual.T0, record, sparse),
        "lower dual.T0 or agents.N, or keep less (record='rollout' or 'summary')",
    )
