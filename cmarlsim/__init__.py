"""Simulate a team of agents that keeps zones of a building attended, each for a fraction c of the time.

>>> import cmarlsim
>>> scenario = cmarlsim.Scenario.load("paper", "links.d=4")     # or the path of your own TOML file
>>> policy = cmarlsim.Policy.load("paper")                      # or "rank", which fits every scenario
>>> run = cmarlsim.execute(scenario, policy, steps=2000, seed=0)  # out="run.h5" records in a file
>>> run.margin().shape                                          # (M,): satisfaction minus c
(6,)
>>> run.lam.shape                                               # (K + 1, N, M): every agent's multipliers
(21, 5, 6)
>>> margins = run.to_frame()["margin"]                          # over time, with names; .plot() draws it

Names, each with its own `help`:

Scenario       a floor plan, a team, its zones and thresholds, and who can talk to whom
Policy         what every agent does on every tile, given its multipliers
Recording      what a run leaves, in memory or in an HDF5 file
execute        run Algorithm 2
execute_batch  run it for many scenarios, policies and seeds, on all cores
learn          train a policy: Algorithm 1, then in runs of Algorithm 2
tiled          a scenario in a large building, copies of the paper's

InputError     input that cannot be used; its message says what would be right. Its kinds:
ArgumentError  a value that a function does not take
DamagedError   a file that is broken or incomplete
LockedError    a file that another process is writing
MisfitError    things that do not belong together, such as a policy and a scenario
DivergedError  a training whose numbers are not finite any more
"""

from __future__ import annotations

from cmarlsim.terminal.interrupt import end_at_once_if_run
from cmarlsim.version import __version__

end_at_once_if_run(__name__)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cmarlsim.api import execute as execute
    from cmarlsim.api import execute_batch as execute_batch
    from cmarlsim.errors import ArgumentError as ArgumentError
    from cmarlsim.errors import DamagedError as DamagedError
    from cmarlsim.errors import DivergedError as DivergedError
    from cmarlsim.errors import InputError as InputError
    from cmarlsim.errors import LockedError as LockedError
    from cmarlsim.errors import MisfitError as MisfitError
    from cmarlsim.policies.policy import Policy as Policy
    from cmarlsim.recordings.recording import Recording as Recording
    from cmarlsim.scenario import Scenario as Scenario
    from cmarlsim.scenario.tiled import tiled as tiled
    from cmarlsim.training.learn import learn as learn

_KINDS = ("InputError", "ArgumentError", "DamagedError", "LockedError", "MisfitError", "DivergedError")
_MODULES = {
    "Policy": "cmarlsim.policies.policy",
    "Recording": "cmarlsim.recordings.recording",
    "Scenario": "cmarlsim.scenario",
    "execute": "cmarlsim.api",
    "execute_batch": "cmarlsim.api",
    "learn": "cmarlsim.training.learn",
    "tiled": "cmarlsim.scenario.tiled",
} | dict.fromkeys(_KINDS, "cmarlsim.errors")

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> object:
    """Load a public name on first use, so that ``import cmarlsim`` itself costs nothing."""
    import importlib

    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'cmarlsim' has no attribute '{name}'", name=name, obj=__import__(__name__))


def __dir__() -> list[str]:
    return ["__doc__", *__all__]
