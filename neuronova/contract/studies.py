"""What the plugin tells the API of Orthanc's studies: `POST /api/v1/internal/events`.

An event says how a study now is, not what happened to it, so that of several the last one is enough. `writer` and
`sequence` name it: a writer's later event has the greater sequence, and one that comes late is passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypeVar

from neuronova.contract.batch import read_batch

FORMAT = 1
MOST_EVENTS = 50  # of one request
MOST_SERIES = 2000  # of one study; of more, the first ones are told


class StudyKey(NamedTuple):
    """A StudyInstanceUID and the patient under whom it exists; `issuer` is empty where there is none."""

    study: str
    patient_id: str
    issuer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One series: DICOM's values as they came, `instances` the number of those that are stored."""

    uid: str
    modality: str
    number: str
    description: str
    body_part: str
    instances: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyChanged:
    """A study as Orthanc has it now; values are DICOM's (PN, DA, TM, CS) without padding, empty where not known."""

    writer: str
    sequence: int
    orthanc: str
    study: str
    patient_id: str
    issuer: str
    patient_name: str
    birth_date: str
    sex: str
    accession_number: str
    description: str
    date: str
    time: str
    series: tuple[Series, ...]
    traceparent: str = ""  # in which trace it came

    @property
    def key(self) -> StudyKey:
        """Return which study of whom it is."""
        return StudyKey(self.study, self.patient_id, self.issuer)


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyDeleted:
    """A study that Orthanc no longer has under this patient."""

    writer: str
    sequence: int
    study: str
    patient_id: str
    issuer: str

    @property
    def key(self) -> StudyKey:
        """Return which study of whom it was."""
        return StudyKey(self.study, self.patient_id, self.issuer)


Event = StudyChanged | StudyDeleted
_CHANGED, _DELETED = "study-changed", "study-deleted"


def event_to_json(event: Event) -> dict[str, Any]:
    """Return an event's JSON value."""
    return {"kind": _CHANGED if isinstance(event, StudyChanged) else _DELETED, **asdict(event)}


def event_from_json(value: Any) -> Event:
    """Read what `event_to_json` made.

    Raises:
        ValueError: it is odd.
    """
    try:
        fields = dict(value)
        kind = fields.pop("kind")
        if kind == _DELETED:
            return _checked(StudyDeleted(**fields))
        if kind != _CHANGED:
            raise ValueError(f"an event of kind {kind!r}")
        series = fields.pop("series")
        if not isinstance(series, list | tuple) or len(series) > MOST_SERIES:
            raise ValueError(f"a study has at most {MOST_SERIES} series")
        return _checked(StudyChanged(**fields, series=tuple(_checked(Series(**one)) for one in series)))
    except (KeyError, TypeError) as odd:
        raise ValueError(f"odd event: {odd!r}") from odd


def to_json(events: Sequence[Event]) -> dict[str, Any]:
    """Return the JSON value of a request."""
    return {"format": FORMAT, "events": [event_to_json(event) for event in events]}


def from_json(value: Any) -> tuple[Event, ...]:
    """Read what `to_json` made.

    Raises:
        ValueError: it is of another format, odd, or has too many events.
    """
    return read_batch(value, "events", format=FORMAT, most=MOST_EVENTS, read=event_from_json)


Value = TypeVar("Value", Series, StudyChanged, StudyDeleted)
_NUMBERS = ("sequence", "instances")
LONGEST_KEY = 255  # characters of an identifier; DICOM allows them 64 at most (PS3.5 6.2: LO, SH, UI)
LONGEST_TEXT = 1024  # characters of any other text
_KEYS = frozenset({"writer", "orthanc", "study", "patient_id", "issuer", "accession_number", "uid"})


def _checked(value: Value) -> Value:
    for name in value.__slots__:
        found = getattr(value, name)
        if name == "series":
            continue
        if name in _NUMBERS:
            if type(found) is not int or not 0 <= found < 2**53:
                raise ValueError(f"{name} is no number")
            continue
        longest = LONGEST_KEY if name in _KEYS else LONGEST_TEXT
        if not isinstance(found, str) or len(found) > longest or "\0" in found:
            raise ValueError(f"{name} is no text of at most {longest} characters")
    return value
