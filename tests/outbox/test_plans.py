"""Many completed messages and statistics from before them: no statement of a worker reads them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, text

from cdss_api.database import Database
from cdss_api.outbox.operations import listed
from cdss_api.outbox.states import State
from tests.outbox.sending import OK, Bench

_SERIES = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
_STREAMS = (
    "INSERT INTO outbox_stream (number, target, aggregate, fence, leased, parked) "
    "{series}SELECT i, 'emr', 'old' || i, 1, false, false FROM n"
)
_MESSAGES = (
    "INSERT INTO outbox_message (number, stream, key, kind, payload, state, attempts, created_at, changed_at) "
    "{series}SELECT i, i, 'k', 'k', 'p', 'completed', 1, 0, 0 FROM n"
)
Statement = tuple[str, Any]


@pytest.mark.parametrize("analyzed", [False, True])
def test_completed_messages_are_read_by_no_statement(database: Database, analyzed: bool) -> None:
    bench = Bench(database)
    postgresql = database.engine.dialect.name == "postgresql"
    # PostgreSQL rightly reads all of a small table; SQLite does not look at the size.
    count = 100_000 if postgresql else 1_000
    with database.engine.begin() as connection:
        if postgresql:
            for table in ("outbox_stream", "outbox_message"):
                connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = false)"))
        if analyzed:
            connection.execute(text("ANALYZE"))  # of empty tables
        for statement in (_STREAMS, _MESSAGES):
            connection.execute(text(statement.format(series=_SERIES.format(count=count))))
        if postgresql:
            for table in ("outbox_stream", "outbox_message"):
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'number'), {count})"))
    said: list[Statement] = []

    def hear(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if "outbox_message" in statement or "outbox_stream" in statement:
            said.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", hear)
    for number in range(60):
        bench.write("m", aggregate=str(number % 55))
    bench.work()
    bench.receiver.answer = lambda _: OK
    with database.reading() as session:
        listed(session, state=State.DEAD_LETTER)
    event.remove(database.engine, "before_cursor_execute", hear)
    assert len(bench.receiver.attempts) == 60
    kinds = {statement: parameters for statement, parameters in said if not statement.startswith("INSERT")}
    assert len(kinds) >= 6
    read = [line for statement in kinds.items() for line in _plan(database, statement) if _reads_all(line)]
    assert read == []


def _plan(database: Database, statement: Statement) -> list[str]:
    explain = "EXPLAIN " if database.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN "
    with database.engine.connect() as connection:
        return [str(row[-1]) for row in connection.exec_driver_sql(explain + statement[0], statement[1])]


def _reads_all(line: str) -> bool:
    if "Seq Scan" in line:
        return "outbox_message" in line or "outbox_stream" in line
    # SQLite says SCAN for all of a table or index, and SEARCH where it looks something up.
    return line.startswith("SCAN outbox")
