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
from cmarlsim.advice import situation as situations
from cmarlsim.advice.changes import Ranges, changes, solve, solve_range
from cmarlsim.advice.counsel import Advice, Question, ask
from cmarlsim.advice.practice import Practice, affordable, average_L, practise, value_changes
from cmarlsim.advice.promises import conditions, theorem1
from cmarlsim.advice.requirements import Requirement, requirements, window
from cmarlsim.advice.shown import along_path, shown
from cmarlsim.advice.situation import Gossip, Situation, estimated_gossip, known_gossip
from cmarlsim.advice.statements import ESTIMATED, PROVEN, Change, Statement, plain
from cmarlsim.advise import advise
from cmarlsim.bounds.path_bounds import PathBounds
from cmarlsim.bounds.theory import MultiplierError
from cmarlsim.errors import InputError
from cmarlsim.footprints.footprint import Footprint, named, strongest
from cmarlsim.learning.mlp import MLP
from cmarlsim.policies.encoding import Encoding
from cmarlsim.scenario import Links
from cmarlsim.terminal.advice_report import answers, print_advice, safely

RANK = Policy.load("rank")
PATH = ["links.model=bernoulli", "links.footprint=path", "links.p=0.3", "agents.N=2"]
BASE = Situation(np.array([0.2, 0.3, 0.4, 0.5]), 4, 0.1, 0.5, 20, Gossip(3, 0.2, PROVEN, ""))
L = 0.313


TINY = Scenario.load("tiny", PATH)


def asked(overrides: Sequence[str] = (), policy: Policy = RANK, **question: Any) -> Advice:
    """Advice on the tiny scenario, after a very short run."""
    return ask(Scenario.load("tiny", overrides), policy, "rank", Question(**({"steps": 200} | question)))


def network(scale_lam: bool, of_lam: float = 1.0, zone: int | None = None) -> Policy:
    """Random networks for two agents in tiny; multipliers enter times `of_lam`; `zone`: all but go there."""
    generator = np.random.default_rng(7)
    shapes = ((2, 5, 4), (2, 4), (2, 4, 3), (2, 3))
    W1, b1, W2, b2 = (generator.standard_normal(shape) for shape in shapes)
    W1[:, :3] *= of_lam
    if zone is not None:
        b2[:, zone] = 50
    return Policy(MLP(W1, b1, W2, b2), Encoding.of(TINY.world, scale_lam=scale_lam))


def only(advice: Advice, key: str) -> Statement:
    (statement,) = advice.of(key)
    return statement


def change(advice: Advice, requirement: str, setting: str) -> Change:
    found = [each for each in advice.changes if (each.requirement, each.setting) == (requirement, setting)]
    assert len(found) == 1
    return found[0]


def test_a_bernoulli_scenario_by_hand() -> None:
    """Two agents, one link with p = .3, alpha = .05, eta = .5, T0 = 10, c = .2, .3, .4."""
    advice = asked(PATH, target=0.1)
    assert only(advice, "threshold_max").value == 0.4
    assert only(advice, "threshold_sum").value == pytest.approx(0.9)
    assert only(advice, "threshold_sum").limit == 1
    assert only(advice, "trip_zones").value == only(advice, "trip_start").value == 2
    assert only(advice, "burn_in").value == pytest.approx(20)
    assert only(advice, "feasibility_error").value == pytest.approx(math.sqrt(0.15))
    corrected = math.sqrt(0.05 * (0.8**2 + 0.7**2 + 0.6**2) / 1.95)
    assert only(advice, "feasibility_error_corrected").value == pytest.approx(corrected)
    left = [0.2 - corrected, 0.3 - corrected, 0.4 - corrected]
    assert [each.value for each in advice.of("promised_corrected")] == pytest.approx(left)
    left = [0.0, 0.0, 0.4 - math.sqrt(0.15)]
    assert [each.value for each in advice.of("promised")] == pytest.approx(left)
    assert [each.verdict for each in advice.of("promised")] == ["vacuous", "vacuous", "holds"]
    assert (only(advice, "d_G").value, only(advice, "p").value, only(advice, "p").basis) == (1, 0.3, PROVEN)
    late = (1 - 0.7**10) / (0.3 * 10)
    assert only(advice, "lateness").value == pytest.approx(late)
    assert (only(advice, "lateness").limit, only(advice, "lateness").verdict) == (0.1, "fails")
    assert only(asked(PATH, target=0.33), "lateness").verdict == "holds"
    printed = 0.5 * 1 / (0.05 * 10 * 0.3)
    assert [each.value for each in advice.of("error_zone")] == pytest.approx([printed] * 3)
    assert [each.limit for each in advice.of("error_zone")] == pytest.approx([2, 3, 4])
    assert [each.verdict for each in advice.of("error_zone")] == [
        "vacuous",
        "vacuous",
        "vacuous" if printed >= 4 else "holds",
    ]
    assert [each.value for each in advice.of("error_zone_closer")] == pytest.approx(
        [min(ceiling, 10 * late) for ceiling in (2, 3, 4)]
    )
    assert only(advice, "delta").value == pytest.approx(0.6)
    assert only(advice, "L_printed").value == pytest.approx(0.6 / (3 * printed))
    assert only(advice, "L_proposition4").value == pytest.approx(0.6 / (math.sqrt(3) * printed))
    worst = min(4, MultiplierError(1, 0.3, 0.05, 0.5, 10).all_agents(2, 3))
    assert only(advice, "slack").value == pytest.approx(min(0.6, 1.3 / math.sqrt(2), 1.1 / math.sqrt(3)))
    assert only(advice, "L_corrected").value == pytest.approx(0.6 / worst)
    assert change(advice, "feasibility", "alpha").needed == pytest.approx(0.01 / 3, rel=1e-9)
    needed = change(advice, "feasibility_corrected", "alpha").needed
    assert needed is not None
    assert needed * 1.49 / (2 - needed) == pytest.approx(0.01, rel=1e-9)


def test_solutions_of_the_printed_formulas_by_hand() -> None:
    """(25): eta d_G M L <= alpha p T0 delta. M = 4, delta = .5, and (22) is 3.75 as things are."""
    wanted = {each.key: each for each in requirements(BASE, 0.1, L, measured=False)}
    bears = 0.5 / (4 * L)
    assert pytest.approx(3.75) == BASE.printed
    assert solve(wanted["equation_25"], BASE, "alpha") == pytest.approx(0.1 * 3.75 / bears, rel=1e-9)
    assert solve(wanted["equation_25"], BASE, "eta") == pytest.approx(0.5 * bears / 3.75, rel=1e-9)
    assert solve(wanted["equation_25"], BASE, "T0") == math.ceil(20 * 3.75 / bears) == 188
    assert solve(wanted["equation_25"], BASE, "p") is None  # 1.9 would be needed
    assert solve(replace(wanted["equation_25"], most=2.0), BASE, "p") == pytest.approx(0.375, rel=1e-9)
    assert solve(replace(wanted["equation_25"], most=0.3), BASE, "alpha") is None  # 1.25 would be needed
    assert solve(wanted["feasibility"], BASE, "alpha") == pytest.approx(0.1**2 / 4, rel=1e-9)
    found = window(BASE, 0.1, wanted["equation_25"])
    assert found is not None
    assert (found.limit, found.value) == (pytest.approx(0.1 * 3.75 / bears), pytest.approx(0.0025))
    assert found.verdict == "fails"


@pytest.mark.parametrize("target", [0.01, 0.1])
@pytest.mark.parametrize("d_G", [None, 1, 3])
def test_what_is_needed_is_needed(target: float, d_G: int | None) -> None:
    """At a solution the requirement is met, slightly before it is not; and the present value fails."""
    situation = replace(BASE, gossip=replace(BASE.gossip, d_G=d_G))
    solved = 0
    for requirement in requirements(situation, target, L, measured=False):
        for setting in ("alpha", "eta", "T0", "p"):
            needed = solve(requirement, situation, setting)
            now = situation.gossip.p if setting == "p" else getattr(situation, setting)
            assert (needed == now) == requirement.met(situation)
            if needed is None or needed == now:
                continue
            solved += 1
            assert requirement.met(situation.with_setting(setting, needed))
            before = needed - 1 if setting == "T0" else needed + 1e-6 * (now - needed)
            assert not requirement.met(situation.with_setting(setting, before))
    assert solved >= 2


def test_a_range_is_the_first_that_is_enough() -> None:
    news = requirements(BASE, 0.1, L, measured=False)[2]
    asked_for = []

    def estimate(d: float) -> Gossip:
        asked_for.append(d)
        return Gossip(1, min(1.0, d / 10), ESTIMATED, "")

    ranges = Ranges(2.0, 10.0, estimate)
    found = solve_range(news, replace(BASE, gossip=estimate(2.0)), ranges)
    assert found is not None
    index = int(np.flatnonzero(ranges.d == found)[0])
    assert news.met(replace(BASE, gossip=estimate(found)))
    assert not news.met(replace(BASE, gossip=estimate(float(ranges.d[index - 1]))))
    assert len(asked_for) < 15
    assert solve_range(replace(news, most=0.0), BASE, ranges) is None
    doubtful = Ranges(2.0, 10.0, lambda d: replace(estimate(d), missed=0.5 if d < 9 else 0.0))
    later = solve_range(news, replace(BASE, gossip=estimate(2.0)), doubtful)
    assert found < 8
    assert later == doubtful.d[doubtful.d >= 9][0]
    assert list(Ranges(12.0, 10.0, estimate).d) == [12.0]
    assert len(Ranges(0.0, 10.0, estimate).d) == 34


def test_what_the_run_refutes_is_not_met() -> None:
    """Estimates that promise enough count only if their own run does not show more."""
    news = requirements(BASE, 0.9, L, measured=False)[2]
    link = Links(model="sight-or-disc", d=1.0)
    for missed, verdict in ((0.89, "met"), (0.91, "undecided")):
        gossip = replace(BASE.gossip, basis=ESTIMATED, missed=missed)
        found = changes(news, replace(BASE, gossip=gossip), link, None)
        assert {each.setting: each.verdict for each in found}["T0"] == verdict


def test_solutions_that_rest_on_refuted_estimates_are_formal() -> None:
    news = requirements(BASE, 0.1, L, measured=False)[2]
    link = Links(model="sight-or-disc", d=1.0)
    for more, verdict in ((-0.01, "change"), (0.01, "formal")):
        gossip = replace(BASE.gossip, basis=ESTIMATED, missed=BASE.lateness + more)
        found = changes(news, replace(BASE, gossip=gossip), link, None)
        assert {each.setting: each.verdict for each in found}["T0"] == verdict


def test_verdicts_flip_at_their_limits() -> None:
    fits, tight = Scenario.load("tiny", ["dual.T0=3"]), Scenario.load("tiny", ["dual.T0=2"])
    assert [each.verdict for each in conditions(fits)[2:]] == ["holds", "holds"]
    assert [each.verdict for each in conditions(tight)[2:]] == ["fails", "fails"]
    with pytest.warns(UserWarning, match="Theorem 1 does not apply"):
        crowded = Scenario.load("tiny", ["zones.0.c=0.31"])
    assert conditions(crowded)[1].verdict == "fails"
    crowd = Situation.of(crowded, BASE.gossip, RANK)
    assert {each.value for each in theorem1(crowd, "abc", 0.1, 0.0)[1:4]} == {0}
    assert max(each.value or 0 for each in theorem1(crowd, "abc", 0.1, 0.0)[5:8]) > 0  # there still is slack
    overloaded = replace(crowd, c=np.array([0.9, 0.9, 0.9]))
    assert overloaded.slack < 0
    assert {each.value for each in theorem1(overloaded, "abc", 0.1, 0.0)[5:8]} == {0}
    with pytest.warns(UserWarning, match="Theorem 1 does not apply"):
        served = Scenario.load("tiny", ["agents.N=3", "zones.0.c=0.9", "zones.1.c=0.9"])
    assert conditions(served)[1].verdict == "holds"  # every zone has an agent of its own
    largest = {each.key: each.value for each in theorem1(BASE, "abcd", 0.1, None)}["L_corrected"]
    assert largest is not None
    for factor, verdict in ((0.999, "holds"), (1.001, "vacuous")):
        found = {each.key: each for each in theorem1(BASE, "abcd", 0.1, factor * largest)}
        assert found["L_corrected"].verdict == verdict
    for target, verdict in ((0.633, "holds"), (0.632, "fails")):  # sqrt(.4) = .6325
        assert theorem1(BASE, "abcd", target, None)[0].verdict == verdict


def test_a_bound_that_is_tampered_with_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run shows is beside its bound: below the true one, above one that is too small."""
    scenario = Scenario.load("tiny", PATH)
    run, _ = practise(scenario, RANK, 400, 1)
    gossip = known_gossip(scenario.links, 2)
    assert gossip is not None
    keys = ["error_max_measured", "error_all_measured", "lateness_measured"]

    def verdicts(basis: str) -> set[str | None]:
        situation = Situation.of(scenario, replace(gossip, basis=basis), RANK)
        return {each.verdict for each in shown(run, situation, "abc") if each.key in keys}

    assert verdicts(PROVEN) == {"holds"}
    monkeypatch.setattr(MultiplierError, "late", np.full(10, 1e-6))
    assert verdicts(PROVEN) == {"undecided"}
    assert verdicts(ESTIMATED) == {"fails"}


def test_a_run_is_measured_as_plain_loops_do() -> None:
    scenario = Scenario.load("tiny", PATH)
    run, recording = practise(scenario, RANK, 200, 3)
    K, lam, ideal = 20, recording.lam, recording.lam_ideal
    error = [[[abs(lam[k, n, m] - ideal[k, m]) for m in range(3)] for n in range(2)] for k in range(10, K)]
    per_zone = [max(np.mean([error[k][n][m] for k in range(10)]) for n in range(2)) for m in range(3)]
    assert run.one_zone == pytest.approx(per_zone)
    assert run.one_agent == pytest.approx(
        max(np.mean([max(error[k][n]) for k in range(10)]) for n in range(2))
    )
    assert run.all_agents == pytest.approx(np.mean([max(map(max, error[k])) for k in range(10)]))
    missed = [
        sum(recording.reward[t, m] and not recording.estimate[t, n, m] for t in range(200))
        for n in range(2)
        for m in range(3)
    ]
    assert run.lateness == max(missed) / 200
    assert run.lateness > 0
    change = value_changes(recording, RANK)
    largest = np.mean([np.abs(lam[k] - ideal[k]).max() for k in range(K)])
    assert pytest.approx(np.linalg.norm(change.mean(axis=0)) / largest) == run.L
    assert average_L(change, np.zeros((K, 2))) == 0


def test_no_multiplier_exceeds_its_ceiling() -> None:
    recording = execute(Scenario.load("tiny", ["links.model=never"]), RANK, 1000, record="rollout")
    gossip = known_gossip(recording.scenario.links, 2)
    assert gossip is not None
    situation = Situation.of(recording.scenario, gossip, RANK)
    assert (recording.lam <= situation.ceiling + 1e-9).all()
    assert recording.lam.max() > 0.9 * situation.ceiling.min()
    assert (situation.one_zone == situation.ceiling).all()
    assert (situation.lateness, situation.printed) == (1, math.inf)


def test_at_every_eta_policies_that_see_ratios_do_the_same() -> None:
    for name, scenario in (("paper", "paper"), ("rank", "tiny")):
        twins = [
            execute(Scenario.load(scenario, [f"dual.eta={eta}"]), Policy.load(name), 400)
            for eta in (0.5, 0.125)
        ]
        assert (twins[0].position == twins[1].position).all()
        assert (twins[0].lam == 4 * twins[1].lam).all()


@pytest.mark.parametrize(
    ("footprint", "N"), [("path", 5), ("cycle", 6), ("star", 4), ("complete", 4), ("star", 2)]
)
def test_diameters(footprint: str, N: int, monkeypatch: pytest.MonkeyPatch) -> None:
    links = Links(model="bernoulli", p=0.5, footprint=footprint)
    gossip = known_gossip(links, N)
    assert gossip is not None
    assert gossip.d_G == named(f"{footprint}:{N}", 0.5).diameter
    monkeypatch.setattr(situations, "MOST_TRAVERSED", 1)
    at_most = known_gossip(links, N)
    assert at_most is not None
    assert at_most.d_G is not None
    assert gossip.d_G <= at_most.d_G <= 2 * gossip.d_G


def test_teams_that_never_meet_are_promised_nothing() -> None:
    walled = Scenario.load("tiny", ["links.model=never"])
    recording = execute(walled, RANK, 100)
    recording.scenario = Scenario.load("tiny")
    gossip = estimated_gossip(recording)
    assert (gossip.d_G, gossip.p, gossip.basis) == (None, 0, ESTIMATED)
    assert "[0], [1]" in gossip.words


def test_the_strongest_part_among_many_levels() -> None:
    edges = np.array([(i, j) for i in range(30) for j in range(i)])
    p = np.linspace(0.01, 0.99, len(edges))
    best = strongest(Footprint("many", 30, edges, p))
    assert best.diameter / best.p.min() <= 1 / 0.01
    assert best.N == 30


def test_long_rollouts_make_no_smaller_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of B in groups bound from above, and hardly more."""
    bound = MultiplierError(3, 0.05, 0.01, 0.5, 2000)
    fine = bound._by_moments(20, None)
    monkeypatch.setattr("cmarlsim.bounds.theory.MOST_GROUPS", 500)
    assert fine <= bound._by_moments(20, None) <= 1.1 * fine


def test_what_is_printed_still_suffices() -> None:
    def printed(setting: str, now: float, needed: float) -> str:
        return safely(Change("", setting, now, needed, "change", PROVEN, ""))

    assert printed("alpha", 0.01, 0.000416666) == "0.000416"
    assert printed("alpha", 0.01, 0.3342) == "0.335"
    assert printed("p", 0.1, 0.5) == "0.5"
    assert printed("T0", 100, 3343.0) == "3343"


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["dual.alpha=0"],
        ["agents.N=1", "zones.0.c=0", "zones.1.c=0", "zones.2.c=0"],
        ["agents.N=3"],
        ["links.model=never"],
        ["links.model=always"],
        ["zones.left.radius=0.7", "zones.left.center=[1,0]"],
    ],
)
def test_any_scenario_gets_an_answer(overrides: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    advice = asked(overrides)
    text = json.dumps(advice.json(), allow_nan=False)
    assert json.loads(text)["format"] == "cmarlsim-advice/1"
    assert all(each.basis for each in [*advice.statements, *advice.changes])
    print_advice(advice)
    out = capsys.readouterr().out
    for zone in advice.scenario.zones:
        assert f"│ {zone.name} " in out
    assert "nan" not in out
    assert "inf " not in out.replace("||c||_inf ", "")


def test_without_contraction_it_says_what_does_not_exist() -> None:
    advice = asked([*PATH, "dual.alpha=0"])
    assert only(advice, "burn_in").value is None
    assert {each.value for each in advice.of("error_zone")} == {None}
    assert "alpha = 0" in advice.of("error_zone")[0].words
    assert only(advice, "L_corrected").verdict == "vacuous"
    assert change(advice, "equation_25", "alpha").verdict == "formal"
    for key in ("error_zone", "error_zone_closer", "error_max", "error_all", "L_printed", "L_corrected"):
        assert all("eq. (22) divides by alpha = 0" in each.words for each in advice.of(key))
    smooth = asked([*PATH, "dual.alpha=0"], network(scale_lam=False))
    assert change(smooth, "equation_25", "alpha").verdict in ("change", "met")
    assert "eq. (22) divides by alpha = 0" in answers(smooth)[1]
    assert "alpha = 0" in change(advice, "equation_25", "T0").words


@pytest.mark.parametrize("alpha", [5e-324, 1e-310, 1e-300, 1e-17])
def test_the_least_contraction_gets_an_answer(alpha: float, capsys: pytest.CaptureFixture[str]) -> None:
    """1 / alpha is more than integers hold, or than floats do."""
    advice = asked([*PATH, f"dual.alpha={alpha}"])
    json.dumps(advice.json(), allow_nan=False)
    assert only(advice, "L_corrected").verdict == "vacuous"
    print_advice(advice)
    out = capsys.readouterr().out
    assert "nan" not in out
    assert "inf " not in out.replace("||c||_inf ", "")
    assert "0,000,000,000" not in out


@pytest.mark.parametrize("alpha", [1e-300, 1e-12, 1e-7])
def test_the_bound_by_moments_scales_with_memory(alpha: float) -> None:
    """As alpha goes to 0, rollouts average out: what is left is a mean of B, eta / alpha times."""
    bound = MultiplierError(3, 0.2, alpha, 0.5, 50)
    mean = 0.5 / alpha * bound.late.mean()
    assert mean < bound._by_moments(20, None) < 35 * mean


def test_teams_too_large_to_try() -> None:
    huge = Scenario.load("tiny", ["agents.N=20000"])
    assert affordable(huge, None) == 0
    advice = ask(huge, RANK, "rank", Question())
    assert not advice.of("satisfaction")
    assert only(advice, "L_corrected").verdict == "vacuous"
    assert "whatever the settings" in answers(advice)[1]
    assert {change(advice, "news", setting).verdict for setting in ("T0", "d")} == {"undecided"}
    assert "too large" in " ".join(answers(advice))
    many = Gossip(1, 0.5, ESTIMATED, "")
    link = Links(model="sight-or-disc", d=1.0)
    news = requirements(BASE, 1e-4, L, measured=False)[2]
    found = changes(news, replace(BASE, gossip=many), link, None)
    assert {each.setting: each.verdict for each in found}["d"] == "undecided"


def test_json_knows_no_infinity() -> None:
    line = Statement("a", "b", math.inf, "", PROVEN, "", math.nan)
    assert (plain(line)["value"], plain(line)["limit"]) == (None, None)


def test_the_command_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "tiny",
        "--policy",
        "rank",
        "--steps",
        "200",
        "--json",
        "--target-error",
        "0.2",
        "--set",
        "links.d=2",
    ]
    code, out, err = outcome(advise, arguments, capsys)
    assert (code, err) == (0, "")
    found = json.loads(out, parse_constant=pytest.fail)
    assert set(found) == {
        *("format", "scenario", "policy", "zones", "target_error", "steps", "seed"),
        *("statements", "requirements", "changes"),
    }
    assert (found["target_error"], found["steps"], found["zones"]) == (0.2, 200, ["left", "right", "top"])
    assert len(found["changes"]) == 5 * len(found["requirements"]) == 25
    twice = outcome(advise, arguments, capsys)[1]
    assert twice == out


def test_bad_news_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = outcome(advise, ["tiny", "--steps", "200", "--set", "links.model=never"], capsys)
    assert code == 0
    assert "promises nothing" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target-error", "0"], "--target-error 0: must be above 0 and below 1"),
        (["--target-error", "nan"], "--target-error nan: must be above 0"),
        (["--L", "-1"], "--L -1: must be 0 or more"),
        (["--steps", "15"], "--steps 15: must be whole rollouts of T0 = 10"),
        (["--steps", "10"], "--steps 10: must be 2 rollouts of T0 = 10 or more"),
        (["--seed", "-1"], "--seed -1"),
        (["--policy", "paper"], "use --policy rank, which fits every scenario"),
        (["--policy", "nobody"], "nobody: no such file"),
        (["--set", "dual.alpha=1"], "dual.alpha = 1"),
        (["--set", "links.model=bernoulli"], "p is missing"),
        (
            ["--set", "links.model=bernoulli", "--set", "links.p=0", "--set", "links.footprint=path"],
            "links.p = 0",
        ),
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
    advice = asked()
    for key in {each.key for each in advice.statements} | set(advice.requirements) | set(advice.json()):
        assert f"`{key}`" in page


def test_a_given_L_counts_and_a_measured_one_is_an_estimate() -> None:
    smooth = network(scale_lam=False)
    measured, given = asked(PATH, smooth), asked(PATH, smooth, L=1e-9)
    assert only(measured, "L_corrected").limit == only(measured, "L_measured").value
    assert (only(given, "L_corrected").limit, only(given, "L_corrected").verdict) == (1e-9, "holds")
    assert change(measured, "equation_25", "T0").basis == ESTIMATED
    assert change(given, "equation_25", "T0").basis == "assumed"
    assert change(given, "equation_25", "T0").verdict == "met"


def test_diametral_nodes_are_found_in_any_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Footprint("tail", 6, np.array([(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 5)]), np.asarray(1.0))
    for block in (1, 12, 2**22):
        monkeypatch.setattr("cmarlsim.footprints.footprint.BLOCK", block)
        twin = replace(graph)
        assert (twin.diametral, twin.diameter) == ((0, 5), 4)
    path = Footprint("turned", 4, np.array([(1, 0), (0, 2), (2, 3)]), np.asarray(1.0))
    monkeypatch.setattr("cmarlsim.footprints.footprint.BLOCK", 1)
    assert path.diametral == (1, 3)


def test_questions_are_checked_in_python_too() -> None:
    with pytest.raises(InputError, match="--L inf"):
        Question(L=math.inf)
    assert Requirement("", "", lambda s: 0.0, None, PROVEN).met(BASE) is False
    assert Practice.__dataclass_params__.frozen


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
        assert "promises nothing, whatever the settings" in answers(advice)[1]
        assert "eq. (25) corrected cannot hold, for no L exists" in answers(advice)[-1]
        keys = ("L_printed", "L_proposition4", "L_corrected", "L_error_measured", "alpha_window")
        assert {only(advice, key).verdict for key in keys} == {"vacuous"}
        assert only(advice, "L_corrected").value is not None
        assert "no L of eq. (21)" in only(advice, "L_measured").words
        of_L = [each for each in advice.changes if each.requirement.startswith("equation_25")]
        assert {each.verdict for each in of_L} <= {"formal", "impossible"}
        assert all("in vain" in each.words for each in of_L if each.needed is not None)


def test_policies_that_need_no_L_or_have_one() -> None:
    alone = asked(["agents.N=1", "zones.0.c=0", "zones.1.c=0", "zones.2.c=0"])
    assert not alone.lacks_L
    assert {each.verdict for each in alone.changes if each.requirement == "equation_25"} == {"met"}
    blind = asked(PATH, network(True, of_lam=0.0))
    assert only(blind, "L_measured").value == 0
    assert only(blind, "L_corrected").verdict == "holds"
    assert "if training was perfect" in answers(asked(PATH, network(False, of_lam=0.01), L=1e-9))[1]


def test_no_promise_that_the_run_breaks() -> None:
    """Agents who all but never leave one zone: L is 0, all of eq. (25) holds, and two zones are empty."""
    stubborn = network(False, of_lam=0.0, zone=0)
    advice = asked([*PATH, "dual.alpha=0.01"], stubborn, steps=2000)
    assert only(advice, "L_corrected").verdict == "holds"
    headline = answers(advice)[1]
    assert "Theorem 1 is not to be relied on" in headline
    assert "the run had less in right, top" in headline


def test_what_is_proven_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """(f) at every K, in plain loops; it bounds what is missing, and is found out if it is tampered with."""
    scenario = Scenario.load("tiny", [*PATH, "dual.alpha=0.2"])
    stubborn = network(False, of_lam=0.0, zone=0)
    run, recording = practise(scenario, stubborn, 4000, 1)
    c, lam, K = [0.2, 0.3, 0.4], recording.lam_ideal, 400
    pull = sum(lam[k, m] * (recording.reward_mean[k, m] - c[m]) for k in range(K) for m in range(3))
    sigma = pull / sum(math.hypot(*lam[k]) for k in range(K))
    assert run.slack == pytest.approx(sigma)
    rho, S = 0.8 * sigma, 0.8**2 + 0.7**2 + 0.6**2
    most = (math.sqrt(rho**2 + 0.2 * 1.8 * S) - rho) / 1.8 + math.hypot(*c) / (0.2 * K)
    lacking = math.hypot(*(max(c[m] - run.satisfaction[m], 0) for m in range(3)))
    gossip = known_gossip(scenario.links, 2)
    assert gossip is not None
    situation = Situation.of(scenario, gossip, stubborn)
    found = along_path(run, situation)
    assert (found.value, found.limit) == (pytest.approx(most), pytest.approx(lacking))
    assert 0.4 < lacking <= most
    assert found.verdict == "vacuous"
    monkeypatch.setattr(PathBounds, "shortfall", lambda *arguments: 0.1)
    assert along_path(run, situation).verdict == "fails"
    kept = along_path(replace(run, satisfaction=situation.c), situation)
    assert (kept.verdict, kept.limit) == ("holds", 0)


def test_certificates_are_told_as_proven_of_the_run() -> None:
    advice = asked(PATH)
    off = max(
        zone.c - float(each.value or 0) for zone, each in zip(TINY.zones, advice.of("certified"), strict=True)
    )
    told = re.search(r"by local certificates: c - (0\.\d{3}) or more in each zone", answers(advice)[2])
    assert told is not None
    assert off <= float(told[1]) < off + 0.001
