"""All that can be said of a scenario and its floor plan before anything runs."""
