"""The technologist's list: the imaging orders of one day, with station, time, patient and how far each is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from cdss_api.fhir.compartment import Compartments
from cdss_api.fhir.linked import about, by_id, chunks, merged
from cdss_api.fhir.models import IS_LONG, LONG_SPAN, DateValue, ReferenceValue, Resource
from cdss_api.fhir.moment import micros_of
from cdss_api.mpps.listing import steps_of
from cdss_api.reading.listing import surroundings
from cdss_api.reading.performing import reason_of, said_of
from cdss_api.reading.progress import progress_of
from cdss_api.reading.study import order_shown, person, priority_of, study_uid_of, subject_of
from cdss_api.worklist.mapping import is_imaging, link_to, modality_of, plan_of, station_titles

MOST = 2000  # orders of one day
_SHOWN = ("active", "on-hold", "completed", "revoked")
_ZONES = timedelta(hours=14)  # how far an offset that is written may be from the hospital's own


def of_day(session: Session, seen: Compartments, day: date, zone: tzinfo | None = None) -> list[dict[str, Any]]:
    """Return the rows of a day in the order of their times; `zone` is the hospital's, None the machine's."""
    margin = _ZONES.total_seconds()
    begins, ends = span_of(day, zone)
    low, high = micros_of(begins - margin), micros_of(ends + margin)
    orders = by_id(session, "ServiceRequest", _candidates(session, low, high), seen)
    orders = {id_: one for id_, one in orders.items() if one.get("status") in _SHOWN and is_imaging(one)}
    appointments = about(session, "Appointment", "based-on", "ServiceRequest", orders, seen=seen)
    tasks = merged(about(session, "Task", code, "ServiceRequest", orders, seen=seen) for code in ("focus", "based-on"))
    wanted = day.strftime("%Y%m%d")
    plans = {
        id_: plan
        for id_, one in orders.items()
        if (plan := plan_of(one, appointments.get(id_, ()), tasks.get(id_, ()), zone))[1] == wanted
    }
    studies = about(session, "ImagingStudy", "basedon", "ServiceRequest", plans, seen=seen)
    around = surroundings(session, seen, [one for some in studies.values() for one in some])
    steps = steps_of(session, plans)
    patients = by_id(session, "Patient", {subject_of(orders[id_]) for id_ in plans}, seen)
    devices = by_id(session, "Device", {id_ for plan in plans.values() for id_ in _devices(plan[0])})
    rows = []
    for id_, (references, _, start) in plans.items():
        order, own = orders[id_], studies.get(id_, ())
        reports = [report for one in own for report in around.reports_of(one)]
        named = [devices[one] for one in _devices(references) if one in devices]
        rows.append(
            order_shown(order)
            | {
                "order": id_,
                "time": f"{start[:2]}:{start[2:4]}",
                "stations": sorted(set(station_titles(references, named))),
                "modality": modality_of(order, named),
                "priority": priority_of([order]),
                "patient": person(patients.get(subject_of(order))),
                "progress": progress_of(
                    order,
                    appointments=appointments.get(id_, ()),
                    tasks=tasks.get(id_, ()),
                    studies=own,
                    reports=reports,
                ).value,
                "performed": said_of(tasks.get(id_, ())),
                "not_done_reason": reason_of(tasks.get(id_, ())),
                "studies": [study_uid_of(one) for one in own],
                "steps": steps.get(id_, []),
            }
        )
    return sorted(rows, key=lambda row: (row["time"], row["id"]))


def span_of(day: date, zone: tzinfo | None = None) -> tuple[float, float]:
    """Return when a day begins and ends, in seconds since the epoch; `zone` is the hospital's, None the machine's."""
    first, after = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
    return first.timestamp(), after.timestamp()


def _candidates(session: Session, low: int, high: int) -> Sequence[str]:
    """Return the ids of the orders that something plans, or that were made, about that time."""
    made = (Resource.kind == "ServiceRequest", Resource.updated >= low, Resource.updated < high)
    found = set(session.scalars(select(Resource.logical_id).where(*made).limit(MOST)))
    for some in chunks(_dated(session, "ServiceRequest", ("occurrence", "authored"), low, high)):
        found |= set(session.scalars(select(Resource.logical_id).where(Resource.number.in_(some))))
    for kind, when, codes in (("Appointment", "date", ("based-on",)), ("Task", "period", ("focus", "based-on"))):
        of_order = (ReferenceValue.code.in_(codes), ReferenceValue.target_kind == "ServiceRequest")
        for some in chunks(_dated(session, kind, (when,), low, high)):
            planned = select(ReferenceValue.target_id).where(ReferenceValue.number.in_(some), *of_order)
            found |= set(session.scalars(planned))
    return sorted(found)[:MOST]


def _dated(session: Session, kind: str, codes: Sequence[str], low: int, high: int) -> set[int]:
    """Return the numbers of the resources of a type whose time overlaps this one.

    One that is not long began not long before, so that an index leads there; of long ones there are few.
    """
    rows = select(DateValue.number).where(
        *(DateValue.kind == kind, DateValue.code.in_(codes)), DateValue.low < high, DateValue.high > low
    )
    near, long = rows.where(DateValue.low > low - LONG_SPAN), rows.where(text(IS_LONG))
    return {*session.scalars(near.limit(MOST)), *session.scalars(long.limit(MOST))}


def _devices(references: Iterable[Mapping[str, Any]]) -> list[str]:
    links = [link_to(one) for one in references]
    return [link.removeprefix("Device/") for link in links if link.startswith("Device/")]
