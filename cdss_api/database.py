"""The service's database: SQLite (WAL) in the data folder, or PostgreSQL by one URL."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import URL, BigInteger, Connection, Engine, Integer, create_engine, event, inspect, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session

from cdss_api.errors import Unavailable
from neuronova.contract.settings import Settings
from neuronova.trying import Rule, again, met_another

T = TypeVar("T")

_MIGRATIONS = Path(__file__).with_name("migrations")
_BUSY_MILLISECONDS = 10_000  # longer than the longest change, shorter than a client waits
_TURN = 10.0  # seconds that a thread waits for those of its own process
# A server that is gone, or the network to it, is noticed within half a minute (libpq's parameter key words).
UNTIL_LOST: Mapping[str, Any] = MappingProxyType(
    {
        "connect_timeout": 5,  # seconds, as the next ones are
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,  # milliseconds
    }
)
CONNECTIONS = 24  # that a process keeps, opened when they are needed: one for each thread of the API
_READING: dict[str, dict[str, Any]] = {
    "sqlite": {"begin": "BEGIN"},
    # As SQLite does: everything that one transaction reads is of one moment.
    "postgresql": {"isolation_level": "REPEATABLE READ"},
}
# A transaction that reads and then writes would fail where another one wrote in between.
_WRITING: dict[str, dict[str, Any]] = {"sqlite": {"begin": "BEGIN IMMEDIATE"}, "postgresql": {}}


# PostgreSQL takes a second to see that two wait for each other; who asked is to be answered before they give up.
_MET = Rule(when=met_another, tries=3, within=5.0, first=0.05, longest=0.5)

# A column that numbers its rows by itself: SQLite does so only where it is of type INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """What every table of the service derives from."""


class Database:
    """The engine and its two kinds of transaction."""

    def __init__(self, url: URL) -> None:
        self.engine = _engine(url)
        self._reader = self.engine.execution_options(**_READING[self.engine.dialect.name])
        self._writer = self.engine.execution_options(**_WRITING[self.engine.dialect.name])
        self._turn = _Turn() if self.engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Read what stood at one moment."""
        with Session(self._reader) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Commit at the end of the block; an exception leaves nothing behind."""
        with self._turn, Session(self._writer) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def whole(unit: Callable[[], T]) -> T:
    """Return what a unit of work returns, done again from its beginning where the database ended it for another's.

    `unit` holds its transaction, and tells nobody outside of the database before it has nothing more to write.
    """
    return again(unit, _MET)


class _Turn:
    """One thread's at a time: those that ask SQLite itself sleep between their tries, and overtake one another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=_TURN):
            locked = sqlite3.OperationalError("database is locked")
            locked.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise OperationalError("BEGIN IMMEDIATE", None, locked)

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def insert_into(session: Session, table: Any) -> Any:
    """Return an INSERT that may do nothing; both databases have it, under SQLAlchemy's two names."""
    return (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(table)


def open_database(settings: Settings) -> Database:
    """Return the database of `settings`; nothing is connected yet."""
    return Database(database_url(settings))


def database_url(settings: Settings) -> URL:
    """Return where the database is."""
    if settings.database_url is None:
        return URL.create("sqlite", database=str(settings.data / "api" / "neuronova.db"))
    return make_url(settings.database_url).set(drivername="postgresql+psycopg")


def migrate(database: Database, to: str = "head") -> None:
    """Bring the tables to what this version expects, or to the revision `to`.

    Raises:
        Unavailable: the database cannot be reached, or is of a newer version.
    """
    with _told(database), database.engine.connect() as connection:
        if to == "head" and _version(connection) == [revisions()[-1]]:
            return
    from alembic import command  # takes a quarter of a start: only who migrates has it
    from alembic.config import Config
    from alembic.util import CommandError

    configuration = Config()
    configuration.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    try:
        with _told(database), database.engine.begin() as connection:
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, to)
    except CommandError as error:
        raise Unavailable(f"the database cannot be brought to this version ({error})") from None


def require_current(database: Database) -> None:
    """Raise Unavailable unless the tables are what this version expects."""
    if database.engine.dialect.name == "sqlite" and not Path(str(database.engine.url.database)).is_file():
        raise Unavailable("there is no database yet; start the platform once with `neuronova run`")
    with _told(database), database.engine.connect() as connection:
        current = _version(connection)
    if current != [revisions()[-1]]:
        raise Unavailable("the database is of another version; start the platform once with `neuronova run`")


def is_known(revision: str) -> bool:
    """Tell whether tables of a revision can be brought to what this version expects."""
    return revision in revisions()


def revisions() -> list[str]:
    """Return the versions of the tables, the newest last: each follows the one before it (vNNNN_what.py)."""
    return sorted(file.name[1:5] for file in (_MIGRATIONS / "versions").glob("v[0-9][0-9][0-9][0-9]_*.py"))


def _version(connection: Connection) -> list[str]:
    """Return what Alembic wrote of the tables; nothing where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return []
    return list(connection.scalars(text("SELECT version_num FROM alembic_version")))


@contextmanager
def _told(database: Database) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        where = database.engine.url.render_as_string(hide_password=True)
        raise Unavailable(f"the database {where} cannot be used ({type(error).__name__})") from None


def _engine(url: URL) -> Engine:
    # Threads that wait for a connection, or open one beyond the pool for each request, wait for nothing else.
    kept = {"pool_size": CONNECTIONS, "pool_use_lifo": True, "hide_parameters": True}  # an error would quote hashes
    if url.get_backend_name() == "postgresql":
        return create_engine(url, pool_pre_ping=True, connect_args=dict(UNTIL_LOST), **kept)
    engine = create_engine(url, **kept)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # Python's own would begin late; `_begin_sqlite` does it
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {_BUSY_MILLISECONDS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN IMMEDIATE"))
