"""Policies: what an agent does on a tile, given its multipliers."""
