"""What marks the objects that the platform itself stores."""

from __future__ import annotations

MANUFACTURER = "NeuroNova"
"""Manufacturer (0008,0070) of signed reports and of results: no rule fires on a series that has it."""
