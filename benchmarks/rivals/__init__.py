"""Other ways to do the engine's work, to compare it with."""
