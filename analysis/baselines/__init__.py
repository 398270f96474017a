"""The ladder of baselines: what a trained team is worth beside simpler, idler and better informed ones."""
