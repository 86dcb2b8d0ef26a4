"""Which studies may wait for a report, kept in the transaction that changes a study or a report of it.

Each study that waits is there, and now and then one that does not: of two transactions that do not see one another
both leave it. So whoever reads it looks at each again, and at few, however many studies have been reported.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cdss_api.accounts.work import Work
from cdss_api.database import insert_into
from cdss_api.fhir.document import Document
from cdss_api.fhir.models import ReferenceValue, Resource, TokenValue
from cdss_api.fhir.store import Store, Stored
from cdss_api.prefetch.models import is_prior
from cdss_api.reading.models import Open
from cdss_api.reading.progress import is_signed
from cdss_api.reading.reports import study_named
from cdss_api.reading.signing import version_before
from cdss_api.reading.study import DICOM_UID, OID, orders_of, study_uid_of
from cdss_api.reading.waiting import unsigned


def follow(_work: Work, store: Store, written: Sequence[Stored]) -> None:
    """Add the studies that may wait from now on, and take away those that do not."""
    for one in written:
        if one.kind == "ImagingStudy":
            number = _number(store.session, one)
            # Of a new one a report may come at the same time, which does not see it.
            opens = one.version == 1 or _waits(store.session, number)
            _settle(store.session, [number], opens=opens and not _is_only_prior(store.session, one))
        elif one.kind == "DiagnosticReport":
            after = None if one.body is None else one.document()
            _settle(store.session, _studies(store.session, version_before(store, one), after), opens=True)
            if after is not None and is_signed(after):
                _settle(store.session, _studies(store.session, after), opens=False)


def _settle(session: Session, studies: Sequence[int], *, opens: bool) -> None:
    """Add studies, or take those of them away that do not wait.

    Whoever adds a study has its row until the transaction ends, even if it was there: who would take it away waits, and
    judges by what is true then.
    """
    if not studies:
        return
    if opens:
        made = insert_into(session, Open).values([{"number": one} for one in studies])
        same = {"number": made.excluded.number}
        session.execute(made.on_conflict_do_update(index_elements=["number"], set_=same))
        return
    rows = select(Open.number).where(Open.number.in_(studies)).order_by(Open.number)
    known = session.scalars(rows.with_for_update()).all()
    waits = select(Resource.number).where(Resource.number.in_(known), unsigned())
    session.execute(delete(Open).where(Open.number.in_(known), Open.number.not_in(waits)))


def _number(session: Session, one: Stored) -> int:
    here = select(Resource.number).where(Resource.kind == one.kind, Resource.logical_id == one.id)
    return session.execute(here).scalar_one()


def _waits(session: Session, study: int) -> bool:
    return session.scalar(select(Resource.number).where(Resource.number == study, unsigned())) is not None


def _is_only_prior(session: Session, one: Stored) -> bool:
    """Tell whether a study was fetched from where it was read, and no order of ours is for it: nobody will sign it."""
    if one.body is None:
        return False
    study = one.document()
    return not orders_of(study) and is_prior(session, study_uid_of(study))


def _studies(session: Session, *versions: Document | None) -> list[int]:
    """Return the studies that versions of a report name, or whose orders they are based on."""
    said = [one for one in versions if one is not None]
    named = sorted({f"{OID}{uid}" for one in said if (uid := study_named(one))})
    orders = sorted({order for one in said for order in orders_of(one)})
    by_name = select(TokenValue.number).where(
        *(TokenValue.kind == "ImagingStudy", TokenValue.code == "identifier"),
        *(TokenValue.system == DICOM_UID, TokenValue.value.in_(named)),
    )
    by_order = select(ReferenceValue.number).where(
        *(ReferenceValue.kind == "ImagingStudy", ReferenceValue.code == "basedon"),
        *(ReferenceValue.target_kind == "ServiceRequest", ReferenceValue.target_id.in_(orders)),
    )
    return sorted({*session.scalars(by_name), *session.scalars(by_order)})
