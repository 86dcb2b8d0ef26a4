"""What the API tells Orthanc of the orders that modalities are to carry out: the worklist's entries (PS3.4 K).

The answer of `GET /api/v1/internal/worklist?since=VERSION`. A version is a digest of the entries, so equal versions
mean equal worklists whichever process answers, and a reader that has missed anything is told everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """A coded entry: Code Value, Coding Scheme Designator, Code Meaning (PS3.3 8.8)."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A Scheduled Procedure Step (PS3.3 C.4.10); `date` is of VR DA, `time` of VR TM, both in the hospital's time."""

    id: str
    station_titles: tuple[str, ...]
    modality: str
    date: str
    time: str
    description: str
    code: Code | None
    performing_physician: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One order with its one step; names are of VR PN, `birth_date` of DA, `weight` in kilograms of DS.

    Texts are within the length of their VR; an empty one is not known. `issuer` is empty where a PatientID has none.
    """

    order: str
    patient_id: str
    issuer: str
    patient_name: str
    birth_date: str
    sex: str
    weight: str
    allergies: tuple[str, ...]
    accession_number: str
    requesting_physician: str
    procedure_id: str
    procedure_description: str
    procedure_code: Code | None
    study_uid: str
    step: Step


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """The worklist as it is at `version`; without `full` it is as the reader knows it, and `entries` is empty."""

    version: str
    full: bool
    entries: tuple[Entry, ...]


def to_json(update: Update) -> dict[str, Any]:
    """Return the message's JSON value."""
    return {"format": FORMAT, **asdict(update)}


def from_json(value: Mapping[str, Any]) -> Update:
    """Read what `to_json` made.

    Raises:
        ValueError: it is of another format, or odd.
    """
    try:
        if value["format"] != FORMAT:
            raise ValueError(f"a worklist of format {value['format']}; this program reads format {FORMAT}")
        return Update(
            version=str(value["version"]),
            full=bool(value["full"]),
            entries=tuple(_entry(dict(entry)) for entry in value["entries"]),
        )
    except (KeyError, TypeError) as odd:
        raise ValueError(f"odd worklist: {odd!r}") from odd


def _entry(fields: dict[str, Any]) -> Entry:
    step = dict(fields.pop("step"))
    step["station_titles"] = tuple(step["station_titles"])
    step["code"] = _code(step["code"])
    fields["allergies"] = tuple(fields["allergies"])
    fields["procedure_code"] = _code(fields["procedure_code"])
    return Entry(**fields, step=Step(**step))


def _code(value: Mapping[str, Any] | None) -> Code | None:
    return None if value is None else Code(**value)
