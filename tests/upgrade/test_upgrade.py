"""A database that an earlier version filled is brought to this one, on both databases, and goes on being used.

`0020.json.gz` was written on SQLite by the version of 2026-11-22 whose newest migration was 0020: twelve examinations,
reports in each of their states, two results of models, a modality, messages, a deleted study.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from cdss_api.database import Base, Database, migrate, open_database, require_current
from neuronova.audit.access import AccessRecorder
from neuronova.audit.journal import AuditJournal
from neuronova.contract.settings import Settings, read_settings
from tests import postgres
from tests.accounts.api import Api, Clock, json_of
from tests.databases import KINDS, named
from tests.fhir.conftest import journal
from tests.reading.examinations import uid
from tests.upgrade import kept

__all__ = ["journal"]

VERSIONS = sorted(Path(__file__).parent.glob("*.json.gz"))
LATER = 1_800_001_000.0  # than all of it
_numbers = count(1)


@pytest.fixture(params=KINDS)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """The settings of a database without tables."""
    (tmp_path / "api").mkdir()
    (tmp_path / "keys").mkdir()
    ours = {"NEURONOVA_DATA": str(tmp_path)}
    if request.param == "sqlite":
        yield read_settings(ours)
        return
    address, name = request.getfixturevalue("postgres_address"), f"upgrade_{next(_numbers)}"
    postgres.execute(address, f"CREATE DATABASE {name}")
    yield read_settings(ours | {"NEURONOVA_DATABASE_URL": named(address, name)})
    postgres.execute(address, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(params=VERSIONS, ids=lambda file: file.name.partition(".")[0])
def filled(request: pytest.FixtureRequest, settings: Settings) -> Iterator[tuple[Database, kept.Rows]]:
    """The database as the earlier version left it, and what it wrote."""
    rows = kept.read(request.param)
    database = open_database(settings)
    migrate(database, rows["alembic_version"]["rows"][0][0])
    with database.engine.begin() as connection:
        kept.write(connection, rows)
    yield database, rows
    database.close()


def test_nothing_is_lost_and_the_tables_are_those_of_this_version(filled: tuple[Database, kept.Rows]) -> None:
    database, rows = filled
    migrate(database)
    require_current(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
        for name, found in rows.items():
            counted = connection.execute(text(f"SELECT count(*) FROM {name}")).scalar()
            assert counted == len(found["rows"]), name
        bodies = connection.execute(text("SELECT number, version, body FROM fhir_version ORDER BY number, version"))
        columns = rows["fhir_version"]["columns"]
        places = [columns.index(name) for name in ("number", "version", "body")]
        assert [tuple(row) for row in bodies] == sorted(
            tuple(row[place] for place in places) for row in rows["fhir_version"]["rows"]
        )


@pytest.mark.usefixtures("filled")
def test_work_goes_on_where_it_was(settings: Settings, journal: AuditJournal) -> None:
    clock = Clock(LATER)
    # It brings the tables to this version, as a start does.
    api = Api(settings, clock=clock, accesses=AccessRecorder(journal, clock))
    try:
        reader = api.bearer("radiologist")
        waiting = [row["study"] for row in json_of(api.client.get("/api/v1/reading", headers=reader))["studies"]]
        # Stat first, among them 7, of which a model found something; 1 and 5 are signed, and 12 was deleted.
        assert waiting == [uid(number) for number in (3, 7, 2, 4, 6, 8, 9, 10, 11)]
        amended = json_of(api.client.get(f"/api/v1/reports/{uid(5)}", headers=reader))["report"]
        assert amended["status"] == "amended"
        draft = json_of(api.client.get(f"/api/v1/reports/{uid(4)}", headers=reader))["report"]
        signed = api.client.put(
            f"/api/v1/reports/{uid(4)}",
            json={"status": "final", "conclusion": draft["conclusion"]},
            headers=reader | {"If-Match": f'W/"{draft["version"]}"'},
        )
        assert signed.status_code == 200, signed.text
        left = json_of(api.client.get("/api/v1/reading", headers=reader))["studies"]
        assert [row["study"] for row in left] == [one for one in waiting if one != uid(4)]
        admin = api.admin()
        assert len(json_of(api.client.get("/api/v1/jobs", headers=admin))["jobs"]) == 2
        [modality] = json_of(api.client.get("/api/v1/modalities", headers=admin))["modalities"]
        assert (modality["title"], modality["operations"]) == ("CT1", ["store", "worklist"])
    finally:
        api.service.database.close()
