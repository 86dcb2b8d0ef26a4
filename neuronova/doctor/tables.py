"""The API's database: reached, of this version, and what it is."""

from __future__ import annotations

from cdss_api.database import Database, require_current
from cdss_api.errors import Unavailable
from neuronova.doctor.finding import Finding, failed, ok, warning

_OLDEST_POSTGRESQL = 13  # older ones get no corrections any more


def look_at_database(database: Database) -> list[Finding]:
    """Look at a database that should be there."""
    try:
        require_current(database)
    except Unavailable as why:
        return [failed("database", str(why), "start the platform once, or see that the database runs and takes us")]
    if database.engine.dialect.name == "sqlite":
        return [ok("database", "SQLite, of this version")]
    with database.engine.connect() as connection:
        version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    told = f"PostgreSQL {version // 10000}.{version % 10000}, its tables of this version"
    if version // 10000 < _OLDEST_POSTGRESQL:
        return [warning("database", told, f"upgrade to {_OLDEST_POSTGRESQL} or later")]
    return [ok("database", told)]
