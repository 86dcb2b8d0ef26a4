"""Forwarding of stored series to other application entities."""
