"""Whose ImagingStudy is whose while studies go to another patient and come back, and since when they are there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy.orm import Session

from cdss_api.database import Database
from cdss_api.imaging.correcting import Move
from cdss_api.imaging.models import Study
from cdss_api.merging.studies import follow, unfollow

SOURCE, TARGET = ("S-1", "here"), ("T-1", "here")
DAY = 86_400.0
SENT = {"patient_id": "S-1", "issuer": "here", "patient_name": "A", "birth_date": "", "sex": ""}


def _move(before: tuple[str, str], after: tuple[str, str]) -> Move:
    values = {"PatientID": after[0], "IssuerOfPatientID": after[1]}
    return Move(orthanc="one", study_uid="1.2.3", series=frozenset({"s"}), before=before, values=values)


def _study(whose: tuple[str, str], id_: str, sent: dict[str, Any] | None, arrived: float) -> Study:
    row = Study(study_uid="1.2.3", patient_id=whose[0], issuer=whose[1], logical_id=id_)
    row.writer, row.sequence, row.accession, row.dated = "orthanc", 7, "A1", 3 * DAY
    row.sent, row.arrived = None if sent is None else json.dumps(sent), arrived
    return row


def _known(session: Session) -> dict[str, tuple[str, float, bool]]:
    """Return, by PatientID, the ImagingStudy's id, when the study arrived, and whether it is there."""
    return {row.patient_id: (row.logical_id, row.arrived, row.sent is not None) for row in session.query(Study)}


def test_a_study_that_comes_back_is_as_old_as_it_was(database: Database) -> None:
    with database.writing() as session:
        session.add_all([_study(SOURCE, "old", None, 9 * DAY), _study(TARGET, "mine", SENT, DAY)])
        follow(session, [_move(TARGET, SOURCE)])
        assert _known(session) == {"S-1": ("mine", DAY, True), "T-1": ("old", 9 * DAY, True)}
        back = session.get_one(Study, ("1.2.3", *SOURCE))
        assert (back.accession, back.dated, json.loads(str(back.sent))["patient_id"]) == ("A1", 3 * DAY, "S-1")


@pytest.mark.parametrize("was_there_before", [False, True])
def test_a_merge_that_moved_nothing_leaves_nothing(database: Database, was_there_before: bool) -> None:
    move = _move(SOURCE, TARGET)
    with database.writing() as session:
        session.add(_study(SOURCE, "mine", SENT, DAY))
        if was_there_before:
            session.add(_study(TARGET, "old", None, 9 * DAY))
        session.flush()
        before = _known(session)
        follow(session, [move])
        assert _known(session)["T-1"][:2] == ("mine", DAY)
        unfollow(session, [move.to_json()], [])
        session.flush()
        assert _known(session) == before


def test_what_the_archive_has_told_since_is_left(database: Database) -> None:
    move = _move(SOURCE, TARGET)
    with database.writing() as session:
        session.add(_study(SOURCE, "mine", SENT, DAY))
        session.flush()
        follow(session, [move])
        told = session.get_one(Study, ("1.2.3", *TARGET))
        told.writer, told.sent = "orthanc", json.dumps(SENT | {"patient_id": "T-1", "series": []})
        unfollow(session, [move.to_json()], [])
        assert _known(session)["T-1"] == ("mine", DAY, True)
