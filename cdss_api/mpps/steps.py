"""What a modality says of a step, and which state follows which: pure (PS3.4 F.7.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from cdss_api.reading.performing import Performed

NO_LONGER_UPDATED = 0xA710  # Error ID (PS3.4 F.7.2.2.2)


class Failure(IntEnum):
    """A status of PS3.7 Annex C."""

    INVALID_VALUE = 0x0106
    PROCESSING_FAILURE = 0x0110
    DUPLICATE_INSTANCE = 0x0111
    NO_SUCH_INSTANCE = 0x0112
    MISSING_ATTRIBUTE = 0x0120
    MISSING_VALUE = 0x0121
    NOT_AUTHORISED = 0x0124


class Refused(Exception):
    """A request that is answered with a failure; the text is its Error Comment, of at most 64 characters."""

    def __init__(self, status: Failure, comment: str, error_id: int | None = None) -> None:
        super().__init__(comment)
        self.status = status
        self.error_id = error_id


class StepStatus(StrEnum):
    """PerformedProcedureStepStatus (0040,0252)."""

    IN_PROGRESS = "IN PROGRESS"
    COMPLETED = "COMPLETED"
    DISCONTINUED = "DISCONTINUED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheduled:
    """An item of ScheduledStepAttributesSequence (0040,0270): what was planned; empty where it was not."""

    study: str
    accession_number: str
    procedure_id: str
    step_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """An N-CREATE; `began` is in seconds since the epoch, `issuer` is None where none is named."""

    step_id: str
    station: str
    modality: str
    began: float
    patient_id: str
    issuer: str | None
    patient_name: str
    scheduled: tuple[Scheduled, ...]
    series: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """An N-SET; what it does not say is None and stays as it was."""

    status: StepStatus | None
    ended: float | None
    reason: str | None
    series: int | None


def require_open(status: StepStatus) -> None:
    """Refuse to change a step that has ended (PS3.4 F.7.2.2.2)."""
    if status is not StepStatus.IN_PROGRESS:
        comment = "Performed Procedure Step Object may no longer be updated"
        raise Refused(Failure.PROCESSING_FAILURE, comment, NO_LONGER_UPDATED)


def performed_of(steps: Iterable[tuple[StepStatus, str]]) -> tuple[Performed, str]:
    """Return what all steps of an order, the last to be told at the end, say of it together, and why it was not done.

    It goes on while one of them does, and one that was completed is enough.
    """
    told = list(steps)
    statuses = {status for status, _ in told}
    if StepStatus.IN_PROGRESS in statuses:
        return Performed.STARTED, ""
    if StepStatus.COMPLETED in statuses:
        return Performed.DONE, ""
    return Performed.NOT_DONE, told[-1][1]
