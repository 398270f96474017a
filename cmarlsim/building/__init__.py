"""Buildings: floor plans, the places agents can be, and what can be seen from where."""
