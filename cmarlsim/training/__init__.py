"""Training: Algorithm 1 as Section V runs it, and then in the loop, under gossip.

`training` advances several teams, each a `candidate`, side by side. A candidate goes through stages, each a
`block` (one agent learns, with sampled multipliers that all share) or a `loop` (all learn, on multipliers
that they gossip).
"""

from cmarlsim.training.candidate import VALIDATION_SEED
from cmarlsim.training.training import Training

__all__ = ["VALIDATION_SEED", "Training"]
