"""A small archive of copied days: it is what the service makes, and no call looks at all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import func, select

from cdss_api.fhir.models import Resource
from cdss_api.imaging.models import Study
from cdss_api.reading.models import Open
from proof.scale.archive import archive
from proof.scale.calls import USERS, Archive, looked, ways
from proof.scale.measuring import measured, rows_of, statements
from proof.scale.sizes import sizes
from proof.scale.tables import table_of_calls, table_of_sizes
from tests import postgres
from tests.databases import KINDS, named

A_DAY, DAYS, TODAY = 3, 100, 3
MOST = 130  # rows of one step of a plan; of 300 studies there are 1,300 resources
LOOKS_AT_MORE = {
    "console: newest studies",  # as many as are counted
    "console: overview",  # two weeks
    "FHIR: the same, by a doctor's grants",  # the records of all whom the doctor sees
    "reading list of a doctor, by grants",
}
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module", params=KINDS)
def years(request: pytest.FixtureRequest) -> Iterator[Archive]:
    with TemporaryDirectory(prefix="nn") as folder:
        make = partial(archive, Path(folder) / "data", studies=A_DAY, days=DAYS, today=TODAY)
        if request.param == "sqlite":
            with make(None) as made:
                yield made
            return
        cluster = request.getfixturevalue("postgres_address")
        postgres.execute(cluster, "CREATE DATABASE scale TEMPLATE template_neuronova STRATEGY FILE_COPY")
        for way in ("seqscan", "hashjoin", "mergejoin"):  # small tables would be read whole, whatever indexes there are
            postgres.execute(cluster, f"ALTER DATABASE scale SET enable_{way} = off")
        with make(named(cluster, "scale")) as made:
            yield made
        postgres.execute(cluster, "DROP DATABASE scale WITH (FORCE)")


def calls(years: Archive) -> dict[str, Callable[[], object]]:
    steps = ways(years)
    order = next(iter(steps.values()))
    for _ in range(3):  # each step has something to take
        order()
    users = {what: partial(call, years) for what, call in USERS.items()}
    return users | dict(steps) | {"retention's look": partial(looked, years)}


def test_copies_are_what_the_service_makes(years: Archive) -> None:
    with years.fhir.api.service.database.reading() as session:
        counted = session.execute(select(Resource.kind, func.count()).group_by(Resource.kind))
        kinds = {kind: number for kind, number in counted}  # noqa: C416 - rows, not pairs
        waiting = session.execute(select(func.count()).select_from(Open)).scalar_one()
        studies = session.execute(select(func.count()).select_from(Study)).scalar_one()
    assert studies == kinds["ImagingStudy"] >= A_DAY * DAYS + TODAY
    assert kinds["DiagnosticReport"] >= A_DAY * DAYS
    assert kinds["Patient"] >= A_DAY * DAYS / 3
    assert 0 < waiting <= TODAY + 3
    one, admin = years.anyone(), years.fhir
    [study] = admin.entries(f"/ImagingStudy?identifier=urn:dicom:uid|urn:oid:{one.study}")
    assert study["resource"]["subject"]["reference"] == f"Patient/{one.patient_key}"
    assert study["resource"]["basedOn"][0]["reference"] == f"ServiceRequest/{one.order}"
    assert len(admin.found(f"/ImagingStudy?patient=Patient/{one.patient_key}")) == 3


def test_no_call_looks_at_all_that_ever_was(years: Archive) -> None:
    engine = years.fhir.api.service.database.engine
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite does not tell how many rows a step of its plan has")
    looks = {}
    for what, call in calls(years).items():
        with statements(engine) as found:
            call()
        looks[what] = max((rows_of(engine, *one) for one in found), default=0)
    assert {what: rows for what, rows in looks.items() if rows > MOST and what not in LOOKS_AT_MORE} == {}


def test_a_table_says_how_long_each_call_takes(years: Archive) -> None:
    engine = years.fhir.api.service.database.engine
    found = {what: measured(engine, partial(USERS[what], years), 2) for what in list(USERS)[:2]}
    assert all(0 < one.median <= one.p95 for one in found.values())
    assert all((one.pages or 0) > 0 for one in found.values()) is (engine.dialect.name == "postgresql")
    assert table_of_calls({300: found}).count("\n") == 3
    of_tables = sizes(engine)
    assert sum(of_tables["fhir_token"]) > 100 * A_DAY * DAYS
    assert "fhir_token" in table_of_sizes({300: of_tables})
