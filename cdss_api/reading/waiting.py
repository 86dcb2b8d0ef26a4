"""The studies that wait for a signed report, found by the store's index: one query, the most pressing first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.models import ReferenceValue, Resource, TokenValue, Version
from cdss_api.reading.study import DICOM_UID, PRIORITIES

REPORT_OF = "urn:neuronova:report-of"  # the identifier system of a report: the study that it is of, as urn:oid:UID
MOST = 2000  # studies that are read for one list
_SIGNED = ("final", "amended", "corrected", "appended")
_NO_STUDY = ("cancelled", "entered-in-error")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A study's number in the store, and when it came (microseconds)."""

    number: int
    came: int


def waiting(
    session: Session,
    seen: Compartments,
    *,
    modality: str | None = None,
    priority: str | None = None,
    since: int | None = None,
) -> list[Found]:
    """Return the studies that nobody has signed a report of: stat first, and of those the one that waits longest.

    At most `MOST` and one more, which says that there are others. `since` is in microseconds.
    """
    rank = _rank()
    first = aliased(Version)
    rows: Select[int, int] = (
        select(Resource.number, first.updated)
        .join(first, and_(first.number == Resource.number, first.version == 1))
        .where(Resource.kind == "ImagingStudy", not_(Resource.deleted), seen.visible(Resource))
        .where(~_signed_by_identifier(), ~_signed_by_order(), ~_has(Resource.number, "status", *_NO_STUDY))
        .order_by(rank, first.updated, Resource.number)
        .limit(MOST + 1)
    )
    if modality is not None:
        rows = rows.where(_has(Resource.number, "modality", modality))
    if priority is not None:
        rows = rows.where(rank == PRIORITIES.index(priority))
    if since is not None:
        rows = rows.where(first.updated >= since)
    return [Found(number=number, came=came) for number, came in session.execute(rows)]


def _rank() -> ColumnElement[int]:
    """Return the place of the most pressing priority among a study's orders; of none, that of routine."""
    link, order, token = aliased(ReferenceValue), aliased(Resource), aliased(TokenValue)
    place = case({one: at for at, one in enumerate(PRIORITIES)}, value=token.value, else_=len(PRIORITIES) - 1)
    highest = (
        select(func.min(place))
        .select_from(link)
        .join(order, and_(order.kind == "ServiceRequest", order.logical_id == link.target_id))
        .join(token, and_(token.number == order.number, token.code == "priority"))
        .where(link.number == Resource.number, link.code == "basedon", link.target_kind == "ServiceRequest")
        .scalar_subquery()
    )
    return func.coalesce(highest, len(PRIORITIES) - 1)


def _signed_by_identifier() -> ColumnElement[bool]:
    """Return that a signed report names the study."""
    own, named = aliased(TokenValue), aliased(TokenValue)
    return exists().where(
        *(own.number == Resource.number, own.code == "identifier", own.system == DICOM_UID),
        *(named.kind == "DiagnosticReport", named.code == "identifier"),
        *(named.system == REPORT_OF, named.value == own.value),
        _has(named.number, "status", *_SIGNED),
    )


def _signed_by_order() -> ColumnElement[bool]:
    """Return that a signed report which names no study is based on one of its orders: it is of all that came of it."""
    own, link, named = aliased(ReferenceValue), aliased(ReferenceValue), aliased(TokenValue)
    names_one = exists().where(named.number == link.number, named.code == "identifier", named.system == REPORT_OF)
    return exists().where(
        *(own.number == Resource.number, own.code == "basedon", own.target_kind == "ServiceRequest"),
        *(link.kind == "DiagnosticReport", link.code == "based-on"),
        *(link.target_id == own.target_id, link.target_kind == "ServiceRequest"),
        _has(link.number, "status", *_SIGNED),
        ~names_one,
    )


def _has(number: object, code: str, *values: str) -> ColumnElement[bool]:
    token = aliased(TokenValue)
    wanted = or_(*(token.value == one for one in values))
    return exists().where(token.number == number, token.code == code, wanted)
