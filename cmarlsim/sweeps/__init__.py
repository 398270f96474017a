"""Sweeps: many runs of Algorithm 2, planned in a manifest, run by whoever comes, and gathered in a table."""
