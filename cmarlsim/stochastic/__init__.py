"""Gossip of agents fixed at the nodes of a footprint whose edges come and go, the paper's model (4)."""
