"""The API's database: reached, of this version, and what it is."""

from __future__ import annotations

from cdss_api.database import CONNECTIONS, Database, require_current
from cdss_api.errors import Unavailable
from neuronova.doctor.finding import Finding, failed, ok, warning

_OLDEST_POSTGRESQL = 13  # older ones get no corrections any more


def look_at_database(database: Database, processes: int) -> list[Finding]:
    """Look at a database that should be there, for so many processes of the API."""
    try:
        require_current(database)
    except Unavailable as why:
        return [failed("database", str(why), "start the platform once, or see that the database runs and takes us")]
    if database.engine.dialect.name == "sqlite":
        return [ok("database", "SQLite, of this version")]
    with database.engine.connect() as connection:
        version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
        allowed = int(connection.exec_driver_sql("SHOW max_connections").scalar_one())
    return [postgresql(version), connections(allowed, processes)]


def postgresql(version: int) -> Finding:
    """Judge a version, as `server_version_num` tells it."""
    told = f"PostgreSQL {version // 10000}.{version % 10000}, its tables of this version"
    if version // 10000 < _OLDEST_POSTGRESQL:
        return warning("database", told, f"upgrade to {_OLDEST_POSTGRESQL} or later")
    return ok("database", told)


def connections(allowed: int, processes: int) -> Finding:
    """Judge how many connections PostgreSQL allows: for each process, for one that replaces another, for all others."""
    needed = CONNECTIONS * (processes + 2)
    told = f"PostgreSQL allows {allowed} connections"
    if allowed < needed:
        return warning("database connections", told, f"set max_connections to {needed} or more")
    return ok("database connections", told)
