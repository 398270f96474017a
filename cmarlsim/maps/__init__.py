"""Maps of others: what is read from them, and what becomes of it, a floor plan and a scenario."""
