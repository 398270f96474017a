"""Algorithm 2: runs of a team, with its own policy, prescribed targets or recorded links."""
