"""Copies of a day in the tables themselves: each row again for each day before it, under other names and times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    case,
    cast,
    func,
    insert,
    literal,
    select,
    text,
)

from cdss_api.database import Base, Database
from cdss_api.fhir.models import (
    Compartment,
    DateValue,
    Identity,
    QuantityValue,
    ReferenceValue,
    Resource,
    StringValue,
    TokenValue,
    Version,
)
from cdss_api.imaging.models import Planned, Study
from cdss_api.jobs.models import Job
from cdss_api.outbox.models import Stream
from cdss_api.reading.models import Words
from proof.scale.day import DAY, OF_DAY, name_of

_AT_ONCE = 100  # days in one statement, the oldest first: rows lie as the years have written them
_NUMBERS = ("number", "row")
_MOMENTS = ("updated", "low", "high")  # microseconds; other times are Double, in seconds
_BEYOND = 1 << 60  # no time: the beginning and the end of all
# By which column a row is told to be of the day; what belongs to a resource goes with it.
_NAMED: Mapping[type[Base], str] = {
    Resource: "logical_id",
    Identity: "patient",
    Study: "study_uid",
    Planned: "order_id",
    Stream: "aggregate",
    Job: "study",
}
_OF_RESOURCES: Sequence[type[Base]] = (
    *(Version, Compartment, StringValue, TokenValue, DateValue, QuantityValue, ReferenceValue),
    Words,
)
TABLES = [Base.metadata.tables[one.__tablename__] for one in (*_NAMED, *_OF_RESOURCES)]
_DAYS = Table(
    "scale_day",
    MetaData(),
    Column("back", Integer, primary_key=True),
    Column("name", Text),
    Column("iso", Text),
    Column("basic", Text),
    prefixes=["TEMPORARY"],
)


def copy(database: Database, day: date, days: int) -> None:
    """Make `days` copies of the rows of a day, each a day older than the one before."""
    with database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":  # what is copied refers to what is copied with it
            connection.execute(text("SET session_replication_role = replica"))
            connection.execute(text("SET maintenance_work_mem = '1GB'"))
        else:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("PRAGMA synchronous = OFF")
            connection.exec_driver_sql("BEGIN")
        _DAYS.create(connection)
        connection.execute(insert(_DAYS), [_day(day, back) for back in range(1, days + 1)])
        connection.commit()
        with _without_indexes(connection):
            steps = _steps(connection)
            for table in TABLES:
                _copy(connection, table, steps, day, days)
        _go_on(connection)
        connection.commit()
        connection.invalidate()  # its settings are for this alone
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if connection.dialect.name == "sqlite" else "VACUUM ANALYZE"))


def _day(day: date, back: int) -> dict[str, Any]:
    then = day - timedelta(days=back)
    return {"back": back, "name": name_of(back), "iso": then.isoformat(), "basic": then.strftime("%Y%m%d")}


@contextmanager
def _without_indexes(connection: Connection) -> Iterator[None]:
    indexes = [index for table in TABLES for index in table.indexes]
    for index in indexes:
        index.drop(connection)
    connection.commit()
    yield
    for index in indexes:
        index.create(connection)
        connection.commit()


def _steps(connection: Connection) -> dict[str, int]:
    """Return by table how far its copies' numbers lie apart; what belongs to a resource has the resource's."""
    highest = {
        one.name: connection.scalar(select(func.max(one.c[name])))
        for one in TABLES
        for name in reversed(_NUMBERS)
        if name in one.c and not one.c[name].foreign_keys
    }
    return {name: 10 ** len(str(number)) for name, number in highest.items()}


def _copy(connection: Connection, table: Table, steps: Mapping[str, int], day: date, days: int) -> None:
    of_resources = steps[Resource.__tablename__]
    columns = [
        _copied(column, of_resources if column.foreign_keys else steps.get(table.name, 1), day) for column in table.c
    ]
    rows = select(*columns).select_from(table.join(_DAYS, literal(True))).where(_is_of_day(table))
    for last in range(days, 0, -_AT_ONCE):
        some = rows.where(_DAYS.c.back.between(max(1, last - _AT_ONCE + 1), last))
        connection.execute(insert(table).from_select([column.name for column in table.c], some))
        connection.commit()


def _is_of_day(table: Table) -> Any:
    named = next((name for model, name in _NAMED.items() if model.__table__ is table), None)
    if named is not None:
        return table.c[named].contains(OF_DAY)
    resource = Resource.__table__
    of_day: Select[Any] = select(resource.c.number).where(resource.c.logical_id.contains(OF_DAY))
    return table.c.number.in_(of_day)


def _copied(column: Column[Any], step: int, day: date) -> Any:
    if column.table is Planned.__table__ and column.name == "study_uid":  # worked out of the order's id
        return column + "." + cast(_DAYS.c.back, Text)
    if column.name in _NUMBERS:
        return column + _DAYS.c.back * literal(step, BigInteger)
    if column.name in _MOMENTS:
        shifted = column - _DAYS.c.back * literal(DAY * 1_000_000, BigInteger)
        return case((func.abs(column) > _BEYOND, column), else_=shifted)
    if isinstance(column.type, Double):
        return column - _DAYS.c.back * DAY
    if isinstance(column.type, String | Text):
        written = {OF_DAY: _DAYS.c.name, day.isoformat(): _DAYS.c.iso, day.strftime("%Y%m%d"): _DAYS.c.basic}
        found: Any = column
        for old, new in written.items():
            found = func.replace(found, old, new)
        return found
    return column


def _go_on(connection: Connection) -> None:
    """Have what is numbered by itself go on behind the copies."""
    if connection.dialect.name != "postgresql":
        return
    for table in TABLES:
        for name in _NUMBERS:
            if name in table.c:
                sequence = func.pg_get_serial_sequence(table.name, name)
                connection.execute(select(func.setval(sequence, select(func.max(table.c[name])).scalar_subquery())))
