"""Rooms, doors and walls, from cells or from what walls enclose."""
