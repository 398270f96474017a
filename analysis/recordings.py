"""Recordings for figures: opened and checked to belong together, or run in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cmarlsim.api import execute_batch
from cmarlsim.errors import InputError
from cmarlsim.policies.policy import Policy
from cmarlsim.recordings.datasets import LEVELS
from cmarlsim.recordings.differences import scenario_differences, shown
from cmarlsim.recordings.recording import Recording
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import whole_rollouts
from cmarlsim.sweeps.collecting import recordings_in
from cmarlsim.terminal.console import compilation_announced, progress_bar

RADII = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
"""Ranges d of Fig. 5c, in metres."""

RADIUS = 5.0
"""Range d of the paper's other figures."""

MOST_PANELS = 40
"""Agents in a figure that has a panel for each."""


def obtain(paths: Sequence[Path] | None, run: bool, level: str, runs: int) -> list[Recording]:
    """The recordings at `paths`, of one scenario and policy, or those of `runs` new runs of the paper's team.

    Raises
    ------
    InputError
        If neither is asked for, or both; otherwise as `load`.
    """
    check_choice(paths, run)
    return load(paths, level) if paths else run_paper({"paper": Policy.load("paper")}, [RADIUS], runs, level)


def check_choice(paths: Sequence[Path] | None, run: bool) -> None:
    """Raise InputError unless there are either paths or a wish to run."""
    if run == bool(paths):
        raise InputError("give either recordings or --run" + (", not both" if run else ""))


def load(paths: Sequence[Path], level: str, may_differ: Sequence[str] = ()) -> list[Recording]:
    """Open recordings and make sure that they belong in one figure.

    Parameters
    ----------
    paths
        Files, or folders of sweeps.
    level
        The level of recording that is needed: ``step``, ``rollout`` or ``summary``.
    may_differ
        Keys that may differ, such as ``links.d`` or ``policy``.

    Raises
    ------
    InputError
        If one keeps too little or nothing, or they differ in another key, or two are the same run.
    """
    found = [file for path in paths for file in (recordings_in(path) if os.path.isdir(path) else [path])]
    recordings = [Recording.open(path) for path in found]
    runs: dict[tuple[object, ...], str] = {}
    for recording in recordings:
        check_level(recording, level)
        keys = [key for key in differences(recordings[0], recording) if key not in may_differ]
        if keys:
            raise InputError(
                f"{recording.path}: does not go with {recordings[0].path}, they differ in: {shown(keys)}"
            )
        run = (recording.scenario.links.d, recording.policy_sha256, recording.seed)
        if run in runs:
            raise InputError(f"{recording.path}: is the same run as {runs[run]} (seed {recording.seed})")
        runs[run] = recording.path
    return recordings


def check_level(recording: Recording, level: str) -> None:
    """Raise InputError unless the recording keeps as much as `level` does, of at least one rollout."""
    if LEVELS.index(recording.level) > LEVELS.index(level):
        raise InputError(
            f"{recording.path}: recorded at level '{recording.level}', but the figure needs level '{level}': "
            f"record with --record {level}"
        )
    if recording.rollouts_done == 0:
        raise InputError(f"{recording.path}: holds no whole rollout")


def check_contracts(recording: Recording) -> None:
    """Raise InputError if alpha is 0, by which Proposition 3 divides."""
    if recording.scenario.dual.alpha == 0:
        raise InputError(
            f"{recording.path}: dual.alpha = 0: the bounds of Proposition 3 divide by it; "
            "record with alpha > 0, for example --set dual.alpha=0.01"
        )


def check_panels(recording: Recording) -> None:
    """Raise InputError if there are too many agents for a figure that has a panel for each."""
    N = recording.scenario.agents.N
    if N > MOST_PANELS:
        raise InputError(
            f"{recording.path}: agents.N = {N}: "
            f"the figure has a panel for each agent, for up to {MOST_PANELS}"
        )


def differences(first: Recording, second: Recording) -> list[str]:
    """Keys in which two recordings differ: of their scenarios (``links.d``), ``policy`` and ``steps``."""
    keys = scenario_differences(first.scenario, second.scenario)
    if first.policy_sha256 != second.policy_sha256:
        keys.append("policy")
    if first.steps != second.steps:
        keys.append("steps")
    return keys


def run_paper(
    policies: Mapping[str, Policy], radii: Sequence[float], runs: int, level: str
) -> list[Recording]:
    """Run the paper's scenario in memory: every policy at every range d, with the seeds 0 .. `runs` - 1.

    Raises
    ------
    InputError
        If a policy does not fit the scenario.
    """
    scenarios = [Scenario.load("paper", [f"links.d={d}"]) for d in radii]
    for label, policy in policies.items():
        try:
            policy.weights(scenarios[0].agents.N, scenarios[0].world)
        except InputError as error:
            raise InputError(f"--policy {label}: {error}") from None
    batch = [
        (scenario, policy, seed)
        for policy in policies.values()
        for scenario in scenarios
        for seed in range(runs)
    ]
    with compilation_announced():
        return executed("paper: running", batch, level)


def executed(
    label: str, batch: Sequence[tuple[Scenario, Policy, int]], level: str, steps: int | None = None
) -> list[Recording]:
    """Run scenarios with equally long rollouts, by policy and seed, in memory and behind a progress bar."""
    with progress_bar(label, len(batch) * whole_rollouts(steps, batch[0][0].dual.T0)) as advance:

        def progress(rollouts: int) -> bool:
            advance(rollouts)
            return True

        return execute_batch(batch, steps, record=level, progress=progress)


def labelled(references: Sequence[str]) -> dict[str, Policy]:
    """Policies by their labels, from texts such as ``paper``, ``mine=results/p.h5``.

    Raises
    ------
    InputError
        If one cannot be loaded, or two have the same label or are the same.
    """
    policies: dict[str, Policy] = {}
    for reference in references:
        label, equals, path = reference.partition("=")
        label = label if equals else Path(reference).stem
        if not label:
            raise InputError(f"--policy {reference}: the label is empty; write LABEL=POLICY or POLICY")
        if label in policies:
            raise InputError(f"--policy {reference}: the label '{label}' stands for another one already")
        policy = Policy.load(path if equals else reference)
        for other in policies:
            if policies[other].sha256 == policy.sha256:
                raise InputError(f"--policy {reference}: is the same policy as '{other}'")
        policies[label] = policy
    return policies


def label_of(recording: Recording, policies: Mapping[str, Policy]) -> str:
    """Label of the policy that a recording was made with.

    Raises
    ------
    InputError
        If it is none of `policies`.
    """
    for label, policy in policies.items():
        if policy.sha256 == recording.policy_sha256:
            return label
    raise InputError(
        f"{recording.path}: was recorded with another policy than {', '.join(policies)}; "
        "name the policy's file with --policy LABEL=FILE"
    )
