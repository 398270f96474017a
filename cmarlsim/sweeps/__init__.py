"""Sweeps: many runs of Algorithm 2, planned from one file, run by any executor, gathered in one table."""

from cmarlsim.sweeps.collecting import collect
from cmarlsim.sweeps.planning import plan_sweep
from cmarlsim.sweeps.running import run_sweep

__all__ = ["collect", "plan_sweep", "run_sweep"]
