"""The studies of a Patient that become another's: what is corrected in the archive, and their ImagingStudies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from cdss_api.fhir.compartment import identities_of
from cdss_api.fhir.document import Document
from cdss_api.fhir.store import new_id
from cdss_api.imaging.correcting import Move
from cdss_api.imaging.models import Study
from cdss_api.worklist.mapping import SEXES, birth_date, patient_identity
from cdss_api.worklist.names import person_name

_OF_CHANGED = {"PatientID": "patient_id", "IssuerOfPatientID": "issuer", "PatientName": "patient_name"}
_OF_CHANGED |= {"PatientBirthDate": "birth_date", "PatientSex": "sex"}


def identity(patient: Document) -> dict[str, str] | None:
    """Return whose studies are, by DICOM keyword; None for a Patient without an identifier.

    Raises:
        TooLong: an identifier does not fit into DICOM (PS3.5 6.2).
    """
    found = patient_identity(patient)
    if found is None:
        return None
    return {
        "PatientID": found[0],
        "IssuerOfPatientID": found[1],
        "PatientName": person_name(patient.get("name", ())),
        "PatientBirthDate": birth_date(patient),
        "PatientSex": SEXES.get(patient.get("gender", ""), ""),
    }


def studies_of(session: Session, patient: Document) -> list[Study]:
    """Return the studies that the archive has under a Patient's identifiers."""
    whose = [and_(Study.patient_id == one.patient_id, Study.issuer == one.issuer) for one in identities_of(patient)]
    if not whose:
        return []
    rows = select(Study).where(or_(*whose), Study.sent.is_not(None))
    return list(session.scalars(rows.order_by(Study.study_uid, Study.patient_id, Study.issuer)))


def objects(studies: Iterable[Study]) -> int:
    """Return of how many objects they are."""
    return sum(series["instances"] for one in studies for series in json.loads(one.sent or "{}").get("series", ()))


def moves_to(studies: Iterable[Study], values: Mapping[str, str]) -> list[Move]:
    """Return what is done to the studies so that they are of the patient of `values`."""
    moves = []
    for one in studies:
        sent = json.loads(one.sent or "{}")
        if (one.patient_id, one.issuer) != (values["PatientID"], values["IssuerOfPatientID"]):
            series = frozenset(series["uid"] for series in sent["series"])
            before = (one.patient_id, one.issuer)
            moves.append(
                Move(
                    orthanc=sent["orthanc"], study_uid=one.study_uid, series=series, before=before, values=dict(values)
                )
            )
    return moves


def moves_back(session: Session, moves: Iterable[Mapping[str, Any]], correction: str) -> list[Move]:
    """Return what puts the originals back that a correction has kept."""
    back = []
    for place, kept in enumerate(moves):
        move = Move.from_json(kept)
        row = session.get(Study, (move.study_uid, *move.after))
        sent = {} if row is None or row.sent is None else json.loads(row.sent)
        values = {"PatientID": move.before[0], "IssuerOfPatientID": move.before[1]}
        back.append(
            Move(
                orthanc=sent.get("orthanc", move.orthanc),
                study_uid=move.study_uid,
                series=move.series,
                before=move.after,
                values=values,
                restoring=f"{correction}/{place}",
            )
        )
    return back


def follow(session: Session, moves: Iterable[Move]) -> None:
    """Let each study's ImagingStudy stay the same resource under its new patient.

    The archive will tell of a study of the new patient, and that the old one's is gone: what is told of the first is
    then written into the ImagingStudy that there is, and the second ends one that was never written.
    """
    for move in moves:
        row = session.get(Study, (move.study_uid, *move.before))
        if row is None or row.sent is None:
            continue
        other = session.get(Study, (move.study_uid, *move.after))
        if other is None:
            patient_id, issuer = move.after
            other = Study(study_uid=move.study_uid, patient_id=patient_id, issuer=issuer, logical_id=new_id())
            other.writer, other.sequence, other.arrived = "", 0, row.arrived
            session.add(other)
        elif other.sent is not None:
            continue  # it is in the archive under both: these are two ImagingStudies
        # It does not arrive anew: its days of retention go on.
        other.sent, other.accession, other.dated = _told(row.sent, move), row.accession, row.dated
        row.logical_id, other.logical_id = other.logical_id, row.logical_id
        row.arrived, other.arrived = other.arrived, row.arrived
        session.flush()


def _told(sent: str, move: Move) -> str:
    """Return what the archive is going to tell of a study when it has moved."""
    changed = {name: move.values[keyword] for keyword, name in _OF_CHANGED.items() if keyword in move.values}
    return json.dumps(json.loads(sent) | changed, ensure_ascii=False)


def unfollow(session: Session, kept: Iterable[Mapping[str, Any]], moves: Iterable[Move]) -> None:
    """Let each ImagingStudy go back with its study; where no object was moved, the old row has it again at once."""
    back = list(moves)
    if back:
        follow(session, back)
        return
    for move in (Move.from_json(one) for one in kept):
        row = session.get(Study, (move.study_uid, *move.before))
        other = session.get(Study, (move.study_uid, *move.after))
        if row is None or row.sent is None or other is None or other.sent != _told(row.sent, move):
            continue  # the archive has told of it since
        row.logical_id, other.logical_id = other.logical_id, row.logical_id
        row.arrived, other.arrived = other.arrived, row.arrived
        if other.writer == "":
            session.delete(other)
        else:
            other.sent = None
        session.flush()
