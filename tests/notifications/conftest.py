"""Notifications on both databases, with the accounts' fixtures."""

from tests.databases import api

__all__ = ["api"]
