"""The service on both databases."""

from __future__ import annotations

from tests.databases import api

__all__ = ["api"]
