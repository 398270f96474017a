"""The advisor: closed forms by hand, solutions that are tight, verdicts that flip, and the command."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import outcome

from cmarlsim import Policy, Scenario, execute
from cmarlsim.advice import advisor
from cmarlsim.advice.advisor import Advice, ask
from cmarlsim.advice.changes import Change, changes, longer_rollouts, more_links
from cmarlsim.advice.connectivity import Connectivity, estimated_connectivity, known_connectivity
from cmarlsim.advice.parameters import Parameters
from cmarlsim.advice.short_run import ShortRun, affordable_steps, run_and_measure
from cmarlsim.advice.statements import Row, conditions, gossip, theorem1
from cmarlsim.advise import advise
from cmarlsim.bounds.proposition3 import MultiplierBound
from cmarlsim.bounds.verdicts import COLUMNS, CORRECTED, ESTIMATED, PRINTED, PROVEN
from cmarlsim.footprints.footprint import Footprint, named, strongest
from cmarlsim.learning.mlp import MLP
from cmarlsim.policies.encoding import Encoding
from cmarlsim.scenario import Links
from cmarlsim.terminal.advice_report import answers, print_advice, safely

RANK = Policy.load("rank")
PATH = ["links.model=bernoulli", "links.footprint=path", "links.p=0.3", "agents.N=2"]
BASE = Parameters(np.array([0.2, 0.3, 0.4, 0.5]), 4, 0.1, 0.5, 20, Connectivity(3, 0.2, PROVEN, ""))
TINY = Scenario.load("tiny", PATH)
BY_SIGHT = Scenario.load("tiny")


def asked(overrides: Sequence[str] = (), policy: Policy = RANK, **question: Any) -> Advice:
    """Advice on the tiny scenario, after a very short run."""
    return ask(Scenario.load("tiny", overrides), policy, "rank", **({"steps": 200} | question))


def network(scale_lam: bool, of_lam: float = 1.0, zone: int | None = None) -> Policy:
    """Random networks for two agents in tiny; multipliers enter times `of_lam`; `zone`: all but go there."""
    generator = np.random.default_rng(7)
    shapes = ((2, 5, 4), (2, 4), (2, 4, 3), (2, 3))
    W1, b1, W2, b2 = (generator.standard_normal(shape) for shape in shapes)
    W1[:, :3] *= of_lam
    if zone is not None:
        b2[:, zone] = 50
    return Policy(MLP(W1, b1, W2, b2), Encoding.of(TINY.world, scale_lam=scale_lam))


def theory_of(scenario: Scenario, policy: Policy = RANK) -> Parameters:
    links = known_connectivity(scenario.links, scenario.agents.N)
    assert links is not None
    return Parameters.of(scenario, links, policy)


def only(advice: Advice, key: str, form: str | None = None) -> Row:
    (row,) = advice.of(key, form)
    return row


def column(advice: Advice, key: str, form: str | None, name: str) -> list[Any]:
    return [row[name] for row in advice.of(key, form)]


def needed(found: Sequence[Change], setting: str) -> float | None:
    """What a setting must be, None if no change of it is found."""
    return next((change.needed for change in found if change.setting == setting), None)


def unmeasured(M: int) -> ShortRun:
    return ShortRun(200, *np.full((2, M), math.nan), math.nan, math.nan)


def theorem_line(advice: Advice) -> str:
    (line,) = [line for line in answers(advice) if line.startswith("Theorem 1")]
    return line


def test_a_bernoulli_scenario_by_hand() -> None:
    """Two agents, one link with p = .3, alpha = .05, eta = .5, T0 = 10, c = .2, .3, .4."""
    advice, M = asked(PATH, network(scale_lam=False), target_error=0.1, L=0.01), 3
    late, printed = (1 - 0.7**10) / (0.3 * 10), 0.5 * 1 / (0.05 * 10 * 0.3)
    slack = min(0.6, 1.3 / math.sqrt(2), 1.1 / math.sqrt(3))
    worst = min(4, MultiplierBound(1, 0.3, 0.05, 0.5, 10).all_agents(2, M))
    short = math.sqrt(0.05 * (0.8**2 + 0.7**2 + 0.6**2) / 1.95)
    for key, form, numbers in (
        ("threshold_sum", PRINTED, {"measured": 0.9, "bound": 1}),
        ("trip", PRINTED, {"measured": 2, "bound": 9}),
        ("burn_in", PRINTED, {"measured": 20, "bound": 20}),
        ("slack", None, {"measured": slack}),
        ("lateness", None, {"bound": late}),
        ("error", None, {"bound": worst}),
        ("feasibility_error", PRINTED, {"measured": math.sqrt(0.15), "bound": 0.1}),
        ("feasibility_error", CORRECTED, {"measured": short, "bound": 0.1}),
        ("equation_25", PRINTED, {"measured": M * 0.01 * printed, "bound": 0.6}),
        ("equation_25", CORRECTED, {"measured": 0.01 * worst, "bound": slack}),
    ):
        assert only(advice, key, form) == only(advice, key, form) | {
            name: pytest.approx(number) for name, number in numbers.items()
        }
    assert column(advice, "promised", None, "bound") == pytest.approx([0.2 - short, 0.3 - short, 0.4 - short])
    assert "vacuous" not in column(advice, "promised", None, "verdict")
    radio = advice.theory.connectivity
    assert (radio.d_G, radio.p, radio.basis) == (1, 0.3, PROVEN)
    assert advice.theory.most_L == pytest.approx(slack / worst)
    alpha = needed(advice.changes, "dual.alpha")
    assert alpha is not None
    assert alpha * 1.49 / (2 - alpha) == pytest.approx(0.01, rel=1e-9)


@pytest.mark.parametrize("target", [0.01, 0.1, 0.7])
@pytest.mark.parametrize("d_G", [None, 1, 3])
def test_what_is_needed_is_needed(target: float, d_G: int | None) -> None:
    """At a solution news is in time, slightly before it is not; where it is already, nothing changes."""
    theory = replace(BASE, connectivity=replace(BASE.connectivity, d_G=d_G))
    found = changes(theory, target, TINY.links, 0.0)
    assert (needed(found, "dual.alpha") is None) == (theory.shortfall <= target)
    T0, p = (needed(found, setting) for setting in ("dual.T0", "links.p"))
    if d_G is None or theory.lateness <= target:
        assert (T0, p) == (None, None)
    else:
        assert longer_rollouts(theory, target) == T0
        assert T0 is not None
        assert replace(theory, T0=int(T0)).lateness <= target < replace(theory, T0=int(T0) - 1).lateness
        links = [replace(theory.connectivity, p=each) for each in (p or 1, (p or 1) - 1e-6)]
        late = [replace(theory, connectivity=each).lateness for each in links]
        assert (late[0] <= target) == (p is not None)
        assert late[1] > target
    assert (more_links(theory, 1e-9), longer_rollouts(theory, 1e-9)) == (None, None)


def test_from_what_the_run_refutes_nothing_follows() -> None:
    for missed, basis, good in ((0.3, ESTIMATED, True), (0.99, ESTIMATED, False), (0.99, PROVEN, True)):
        theory = replace(BASE, connectivity=replace(BASE.connectivity, basis=basis))
        assert (needed(changes(theory, 0.1, BY_SIGHT.links, missed), "dual.T0") is not None) == good


def test_verdicts_flip_at_their_limits() -> None:
    for T0, verdict in ((3, "holds"), (2, "fails")):
        assert conditions(Scenario.load("tiny", [f"dual.T0={T0}"]))[1]["verdict"] == verdict
    with pytest.warns(UserWarning, match="Theorem 1 does not apply"):
        crowded = Scenario.load("tiny", ["zones.0.c=0.31"])
    assert conditions(crowded)[0]["verdict"] == "fails"

    def promised(theory: Parameters) -> list[float]:
        rows = theorem1(theory, list("abc"), 0.1, 0.0, unmeasured(3))
        return [row["bound"] for row in rows if row["key"] == "promised"]

    crowd = Parameters.of(crowded, BASE.connectivity, RANK)
    assert max(promised(crowd)) > 0  # there still is slack
    overloaded = replace(crowd, c=np.array([0.9, 0.9, 0.9]))
    assert overloaded.slack < 0
    assert set(promised(overloaded)) == {0}
    with pytest.warns(UserWarning, match="Theorem 1 does not apply"):
        served = Scenario.load("tiny", ["agents.N=3", "zones.0.c=0.9", "zones.1.c=0.9"])
    assert conditions(served)[0]["verdict"] == "holds"  # every zone has an agent of its own

    def verdict_of(key: str, form: str, target: float = 0.1, L: float | None = None) -> str:
        rows = theorem1(BASE, list("abcd"), target, L, unmeasured(4))
        (found,) = [row["verdict"] for row in rows if (row["key"], row["form"]) == (key, form)]
        return str(found)

    for factor, verdict in ((0.999, "holds"), (1.001, "fails")):
        assert verdict_of("equation_25", CORRECTED, L=factor * BASE.most_L) == verdict
    assert verdict_of("equation_25", CORRECTED) == "undecided"
    for target, verdict in ((0.633, "holds"), (0.632, "fails")):  # sqrt(.4) = .6325
        assert verdict_of("feasibility_error", PRINTED, target) == verdict


def test_a_bound_that_is_tampered_with_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run shows is below the true bound, and above one that is too small."""
    scenario = Scenario.load("tiny", [*PATH, "dual.alpha=0.2"])
    run, _ = run_and_measure(scenario, RANK, 400, 1)
    sure = theory_of(scenario)

    def verdicts(basis: str, key: str = "lateness") -> set[str]:
        theory = replace(sure, connectivity=replace(sure.connectivity, basis=basis))
        return {row["verdict"] for row in gossip(theory, run) if row["key"] == key}

    assert verdicts(PROVEN) == {"holds"}
    assert verdicts(PROVEN, "error") <= {"holds", "vacuous"}
    monkeypatch.setattr(MultiplierBound, "late", np.full(10, 1e-6))
    for key in ("lateness", "error"):
        assert verdicts(PROVEN, key) == {"undecided"}
        assert verdicts(ESTIMATED, key) == {"fails"}


def test_a_run_is_measured_as_plain_loops_do() -> None:
    scenario = Scenario.load("tiny", PATH)
    run, recording = run_and_measure(scenario, RANK, 200, 3)
    K, lam, ideal = 20, recording.lam, recording.lam_ideal
    error = [[[abs(lam[k, n, m] - ideal[k, m]) for m in range(3)] for n in range(2)] for k in range(10, K)]
    assert run.error == pytest.approx(np.mean([max(map(max, error[k])) for k in range(10)]))
    missed = [
        sum(recording.reward[t, m] and not recording.estimate[t, n, m] for t in range(200))
        for n in range(2)
        for m in range(3)
    ]
    assert run.missed == max(missed) / 200
    assert run.missed > 0


def test_no_multiplier_exceeds_its_ceiling() -> None:
    recording = execute(Scenario.load("tiny", ["links.model=never"]), RANK, 1000, record="rollout")
    theory = theory_of(recording.scenario)
    assert (recording.lam <= theory.ceiling + 1e-9).all()
    assert recording.lam.max() > 0.9 * theory.ceiling.min()
    assert theory.all_agents == theory.ceiling.max()
    assert (theory.lateness, theory.printed) == (1, math.inf)


def test_the_diameter_is_that_of_the_footprint() -> None:
    for footprint, N in (("path", 5), ("cycle", 6), ("star", 4), ("complete", 4), ("star", 2)):
        found = known_connectivity(Links(model="bernoulli", p=0.5, footprint=footprint), N)
        assert found is not None
        assert found.d_G == named(f"{footprint}:{N}", 0.5).diameter


def test_teams_that_never_meet_are_promised_nothing() -> None:
    walled = Scenario.load("tiny", ["links.model=never"])
    recording = execute(walled, RANK, 100)
    recording.scenario = Scenario.load("tiny")
    found = estimated_connectivity(recording)
    assert (found.d_G, found.p, found.basis) == (None, 0, ESTIMATED)
    assert "[0], [1]" in found.words


def test_the_strongest_part_among_many_levels() -> None:
    edges = np.array([(i, j) for i in range(30) for j in range(i)])
    p = np.linspace(0.01, 0.99, len(edges))
    best = strongest(Footprint("many", 30, edges, p))
    assert best.diameter / best.p.min() <= 1 / 0.01
    assert best.N == 30


def test_what_is_printed_still_suffices() -> None:
    def printed(setting: str, now: float, needed: float) -> str:
        return safely(Change("", setting, now, needed))

    assert printed("dual.alpha", 0.01, 0.000416666) == "0.000416"
    assert printed("dual.alpha", 0.01, 0.3342) == "0.335"
    assert printed("links.p", 0.1, 0.5) == "0.5"
    assert printed("dual.T0", 100, 3343.0) == "3343"


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["dual.alpha=0"],
        *([*PATH, f"dual.alpha={alpha}"] for alpha in (5e-324, 1e-310, 1e-300, 1e-17)),
        ["agents.N=1", "zones.0.c=0", "zones.1.c=0", "zones.2.c=0"],
        ["agents.N=3"],
        ["links.model=never"],
        ["links.model=always"],
        ["zones.left.radius=0.7", "zones.left.center=[1,0]"],
    ],
)
def test_any_scenario_gets_an_answer(overrides: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    advice = asked(overrides)
    assert all(set(row) == {"key", "zone", *COLUMNS} for row in advice.statements)
    found = json.loads(json.dumps(advice.json(), allow_nan=False))
    assert [row["key"] for row in found["statements"]] == [row["key"] for row in advice.statements]
    print_advice(advice)
    short = capsys.readouterr().out
    assert 8 <= short.count("\n") <= 12
    assert max(map(len, short.splitlines())) <= 140
    print_advice(advice, full=True)
    out = capsys.readouterr().out
    assert out.startswith(short[: short.index("--full")])
    assert out.count("│ left ") == len([row for row in advice.statements if row["zone"] == "left"])
    assert not re.search(r"\b(nan|inf)\b|0,000,000,000", out)


def test_without_contraction_it_says_what_does_not_exist() -> None:
    for policy in (RANK, network(scale_lam=False)):
        advice = asked([*PATH, "dual.alpha=0"], policy, L=0.01)
        assert only(advice, "burn_in")["verdict"] == "fails"
        assert only(advice, "error")["bound"] == math.inf
        assert only(advice, "error")["verdict"] == "vacuous"
        assert set(column(advice, "equation_25", None, "verdict")) == {"fails"}
        assert set(column(advice, "promised", None, "bound")) == {0}
    assert "promises nothing: eq. (25) asks for more than alpha = 0" in theorem_line(advice)


def test_of_large_teams_less_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert affordable_steps(Scenario.load("tiny", ["agents.N=20000"]), None) == 20
    monkeypatch.setattr(advisor, "MOST_ESTIMATED", 1)
    advice = asked()
    assert advice.changes == []
    assert "N = 2 takes too long to estimate d_G and p" in " ".join(answers(advice))
    assert "promises nothing" in theorem_line(advice)


def test_the_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["tiny", "--policy", "rank", "--steps", "200", "--json", "--target-error", "0.2"]
    code, out, err = outcome(advise, [*arguments, "--set", "dual.alpha=0"], capsys)
    assert (code, err) == (0, "")
    found = json.loads(out, parse_constant=pytest.fail)
    assert (found["format"], found["target_error"], found["steps"]) == ("cmarlsim-advice/2", 0.2, 200)
    assert found["zones"] == ["left", "right", "top"]
    assert {row["key"]: row for row in found["statements"]}["burn_in"]["measured"] is None


def test_the_command_prints_bad_news_as_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["tiny", "--steps", "200", "--set", "links.model=never"]
    for more in ([], ["--full"]):
        code, out, _ = outcome(advise, [*arguments, *more], capsys)
        assert code == 0
        assert "promises nothing" in out
        assert "\x1b" not in out
        assert ("│ left " in out) == bool(more)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target-error", "0"], "--target-error 0.0: must be above 0 and below 1"),
        (["--target-error", "nan"], "--target-error nan: must be above 0"),
        (["--L", "-1"], "--L -1.0: must be from 0 to 1e+12"),
        (["--steps", "15"], "--steps 15: must be whole rollouts of T0 = 10"),
        (["--steps", "10"], "--steps 10: must be 2 rollouts of T0 = 10 or more"),
        (["--seed", "-1"], "--seed -1"),
        (["--policy", "paper"], "use --policy rank, which fits every scenario"),
        (["--policy", "nobody"], "nobody: no such file"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = outcome(advise, ["tiny", *arguments], capsys)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


def test_every_key_is_documented() -> None:
    page = (Path(__file__).parent.parent / "docs/advise.md").read_text(encoding="utf-8")
    assert all(f"`{row['key']}`" in page for row in asked().statements)


def test_an_L_counts_if_it_is_given() -> None:
    smooth = network(scale_lam=False, of_lam=0.01)
    unknown, small, large = (asked(PATH, smooth, L=L) for L in (None, 1e-9, 1e9))
    words = [only(advice, "equation_25", CORRECTED)["verdict"] for advice in (unknown, small, large)]
    assert words == ["undecided", "holds", "fails"]
    for advice in (unknown, small):
        assert "if training was perfect" in theorem_line(advice)
        assert f"L of Assumption 2 is {advice.theory.most_L:.3g} or less" in theorem_line(advice)
        assert any("dual.alpha" in line for line in answers(advice))
    assert f"bears an L of {large.theory.most_L:.3g} at most, not 1e+09" in theorem_line(large)


def test_diametral_nodes_are_found_in_any_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Footprint("tail", 6, np.array([(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 5)]), np.asarray(1.0))
    for block in (1, 12, 2**22):
        monkeypatch.setattr("cmarlsim.footprints.footprint.BLOCK", block)
        twin = replace(graph)
        assert (twin.diametral, twin.diameter) == ((0, 5), 4)
    path = Footprint("turned", 4, np.array([(1, 0), (0, 2), (2, 3)]), np.asarray(1.0))
    monkeypatch.setattr("cmarlsim.footprints.footprint.BLOCK", 1)
    assert path.diametral == (1, 3)


def test_who_sees_ratios_alone() -> None:
    """They do the same at multiples of the multipliers, but not at others."""
    lam = np.array([[[1.0, 2.0, 0.5], [0.5, 1.0, 2.0]]])
    for policy in (network(True), network(False), network(True, of_lam=0.0), network(False, of_lam=0.0)):
        near, far, other = (policy.probabilities(each, TINY.world) for each in (lam, 4 * lam, lam[..., ::-1]))
        assert policy.sees_ratios == (np.array_equal(near, far) and not np.array_equal(near, other))
    assert RANK.sees_ratios


@pytest.mark.parametrize(
    ("overrides", "policy"),
    [(["links.model=never", "agents.N=3"], RANK), ([*PATH, "dual.eta=1e12"], RANK), (PATH, network(True))],
)
def test_without_an_L_nothing_is_promised(overrides: list[str], policy: Policy) -> None:
    """Where values change with ratios of multipliers, no L exists: eq. (25) is in vain, at any setting."""
    for L in (None, 1e-9):
        advice = asked(overrides, policy, L=L)
        assert "promises nothing: eq. (25) needs an L" in theorem_line(advice)
        assert set(column(advice, "equation_25", None, "measured")) == {math.inf}
        assert set(column(advice, "equation_25", None, "verdict")) == {"fails"}
        assert not any("alpha" in line for line in answers(advice))


def test_one_agent_alone_needs_no_L() -> None:
    alone = asked(["agents.N=1", "zones.0.c=0", "zones.1.c=0", "zones.2.c=0"], L=1.0)
    assert not alone.theory.lacks_L
    assert set(column(alone, "equation_25", None, "verdict")) == {"holds"}


def test_a_promise_that_the_run_breaks_is_told_with_that() -> None:
    """Agents who all but never leave one zone: L is 0, all of eq. (25) holds, and two zones are empty."""
    stubborn = network(False, of_lam=0.0, zone=0)
    advice = asked([*PATH, "dual.alpha=0.01"], stubborn, steps=2000, L=0.0)
    assert only(advice, "equation_25", CORRECTED)["verdict"] == "holds"
    assert column(advice, "promised", CORRECTED, "verdict")[1:] == ["fails", "fails"]
    assert "The run had less in right, top: not all of this is true" in theorem_line(advice)
    assert any("the policy, for zones are not kept" in line for line in answers(advice))


def test_what_to_change_first_depends_on_what_is_wrong() -> None:
    with pytest.warns(UserWarning, match="Theorem 1 does not apply"):
        crowded = asked(["zones.0.c=0.8", "dual.T0=2"])
    found = "\n".join(answers(crowded))
    assert "Change first agents.N = 3: enough" in found
    assert "dual.T0 = 3: a rollout longer than the longest trip" in found
    assert "too much for Theorem 1" in found
    late = answers(asked(PATH, target_error=0.1))[-1]
    told = re.fullmatch(r"Change first dual.T0 = (\d+) or links.p = ([.\d]+): at most 0.1 of .*", late)
    assert told is not None
    for override in (f"dual.T0={told[1]}", f"links.p={told[2]}"):
        advice = asked([*PATH, override], target_error=0.1, steps=None)
        assert only(advice, "lateness")["bound"] <= 0.1
        assert "come too late" not in answers(advice)[-1]


def test_certificates_are_told_as_proven_of_the_run() -> None:
    advice = asked(PATH)
    certified = column(advice, "certified", None, "bound")
    off = max(zone.c - bound for zone, bound in zip(TINY.zones, certified, strict=True))
    (line,) = [line for line in answers(advice) if line.startswith("Proven of it")]
    told = re.search(r"satisfaction c - (0\.\d{3}) or more in each zone, by path certificates", line)
    assert told is not None
    assert off <= float(told[1]) < off + 0.001
