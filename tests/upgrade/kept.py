"""A database as text: its rows by table, in the order in which they can be written."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Boolean, Connection, MetaData, Table, text

Rows = dict[str, dict[str, list[Any]]]
"""`columns` and `rows` of each table, as SQLite has them: booleans are numbers, JSON is text."""

_LEFT_OUT = ("login", "refresh_token")  # of no use elsewhere


def dumped(connection: Connection) -> bytes:
    """Return all rows of an SQLite database, to be kept in a file."""
    known = MetaData()
    known.reflect(connection)
    found: Rows = {}
    for table in known.sorted_tables:
        rows = [list(row) for row in connection.execute(text(f'SELECT * FROM "{table.name}"'))]
        if rows and table.name not in _LEFT_OUT:
            found[table.name] = {"columns": [column.name for column in table.columns], "rows": rows}
    return gzip.compress(json.dumps(found, ensure_ascii=False).encode(), 9, mtime=0)


def read(file: Path) -> Rows:
    """Return what `dumped` wrote."""
    found: Rows = json.loads(gzip.decompress(file.read_bytes()))
    return found


def write(connection: Connection, kept: Rows) -> None:
    """Write rows to tables of the version that they are of, in place of those that stand there."""
    known = MetaData()
    known.reflect(connection)
    for table in reversed(known.sorted_tables):
        if table.name in kept:
            connection.execute(table.delete())
    for name, found in kept.items():
        table = known.tables[name]
        connection.execute(table.insert(), [_row(table, found["columns"], row) for row in found["rows"]])
        if connection.dialect.name == "postgresql":
            for column in table.c:
                _count_on(connection, name, column.name)


def _count_on(connection: Connection, table: str, column: str) -> None:
    """Have a column's sequence, where it has one, go on after what was written."""
    sequence = f"pg_get_serial_sequence('{table}', '{column}')"
    if connection.scalar(text(f"SELECT {sequence}")) is not None:
        connection.execute(text(f"SELECT setval({sequence}, max({column})) FROM {table}"))


def _row(table: Table, columns: list[str], row: list[Any]) -> dict[str, Any]:
    return {name: _value(table, name, value) for name, value in zip(columns, row, strict=True)}


def _value(table: Table, name: str, value: Any) -> Any:
    kind = table.c[name].type
    if isinstance(kind, Boolean) and value is not None:
        return bool(value)
    return json.loads(value) if isinstance(kind, JSON) and isinstance(value, str) else value
