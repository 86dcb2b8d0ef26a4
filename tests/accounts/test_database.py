"""The two databases: tables, transactions and what is said when there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from cdss_api.accounts.models import Account, Login, Version
from cdss_api.database import UNTIL_LOST, Base, Database, migrate, open_database, require_current, revisions
from cdss_api.errors import Unavailable
from neuronova.contract.settings import read_settings
from neuronova.platform.layout import REPOSITORY
from tests import postgres
from tests.accounts.api import Api, code_of, json_of


def test_the_migrations_make_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_versions_are_those_that_alembic_knows_in_their_order() -> None:
    scripts = ScriptDirectory(str(REPOSITORY / "cdss_api" / "migrations"))
    assert revisions() == [one.revision for one in reversed(list(scripts.walk_revisions()))]
    assert scripts.get_heads() == revisions()[-1:]


def test_migrating_again_changes_nothing(database: Database) -> None:
    with database.reading() as session:
        before = session.scalar(select(Version.version))
    migrate(database)
    require_current(database)
    with database.reading() as session:
        assert session.scalar(select(Version.version)) == before


def test_an_error_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        session.execute(update(Version).values(version=1))
        raise ZeroDivisionError
    with database.reading() as session:
        assert session.scalar(select(Version.version)) != 1


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite database."""
    (tmp_path / "api").mkdir()
    database = open_database(read_settings({"NEURONOVA_DATA": str(tmp_path)}))
    yield database
    database.close()


def test_writers_take_turns(file: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite itself would let none of them wait that long."""
    monkeypatch.setattr("cdss_api.database._BUSY_MILLISECONDS", 1)

    def write() -> None:
        with file.writing() as session:
            session.execute(text("CREATE TABLE IF NOT EXISTS one (number INTEGER)"))
            time.sleep(0.05)

    with ThreadPoolExecutor(8) as threads:
        for one in [threads.submit(write) for _ in range(8)]:
            one.result()


def test_who_waits_too_long_for_their_turn_is_told(file: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cdss_api.database._TURN", 0.05)

    def write() -> None:
        with file.writing() as session:
            session.execute(text("CREATE TABLE IF NOT EXISTS one (number INTEGER)"))

    with ThreadPoolExecutor(1) as threads, file.writing() as session:
        session.execute(text("CREATE TABLE two (number INTEGER)"))
        with pytest.raises(OperationalError, match="locked"):
            threads.submit(write).result(5)  # SQLite itself would wait for ten seconds
    write()  # the turn was given back


@pytest.mark.parametrize("variables", ["postgresql"], indirect=True)
def test_a_lost_server_is_noticed(database: Database) -> None:
    """PostgreSQL's own library takes many minutes by itself; a cut network is for nobody's tests to make."""
    with database.reading() as session:
        given = session.connection().connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    assert UNTIL_LOST.items() <= {name: int(value) for name, value in given.items() if value.isdecimal()}.items()


def test_a_reader_sees_one_moment(database: Database) -> None:
    with database.reading() as reader:
        before = reader.scalar(select(Version.version))
        with database.writing() as writer:
            writer.execute(update(Version).values(version=Version.version + 1))
        assert reader.scalar(select(Version.version)) == before
    with database.reading() as reader:
        assert reader.scalar(select(Version.version)) == (before or 0) + 1


def test_writers_wait_for_one_another(database: Database) -> None:
    def add() -> None:
        for _ in range(5):
            with database.writing() as session:
                session.execute(update(Version).values(version=Version.version + 1))

    with database.reading() as session:
        before = session.scalar(select(Version.version)) or 0
    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.scalar(select(Version.version)) == before + 20


def test_references_are_kept(database: Database) -> None:
    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(Login(login_id="l", account_id="nobody", created_at=0, expires_at=0))


def test_errors_quote_no_values(database: Database) -> None:
    with database.writing() as session:
        session.add(_account("a"))
    with pytest.raises(IntegrityError) as refused, database.writing() as session:
        session.add(_account("b"))
    assert "$argon2" not in str(refused.value)


def _account(account_id: str) -> Account:
    return Account(
        account_id=account_id,
        username="same",
        display_name="",
        role="nurse",
        password_hash="$argon2",
        totp_confirmed=False,
        totp_step=0,
        enabled=True,
        created_at=0,
    )


def test_sqlite_is_durable_and_waits(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    database = open_database(read_settings({"NEURONOVA_DATA": str(tmp_path)}))
    with database.reading() as session:
        pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        assert [session.scalar(text(f"PRAGMA {name}")) for name in pragmas] == ["wal", 2, 1, 10_000]
    database.close()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "start the platform once"),
        ({"NEURONOVA_DATABASE_URL": "postgresql://u:password@127.0.0.1:1/d"}, "cannot be used"),
    ],
)
def test_no_database_is_one_line_without_a_secret(tmp_path: Path, variables: dict[str, str], said: str) -> None:
    database = open_database(read_settings({"NEURONOVA_DATA": str(tmp_path), **variables}))
    with pytest.raises(Unavailable, match=said) as told:
        require_current(database)
    assert "password" not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("variables", ["postgresql"], indirect=True)
def test_without_its_database_the_service_says_so(api: Api, postgres_address: str) -> None:
    bearer, name = api.admin(), api.service.database.engine.url.database
    postgres.execute(postgres_address, f"DROP DATABASE {name} WITH (FORCE)")
    answer = api.client.get("/api/v1/auth/me", headers=bearer)
    assert (answer.status_code, code_of(answer)) == (503, "database_unavailable")
    assert json_of(api.client.get("/api/v1/health"))["parts"]["database"]["status"] == "down"
