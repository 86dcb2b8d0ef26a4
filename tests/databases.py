"""Both databases: each test that asks for one runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from cdss_api.database import Database, database_url, migrate, open_database
from neuronova.contract.settings import Settings, read_settings
from tests import postgres
from tests.accounts.api import Api
from tests.running import ADMIN_PASSWORD

KINDS = ("sqlite", "postgresql")
_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """One cluster for the session, with a migrated database to clone."""
    with postgres.cluster() as address:
        postgres.execute(address, "CREATE DATABASE template_neuronova")
        _migrated(read_settings({"NEURONOVA_DATABASE_URL": named(address, "template_neuronova")}))
        yield address


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy."""
    data = tmp_path_factory.mktemp("template")
    (data / "api").mkdir()
    _migrated(read_settings({"NEURONOVA_DATA": str(data)}))
    return data / "api" / "neuronova.db"


@contextmanager
def variables_on(kind: str, data: Path, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Give the settings of a platform whose database has its tables and nothing else, for the length of a block."""
    for folder in ("api", "keys"):
        (data / folder).mkdir(parents=True)
    ours = {"NEURONOVA_DATA": str(data), "NEURONOVA_ADMIN_PASSWORD": ADMIN_PASSWORD}
    if kind == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), data / "api")
        yield ours
        return
    address, name = request.getfixturevalue("postgres_address"), f"test_{next(_numbers)}"
    # Copying files takes a third of what copying by the log takes, where nothing is written through to the disk.
    postgres.execute(address, f"CREATE DATABASE {name} TEMPLATE template_neuronova STRATEGY FILE_COPY")
    yield ours | {"NEURONOVA_DATABASE_URL": named(address, name)}
    postgres.execute(address, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(params=KINDS)
def variables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings of a platform whose database has its tables and nothing else."""
    with variables_on(request.param, tmp_path / "data", request) as made:
        yield made


@pytest.fixture
def settings(variables: dict[str, str]) -> Settings:
    return read_settings(variables)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings)
    yield opened
    opened.close()


def named(address: str, name: str) -> str:
    """Return the address of another database of the cluster."""
    return address.replace("/postgres?", f"/{name}?")


def _migrated(settings: Settings) -> None:
    database = Database(database_url(settings))
    migrate(database)
    if database.engine.dialect.name == "sqlite":
        with database.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")  # the copy is of one file: no write-ahead log beside it
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
    database.close()


@pytest.fixture
def api(settings: Settings) -> Iterator[Api]:
    """The service on one of the databases."""
    made = Api(settings)
    yield made
    made.service.database.close()
