"""The fixtures of both databases."""

from tests.databases import api

__all__ = ["api"]
