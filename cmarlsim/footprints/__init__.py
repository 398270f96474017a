"""Gossip over a fixed graph whose edges are active at random: footprint graphs, Section II."""
