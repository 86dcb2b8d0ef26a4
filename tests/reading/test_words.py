"""The words of records that were there before the table of words: the migration writes them."""

from __future__ import annotations

from sqlalchemy import select, text

from cdss_api.database import migrate
from cdss_api.reading.models import Words
from tests.fhir.asking import Fhir
from tests.reading.asking import studies
from tests.reading.examinations import examined, uid


def test_the_migration_writes_the_words_of_what_is_there(fhir: Fhir) -> None:
    for number in (1, 2):
        examined(fhir, number)
    fhir.ask("DELETE", f"/ServiceRequest/{examined(fhir, 3)['order']}")
    database = fhir.api.service.database

    def kept() -> list[tuple[int, str, str]]:
        with database.reading() as session:
            rows = session.execute(select(Words.number, Words.kind, Words.folded).order_by(Words.number))
            return [(number, kind, folded) for number, kind, folded in rows]

    before = kept()
    with database.engine.begin() as connection:
        connection.execute(text("DROP TABLE reading_words"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0010'"))
    migrate(database, "0012")
    assert kept() == before
    assert len(before) == 8
    assert studies(fhir, "?text=p-2") == [uid(2)]
