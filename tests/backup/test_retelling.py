"""What a restored plugin tells: whatever the API has otherwise, under another name, and of nothing that is gone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from neuronova.contract.ai.judged import SeriesJudged
from neuronova.contract.studies import Series, StudyChanged, StudyDeleted
from orthanc_plugins.access.store import Store
from orthanc_plugins.ai.memory import Memory as SeriesMemory
from orthanc_plugins.studies.memory import Memory


def changed(orthanc: str, instances: int, writer: str = "", sequence: int = 0) -> StudyChanged:
    series = Series(uid="1.2.3", modality="CT", number="1", description="", body_part="", instances=instances)
    texts = dict.fromkeys(("patient_name", "birth_date", "sex", "accession_number", "description", "date", "time"), "")
    return StudyChanged(
        writer=writer, sequence=sequence, orthanc=orthanc, study=f"1.{orthanc}", patient_id="P", issuer="",
        series=(series,), **texts,
    )  # fmt: skip


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "studies.db")


def told(memory: Memory) -> tuple[str, int]:
    """Tell something; return the name and number that it has."""
    (event,) = memory.outgoing(1)
    return event.writer, event.sequence


def test_numbers_that_were_used_are_another_writers(memory: Memory) -> None:
    memory.look("a", 0.0, [changed("a", 1)], ())
    before = told(memory)
    memory.begin_anew([], 1.0)
    assert memory.outgoing(10) == []
    memory.look("a", 2.0, [changed("a", 1)], ())
    after = told(memory)
    assert (before[1], after[1]) == (1, 2)
    assert before[0] != after[0]


def test_what_the_api_knows_is_told_only_where_it_differs(memory: Memory) -> None:
    known = [changed("same", 2, "old", 7), changed("grown", 2, "old", 8), changed("gone", 1, "old", 9)]
    memory.look("forgotten", 0.0, [changed("forgotten", 1)], ())  # the API has lost it, or was never told
    memory.begin_anew(known, 1.0)
    assert {unit for unit, _ in memory.due(2.0, 0.0, 0.0, 10)} == {"same", "grown", "gone", "forgotten"}
    for orthanc, found in {"same": 2, "grown": 3, "gone": 0, "forgotten": 1}.items():
        memory.look(orthanc, 2.0, [changed(orthanc, found)] if found else [], ())
    events = {event.study: type(event) for event in memory.outgoing(10)}
    assert events == {"1.grown": StudyChanged, "1.gone": StudyDeleted, "1.forgotten": StudyChanged}


def test_a_series_is_judged_under_another_name_and_what_waits_is_kept(tmp_path: Path) -> None:
    memory = SeriesMemory(tmp_path / "series.db")
    judged = SeriesJudged(
        writer="", sequence=0, orthanc="o", study="1.2", series="1.3", patient_id="P", issuer="", accession_number="",
        modality="CT", instances=1, input_hash="0" * 64, uids_hash="1" * 64, asked=(),
    )  # fmt: skip
    memory.settle("a", 0.0, "files", "rules", (), judged)
    memory.begin_anew()
    memory.settle("b", 0.0, "files", "rules", (), judged)
    first, second = memory.outgoing(10)
    assert (first.sequence, second.sequence) == (1, 2)
    assert first.writer != second.writer


def test_whose_studies_were_is_forgotten_of_those_that_are_gone(tmp_path: Path) -> None:
    store = Store(tmp_path / "access.db")
    with store.transaction() as db:
        for number, name in enumerate(("kept", "gone"), 1):
            db.execute("INSERT INTO study VALUES (?, ?, ?, 'P', '', 0, '{}')", (number, name, name))
            db.execute("INSERT INTO series VALUES (?, ?, ?, 's', '{}')", (number, f"{name} series", number))
        db.execute("INSERT INTO series VALUES (3, 'lost series', 1, 't', '{}')")
    store.keep_only(["kept", "new"], ["kept series"])
    assert store.rows("SELECT orthanc FROM study") == [("kept",)]
    assert store.rows("SELECT orthanc FROM series") == [("kept series",)]
    store.close()
    with closing(sqlite3.connect(tmp_path / "access.db")) as db:
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
