"""The attribute lists of N-CREATE and N-SET as what is kept of them: pure (PS3.4 Table F.7.2-1).

Of type 1 everything has to be there. An attribute of type 2 that is missing counts as empty, and what an N-SET may not
change is passed over: modalities send more, and less, than the table says, and their step is still the patient's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import DA, TM

from cdss_api.mpps.steps import Begun, Failure, Refused, Scheduled, StepStatus, Told
from cdss_api.worklist.mapping import UID
from cdss_api.worklist.texts import LONG, SHORT, TooLong, identifier, plain

MOST_SCHEDULED = 64  # steps of the worklist that one performed step may answer
MOST_SERIES = 10_000
LONGEST_REASON = 200
_LONGEST_NAME = 255
_START, _END = "PerformedProcedureStepStart", "PerformedProcedureStepEnd"
_REASONS = "PerformedProcedureStepDiscontinuationReasonCodeSequence"


def read_creation(data: Dataset, zone: tzinfo | None = None) -> Begun:
    """Return what an N-CREATE says; `zone` is the hospital's, None the machine's.

    Raises:
        Refused: an attribute is missing, empty or odd.
    """
    if _status(data) is not StepStatus.IN_PROGRESS:
        raise Refused(Failure.INVALID_VALUE, "PerformedProcedureStepStatus has to be IN PROGRESS")
    _require(data, "ScheduledStepAttributesSequence")
    items = _items(data, "ScheduledStepAttributesSequence", MOST_SCHEDULED)
    return Begun(
        step_id=_required(data, "PerformedProcedureStepID", SHORT),
        station=_required(data, "PerformedStationAETitle", SHORT),
        modality=_required(data, "Modality", SHORT),
        began=_moment(data, _START, zone),
        patient_id=_identifier(data, "PatientID", LONG),
        issuer=_identifier(data, "IssuerOfPatientID", LONG) or None,
        patient_name=plain(_text(data, "PatientName"), _LONGEST_NAME),
        scheduled=tuple(_scheduled(item) for item in items),
        series=len(_items(data, "PerformedSeriesSequence", MOST_SERIES)),
    )


def read_change(data: Dataset, zone: tzinfo | None = None) -> Told:
    """Return what an N-SET says; `zone` as for `read_creation`.

    Raises:
        Refused: an attribute is odd, or an end has no time.
    """
    status = _status(data) if "PerformedProcedureStepStatus" in data else None
    has_ended = status in (StepStatus.COMPLETED, StepStatus.DISCONTINUED)
    ended = _moment(data, _END, zone) if has_ended or _text(data, f"{_END}Date") else None
    told = "PerformedSeriesSequence" in data
    return Told(
        status=status,
        ended=ended,
        reason=_reason(data) if status is StepStatus.DISCONTINUED else None,
        series=len(_items(data, "PerformedSeriesSequence", MOST_SERIES)) if told else None,
    )


def _status(data: Dataset) -> StepStatus:
    try:
        return StepStatus(_required(data, "PerformedProcedureStepStatus", SHORT))
    except ValueError:
        raise _odd("PerformedProcedureStepStatus") from None


def _scheduled(item: Dataset) -> Scheduled:
    study = _required(item, "StudyInstanceUID", LONG)
    if not UID.fullmatch(study):
        raise _odd("StudyInstanceUID")
    return Scheduled(
        study=study,
        accession_number=_identifier(item, "AccessionNumber", SHORT),
        procedure_id=_identifier(item, "RequestedProcedureID", SHORT),
        step_id=_identifier(item, "ScheduledProcedureStepID", SHORT),
    )


def _reason(data: Dataset) -> str:
    codes = _items(data, _REASONS, MOST_SCHEDULED)
    meanings = [_text(one, "CodeMeaning") or _text(one, "CodeValue") for one in codes]
    said = ", ".join(one for one in meanings if one) or _text(data, "CommentsOnThePerformedProcedureStep")
    return plain(said, LONGEST_REASON)


def _moment(data: Dataset, which: str, zone: tzinfo | None) -> float:
    """Return date and time, which say no zone but the clock of the hospital, in seconds since the epoch."""
    texts = [_required(data, f"{which}{part}", LONG) for part in ("Date", "Time")]
    try:
        day, clock = DA(texts[0]), TM(texts[1])
        if day is None or clock is None:
            raise ValueError(which)
        return datetime.combine(day, clock, zone).timestamp()
    except (ValueError, OverflowError):
        raise _odd(f"{which}Date or Time") from None


def _require(data: Dataset, keyword: str) -> None:
    if keyword not in data:
        raise Refused(Failure.MISSING_ATTRIBUTE, f"{keyword} is missing"[:LONG])
    if data[keyword].is_empty:
        raise Refused(Failure.MISSING_VALUE, f"{keyword} is empty"[:LONG])


def _required(data: Dataset, keyword: str, longest: int) -> str:
    _require(data, keyword)
    return _identifier(data, keyword, longest)


def _identifier(data: Dataset, keyword: str, longest: int) -> str:
    try:
        return identifier(_text(data, keyword), longest)
    except TooLong:
        raise _odd(keyword) from None


def _text(data: Dataset, keyword: str) -> str:
    value = data[keyword].value if keyword in data else None
    texts = value if isinstance(value, MultiValue) else [] if value is None else [value]
    return "\\".join(str(one) for one in texts).strip()


def _items(data: Dataset, keyword: str, most: int) -> Sequence[Dataset]:
    items = list(data[keyword].value or ()) if keyword in data else []
    if len(items) > most:
        raise Refused(Failure.INVALID_VALUE, f"{keyword}: at most {most} items"[:LONG])
    return items


def _odd(keyword: str) -> Refused:
    return Refused(Failure.INVALID_VALUE, f"{keyword} is odd"[:LONG])
