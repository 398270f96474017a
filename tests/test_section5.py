"""The table of Section V's claims, on runs and tables made by hand, whose numbers can be told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.measures import connected, longest_stays, own_zones
from analysis.section5 import CLAIMS, RANGE_CLAIMS, agreement, check_ranges, check_runs
from cmarlsim import Recording, Scenario
from cmarlsim.recordings.recording import Memory

PAPER = Scenario.load("paper")
T = 1000
OWN = {0: "cyan", 1: "orange", 2: "blue", 3: "green", 4: "magenta"}


def by_hand(red_from: int = 600) -> Recording:
    """Everybody stays in its own zone, but the agent of green is in red from some step on.

    Agents 0 and 4 are linked during 700 steps, 0 and 1 during 10, 1 and 2 during 5, 2 and 3 during the first.
    """
    center = {zone.name: zone.center for zone in PAPER.zones}
    position = np.array([[center[OWN[n]] for n in range(5)]] * T, dtype=float)
    position[red_from:, 3] = center["red"]
    link = np.zeros((T, 5, 5), dtype=bool)
    for (i, j), steps in {(0, 4): 700, (0, 1): 10, (1, 2): 5, (2, 3): 1}.items():
        link[:steps, i, j] = link[:steps, j, i] = True
    reward = np.ones((T, 6), dtype=bool)
    reward[:red_from, 0] = False
    reward[red_from:, 1] = False
    arrays = {
        "step/position": position,
        "step/tile": np.zeros((T, 5)),
        "step/action": np.zeros((T, 5)),
        "step/link": link,
        "step/reward": reward,
        "step/estimate": np.zeros((T, 5, 6), dtype=bool),
        "rollout/lam": np.zeros((11, 5, 6)),
        "rollout/lam_ideal": np.zeros((11, 6)),
        "rollout/reward_mean": reward.reshape(10, 100, 6).mean(axis=1),
    }
    attributes = {"seed": 0, "record": "step", "policy_sha256": "-", "rollouts_done": 10}
    return Recording(Memory(arrays, attributes), "by hand", PAPER)


EXPECTED = {
    "smallest margin over zones": (0.3, True),  # red: .4 - .1
    "smallest margin over zones + sqrt(alpha M)": (0.3 + 0.06**0.5, True),
    "fraction of time that an agent is in zones, least of all agents": (1.0, True),
    "part of an agent's time in zones that is in its own one, least of all agents": (0.6, True),
    "part of red in the time in zones that are not the agent's own, less that of any other zone": (1.0, True),
    "fraction of time that it is in red, less that of any other agent": (0.4, True),
    "longest stay at one place of any agent, as a fraction of the run": (1.0, False),
    "zones that an agent attends for 1 % of the time or more, fewest of all agents": (1, False),
    "most frequent link of two agents whose own zones are nearest neighbours": (0.7, True),
    "most frequent link of an agent, least of all agents": (0.001, True),
    "1 if it is connected, else 0": (1.0, True),
    "fraction of steps whose graph is not connected": (0.999, True),
    "fraction of steps in which it has no neighbour, less that of any other agent": (0.999 - 0.995, True),
    "fraction of steps without neighbours while in red, less that while elsewhere": (1 - 599 / 600, True),
    "fraction of steps in which an agent has no neighbour, least of all agents": (0.3, True),
    # agent 0 has two neighbours in 10 steps, 1 in 5, 2 in 1
    "fraction of agents and steps with two neighbours or more": (16 / 5000, True),
    "fraction of steps in which all pairs are linked": (0.0, True),
}


def test_every_claim_finds_the_number_of_a_run_made_by_hand() -> None:
    assert [claim.quantity for claim in CLAIMS] == list(EXPECTED)
    table = check_runs([by_hand()], "mine")
    for line, (quantity, (value, agrees)) in zip(table.to_dict("records"), EXPECTED.items(), strict=True):
        assert line["criterion"].startswith(quantity)
        assert line["lowest"] == line["highest"] == pytest.approx(value, abs=1e-12), quantity
        assert line["verdict"] == ("agrees" if agrees else "disagrees"), quantity
        assert (line["policy"], line["runs"]) == ("mine", 1)


def test_verdicts_follow_the_runs() -> None:
    early, late = by_hand(red_from=300), by_hand(red_from=950)
    margins = check_runs([early, late], "mine").iloc[0]
    # green has .3 - .2 when it is left early, red .05 - .1 when it is visited late
    assert (margins["lowest"], margins["highest"]) == pytest.approx((-0.05, 0.1))
    assert margins["verdict"] == "agrees in 1 of 2 runs"
    assert check_runs([late, late], "mine").iloc[0]["verdict"] == "disagrees"
    assert check_runs([early, early], "mine").iloc[0]["verdict"] == "agrees"
    assert [agreement(met) for met in ([True], [False, False])] == ["agrees", "disagrees"]


def test_who_keeps_which_zone_is_the_best_assignment_without_the_spare_zone() -> None:
    shares = np.array([[0.9, 0.0, 0.5, 0.4], [0.0, 0.1, 0.6, 0.0], [0.9, 0.0, 0.0, 0.05]])
    best = max(
        (shares[0, i] + shares[1, j] + shares[2, k], [i, j, k])
        for i in (1, 2, 3)
        for j in (1, 2, 3)
        for k in (1, 2, 3)
        if len({i, j, k}) == 3
    )
    assert own_zones(shares, spare=0).tolist() == best[1]


def reached(link: np.ndarray) -> set[int]:
    """Agents that agent 0 can reach."""
    found = {0}
    while more := {j for i in found for j in range(len(link)) if link[i, j]} - found:
        found |= more
    return found


@pytest.mark.parametrize("agents", [1, 2, 3, 6, 9])
def test_connected_graphs_are_those_in_which_everybody_is_reached(agents: int) -> None:
    generator = np.random.default_rng(agents)
    upper = np.triu(generator.random((200, agents, agents)) < 1.3 / agents, 1)
    link = upper | upper.transpose(0, 2, 1)
    path = np.zeros((1, agents, agents), dtype=bool)
    path[0, np.arange(agents - 1), np.arange(1, agents)] = True
    link = np.concatenate([link, path | path.transpose(0, 2, 1)])
    assert connected(link).tolist() == [len(reached(matrix)) == agents for matrix in link]
    assert connected(link)[-1]


def test_longest_stays_are_the_longest_equal_stretches() -> None:
    run = by_hand()
    position = run.file["step/position"]
    position[:, 0, 0] = np.arange(T)  # along x all the time
    position[:, 1, 1] = np.arange(T) // 7
    position[10:400, 2] += 1.0
    assert longest_stays(run).tolist() == [1, 7, 600, 600, 1000]


def test_links_of_agents_from_distant_rooms_are_no_links_of_neighbours() -> None:
    run = by_hand()
    for i, j in ((2, 3), (1, 4)):  # blue and green are 7 m apart, orange and magenta 8, laboratories 4
        run.file["step/link"][:900, [i, j], [j, i]] = True
    found = check_runs([run], "mine").set_index("paper")["highest"]
    assert found["Two agents stationed in neighbouring rooms are linked most of the time (Fig. 5a)"] == 0.7


def ranges(*margins: float) -> pd.DataFrame:
    """Table of Fig. 5c with two seeds, the second .01 higher, and d = 1, 2, ..."""
    rows = [
        {"policy": "mine", "d": float(d), "seed": seed, "smallest_margin": margin + 0.01 * seed}
        | {"multiplier_error": 0.01 * seed - margin}
        for d, margin in enumerate(margins, 1)
        for seed in (0, 1)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("margins", "verdicts"),
    [
        ((-0.1, -0.1, -0.05, 0.01, 0.02, 0.02), ["agrees", "agrees", "agrees", "agrees"]),
        ((0.1, 0.1, 0.1, 0.1, 0.1, 0.1), ["disagrees", "agrees", "disagrees", "disagrees"]),
        (
            (-0.1, -0.1, -0.005, -0.005, 0.02, 0.02),
            ["agrees in 5 of 6 runs"] * 2 + ["agrees"] * 2,
        ),
        ((0.3,), ["disagrees"]),
    ],
)
def test_claims_about_ranges_follow_the_margins(margins: tuple[float, ...], verdicts: list[str]) -> None:
    table = check_ranges(ranges(*margins))
    assert table["verdict"].tolist() == verdicts
    assert table["paper"].tolist() == [claim.paper for claim in RANGE_CLAIMS][: len(verdicts)]
