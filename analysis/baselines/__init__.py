"""Baselines: what a trained team is worth beside simpler, idler and better informed ones."""
