"""Orthanc's index where it is PostgreSQL: dumped, and listed as of the same moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg

from neuronova.backup.postgres import dump
from neuronova.platform.postgres import CONNECT, Postgres, unusable

_AT_ONCE = 10_000
# Orthanc's plugins count levels from 0 (OrthancPluginResourceType), its own SQLite from 1. Attachments of old plugins
# have no digest.
_LISTED = (
    ("Resources (resourceType INTEGER, publicId TEXT)", "SELECT resourceType + 1, publicId FROM Resources"),
    (
        "AttachedFiles (uuid TEXT, compressedSize INTEGER, compressedMD5 TEXT)",
        "SELECT uuid, compressedSize, compressedHash FROM AttachedFiles",
    ),
)


def dump_index(database: Postgres, target: Path, listed: Path) -> None:
    """Write the index into `target`, and what it names into `listed`, with the tables of an index in SQLite.

    Raises:
        PlatformError: it cannot be read, or Orthanc never made it.
    """
    listed.unlink(missing_ok=True)
    try:
        with psycopg.connect(database.address, connect_timeout=CONNECT) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            (snapshot,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
            _list(connection, listed)
            dump(database, target, snapshot=str(snapshot))
    except psycopg.Error as error:
        raise unusable(database, error) from None


def _list(connection: psycopg.Connection, target: Path) -> None:
    with closing(sqlite3.connect(target)) as listing:
        for columns, query in _LISTED:
            table, marks = columns.split()[0], ", ".join("?" * (columns.count(",") + 1))
            listing.execute(f"CREATE TABLE {columns}")
            with connection.cursor(name=table.lower()) as cursor:
                cursor.execute(query.encode())
                while rows := cursor.fetchmany(_AT_ONCE):
                    listing.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - of two names
        listing.commit()
    target.chmod(0o600)
