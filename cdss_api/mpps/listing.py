"""Steps as the worklist's page shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cdss_api.fhir.linked import chunks
from cdss_api.fhir.moment import instant, micros_of
from cdss_api.mpps.models import PerformedOrder, PerformedStep

MOST = 500  # steps of one day that fit no order


def steps_of(session: Session, orders: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the steps of each order that has any, as they began."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    joined = select(PerformedOrder.order_id, PerformedStep).join(PerformedStep).order_by(PerformedStep.began)
    for some in chunks(orders):
        for order, step in session.execute(joined.where(PerformedOrder.order_id.in_(some))):
            found[order].append(step_shown(step))
    return found


def steps_without_order(session: Session, low: float, high: float) -> list[dict[str, Any]]:
    """Return the steps that began in a span of time and fit no order: not scheduled, an emergency, or another's."""
    of_order = select(PerformedOrder.uid).where(PerformedOrder.uid == PerformedStep.uid).exists()
    rows = select(PerformedStep).where(PerformedStep.began >= low, PerformedStep.began < high, ~of_order)
    return [
        step_shown(step)
        | {
            "patient_id": step.patient_id,
            "issuer": step.issuer,
            "patient_name": step.patient_name,
            "accession_numbers": sorted({one["accession_number"] for one in step.scheduled} - {""}),
        }
        for step in session.scalars(rows.order_by(PerformedStep.began).limit(MOST))
    ]


def step_shown(step: PerformedStep) -> dict[str, Any]:
    """Return a step, its times as instants; `ended` is empty while it goes on."""
    return {
        "uid": step.uid,
        "station": step.station,
        "modality": step.modality,
        "status": step.status,
        "began": instant(micros_of(step.began)),
        "ended": "" if step.ended is None else instant(micros_of(step.ended)),
        "reason": step.reason,
        "series": step.series,
    }
