"""The audit record (placeholder until the journal lands)."""

from enum import StrEnum


class Action(StrEnum):
    """What was done or tried."""

    QUERY = "query"
    READ = "read"
    STORE = "store"
    DELETE = "delete"
    MANAGE = "manage"
