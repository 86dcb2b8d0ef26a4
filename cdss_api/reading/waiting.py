"""The studies that wait for a signed report, found by the store's index: one query, the most pressing first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import ColumnElement, and_, case, exists, false, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from cdss_api.fhir.compartment import Compartments, seen_later
from cdss_api.fhir.models import ReferenceValue, Resource, TokenValue, Version
from cdss_api.prefetch.models import came_as_prior
from cdss_api.reading.models import Open, Words
from cdss_api.reading.progress import Progress
from cdss_api.reading.study import DICOM_UID, OID, PRIORITIES
from cdss_api.results.raising import RAISED_TO, raised
from neuronova.contract.roles import Role
from neuronova.contract.text import folded

REPORT_OF = "urn:neuronova:report-of"  # the identifier system of a report: the study that it is of, as urn:oid:UID
_Fits = Callable[[object], ColumnElement[bool]]  # of a report's number
_SIGNED = ("final", "amended", "corrected", "appended")
_NO_STUDY = ("cancelled", "entered-in-error")
# An alias takes longer to make than its query takes to run, and what says nothing of who asks is made once (`cache`).
_FIRST = aliased(Version)
_OWN_WORDS, _WORDS, _SAYING, _LINK = aliased(Words), aliased(Words), aliased(Resource), aliased(ReferenceValue)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a list is asked for; `since` is in microseconds, `reader` the ids of who asks as a Practitioner.

    With `tells_findings` each row says what models found that raises it.
    """

    modality: str | None = None
    priority: str | None = None
    progress: Progress | None = None
    text: str | None = None
    since: int | None = None
    mine: bool = False
    reader: frozenset[str] = frozenset()
    tells_findings: bool = False
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A study's number in the store, and when it came (microseconds)."""

    number: int
    came: int


def unreported(session: Session, now: float) -> int:
    """Return how many studies there are, of all patients, that nobody has signed a report of."""
    everything = Compartments(account="service:figures", role=Role.SERVICE, now=now, recent=86400.0)
    return waiting(session, everything, Wanted(limit=1))[1]


def waiting(session: Session, seen: Compartments, wanted: Wanted) -> tuple[list[Found], int]:
    """Return a page of the studies that nobody has signed a report of, and how many fit in all.

    Stat first, and of each priority the one that waits longest.
    """
    rank = _rank()
    fitting = (
        select(Resource.number, _FIRST.updated.label("came"), rank.label("rank"))
        .join(Open, Open.number == Resource.number)
        .join(_FIRST, and_(_FIRST.number == Resource.number, _FIRST.version == 1))
        .where(unsigned(), _is_no_prior(), seen_later(seen.reach), *_conditions(seen, wanted))
    )
    if wanted.priority is not None:
        fitting = fitting.where(rank == PRIORITIES.index(wanted.priority))
    if wanted.since is not None:
        fitting = fitting.where(_FIRST.updated >= wanted.since)
    found = fitting.cte("fitting")  # read for the page and counted, worked out once
    total = select(func.count()).select_from(found).scalar_subquery()
    page = select(found.c.number, found.c.came, total).order_by(found.c.rank, found.c.came, found.c.number)
    rows = session.execute(page.limit(wanted.limit).offset(wanted.offset), seen.placed).all()
    if not rows and wanted.offset:
        return [], session.scalar(select(func.count()).select_from(found), seen.placed) or 0
    return [Found(number=number, came=came) for number, came, _ in rows], rows[0][2] if rows else 0


@cache
def unsigned() -> ColumnElement[bool]:
    """Return that a study waits: there is one, and nobody has signed a report of it."""
    return and_(
        *(Resource.kind == "ImagingStudy", not_(Resource.deleted)),
        *(~_reported(*_SIGNED), ~_has(Resource.number, "status", *_NO_STUDY)),
    )


@cache
def _is_no_prior() -> ColumnElement[bool]:
    """Return that a study was not fetched from another archive, where it was read, or that an open order is for it.

    As a value and not as a set, it is asked of each study that waits: as a set PostgreSQL looks at all that ever were.
    """
    own = aliased(TokenValue)
    named = (own.number == Resource.number, own.code == "identifier", own.system == DICOM_UID)
    link, order = aliased(ReferenceValue), aliased(Resource)
    ordered = exists().where(
        *(link.number == own.number, link.code == "basedon", link.target_kind == "ServiceRequest"),
        *(order.kind == "ServiceRequest", order.logical_id == link.target_id),
        _has(order.number, "status", "active"),
    )
    came = select(own.number).where(*named, came_as_prior(func.substr(own.value, len(OID) + 1)), ~ordered)
    return came.limit(1).correlate(Resource).scalar_subquery().is_(None)


def _conditions(seen: Compartments, wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions = [_says(seen, word) for word in folded(wanted.text or "").split()]
    if wanted.modality is not None:
        conditions.append(_has(Resource.number, "modality", wanted.modality))
    if wanted.mine:
        conditions.append(_is_of(sorted(wanted.reader)))
    if wanted.progress is Progress.REPORTED:
        conditions.append(_reported("preliminary"))
    elif wanted.progress is Progress.IN_PROGRESS:
        conditions.append(~_reported("preliminary"))
    elif wanted.progress is not None:  # what has images and no signed report is one of these two
        conditions.append(false())
    return conditions


def _says(seen: Compartments, word: str) -> ColumnElement[bool]:
    """Return that a study, its patient or an order of it has a word, or a part of one, that may be seen.

    It is looked up for each study that waits: the words of all that ever were are many more.
    """
    own, words, other, link = _OWN_WORDS, _WORDS, _SAYING, _LINK
    named = (
        select(words.number)
        .join(other, other.number == words.number)
        .join(link, and_(other.kind == link.target_kind, other.logical_id == link.target_id))
        .where(link.number == Resource.number, link.kind == "ImagingStudy")
        .where(
            or_(
                and_(link.code == "subject", link.target_kind == "Patient"),
                and_(link.code == "basedon", link.target_kind == "ServiceRequest"),
            )
        )
        .where(words.folded.contains(word, autoescape=True), seen_later(seen.reach, other))
        .correlate(Resource)
    )
    said = select(own.number).where(own.number == Resource.number, own.folded.contains(word, autoescape=True))
    return or_(said.correlate(Resource).exists(), named.exists())


@cache
def _rank() -> ColumnElement[int]:
    """Return the place of the most pressing priority among a study's orders; of none, that of routine.

    A model's critical finding makes a study urgent, where its orders do not make it more than that.
    """
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
    ordered = func.coalesce(highest, len(PRIORITIES) - 1)
    at_least = PRIORITIES.index(RAISED_TO)
    # The orders are looked at a second time where a study is raised, and that is seldom.
    return case((raised(Resource.logical_id), case((ordered < at_least, ordered), else_=at_least)), else_=ordered)


@cache
def _reported(*statuses: str) -> ColumnElement[bool]:
    """Return that a report of one of these statuses is of the study."""

    def fits(number: object) -> ColumnElement[bool]:
        return _has(number, "status", *statuses)

    return or_(_named_by(fits), _ordered_by(fits))


def _is_of(reader: Sequence[str]) -> ColumnElement[bool]:
    """Return that a study is somebody's: they have begun its report, or its order asks for them."""

    def interprets(number: object) -> ColumnElement[bool]:
        return _refers(number, "results-interpreter", reader)

    link, order = aliased(ReferenceValue), aliased(Resource)
    asked = exists().where(
        *(link.number == Resource.number, link.code == "basedon", link.target_kind == "ServiceRequest"),
        *(order.kind == "ServiceRequest", order.logical_id == link.target_id, not_(order.deleted)),
        _refers(order.number, "performer", reader),
    )
    return or_(_named_by(interprets), _ordered_by(interprets), asked)


def _named_by(fits: _Fits) -> ColumnElement[bool]:
    """Return that a report which fits names the study."""
    own, named = aliased(TokenValue), aliased(TokenValue)
    return exists().where(
        *(own.number == Resource.number, own.code == "identifier", own.system == DICOM_UID),
        *(named.kind == "DiagnosticReport", named.code == "identifier"),
        *(named.system == REPORT_OF, named.value == own.value),
        fits(named.number),
    )


def _ordered_by(fits: _Fits) -> ColumnElement[bool]:
    """Return that a report which fits and names no study is based on one of its orders: it is of all of those."""
    own, link, named = aliased(ReferenceValue), aliased(ReferenceValue), aliased(TokenValue)
    names_one = exists().where(named.number == link.number, named.code == "identifier", named.system == REPORT_OF)
    return exists().where(
        *(own.number == Resource.number, own.code == "basedon", own.target_kind == "ServiceRequest"),
        *(link.kind == "DiagnosticReport", link.code == "based-on"),
        *(link.target_id == own.target_id, link.target_kind == "ServiceRequest"),
        fits(link.number),
        ~names_one,
    )


def _has(number: object, code: str, *values: str) -> ColumnElement[bool]:
    token = aliased(TokenValue)
    return exists().where(token.number == number, token.code == code, token.value.in_(values))


def _refers(number: object, code: str, practitioners: Sequence[str]) -> ColumnElement[bool]:
    link = aliased(ReferenceValue)
    whom = (link.target_kind == "Practitioner", link.target_id.in_(practitioners))
    return exists().where(link.number == number, link.code == code, *whom)
