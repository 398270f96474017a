"""Waypoints and edges: made, led round walls, and measured."""
