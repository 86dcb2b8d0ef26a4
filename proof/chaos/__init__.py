"""Faults at random while a hospital works, and what is left of its work at the end."""
