"""A PostgreSQL that a setting names."""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg

from neuronova.platform.errors import PlatformError

CONNECT = 5  # seconds


@dataclass(frozen=True, slots=True)
class Postgres:
    """A database by its address, which holds a password, and the setting that messages name in its place."""

    setting: str
    address: str = field(repr=False)


def value(database: Postgres, statement: str) -> object:
    """Return the first value that a query gives.

    Raises:
        PlatformError: the database is not reached, or has no such table.
    """
    try:
        with psycopg.connect(database.address, connect_timeout=CONNECT) as connection:
            row = connection.execute(statement.encode()).fetchone()
    except psycopg.Error as error:
        raise unusable(database, error) from None
    return None if row is None else row[0]


def unusable(database: Postgres, error: psycopg.Error) -> PlatformError:
    """Return what to say where a database cannot be used: the driver's own words may hold its address."""
    return PlatformError(f"the database of {database.setting} cannot be used ({type(error).__name__})")
