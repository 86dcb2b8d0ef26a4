"""Forwarding: stored series on their way to other application entities."""
