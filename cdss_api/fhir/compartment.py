"""Whose record a resource is in, and which records somebody sees: the permissions of images, for FHIR.

A resource is in the record of each patient that it is about (`subject`, `patient`): whoever does not see all of them
sees nothing of it. What is about nobody is either a directory that all may read, or shown to those who see all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, String, and_, bindparam, exists, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from cdss_api.accounts.models import Grant
from cdss_api.fhir.definitions import Kind, parameters
from cdss_api.fhir.models import Compartment, Identity, Resource
from cdss_api.fhir.values import link_of, values_at
from neuronova.contract.grants import Patient
from neuronova.contract.issuer import issuer_of
from neuronova.contract.roles import REACH, Reach, Role

DIRECTORY = frozenset({"Practitioner", "PractitionerRole", "Organization", "Endpoint"})
_OF_DAY = ("ServiceRequest", "ImagingStudy", "Appointment")
_ABOUT = ("patient", "subject")


class Asked(NamedTuple):
    """Whose sight a condition is about: values, or the placeholders of a statement that is built once."""

    account: Any
    now: Any  # seconds
    since: Any  # microseconds: how far back a technologist looks


PLACEHOLDERS = Asked(bindparam("seen_by"), bindparam("seen_at"), bindparam("seen_since"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Compartments:
    """The records that an account sees; times in seconds, `recent` is how far back a technologist looks."""

    account: str
    role: Role
    now: float
    recent: float

    @property
    def reach(self) -> Reach:
        """How far the role sees."""
        return REACH[self.role]

    @property
    def placed(self) -> dict[str, Any]:
        """What stands in the place of `PLACEHOLDERS`."""
        asked = self._asked()
        return {"seen_by": asked.account, "seen_at": asked.now, "seen_since": asked.since}

    def visible(self, resource: type[Resource], *, many: bool = True) -> ColumnElement[bool]:
        """Return the condition under which a resource may be seen (see `seen`)."""
        return seen(resource, self.reach, self._asked(), many=many)

    def may_write(self, session: Session, document: Mapping[str, Any]) -> bool:
        """Tell whether a resource may stand in the records that it is about."""
        if self.reach is Reach.ALL:
            return True
        about = patients_of(document)
        return bool(about) and all(
            session.scalar(_sees_record(self.reach), {"one": one, **self.placed}) for one in about
        )

    def _asked(self) -> Asked:
        return Asked(self.account, self.now, int((self.now - self.recent) * 1_000_000))


def seen(resource: type[Resource], reach: Reach, asked: Asked, *, many: bool) -> ColumnElement[bool]:
    """Return the condition under which a resource is seen.

    Of `many` resources, the patients that are seen are found once and each resource's are looked up among them; of
    few, each resource's patients are looked up among the grants.
    """
    if reach is Reach.ALL:
        return true()
    inside, outside = aliased(Compartment), aliased(Compartment)
    in_record: ColumnElement[bool]
    beyond: ColumnElement[bool]
    if many:
        patients = _patients(reach, asked)
        in_record = resource.number.in_(select(inside.number).where(inside.patient.in_(patients)))
        # Only what is about several can be in a record that is not seen: a small set, with an index of its own.
        shared = (outside.sole.is_(False), outside.patient.not_in(patients))
        beyond = resource.number.in_(select(outside.number).where(*shared))
    else:
        in_record = exists().where(inside.number == resource.number, _is_seen(inside.patient, reach, asked))
        beyond = exists().where(outside.number == resource.number, ~_is_seen(outside.patient, reach, asked))
    return or_(resource.kind.in_(DIRECTORY), and_(in_record, ~beyond))


@cache
def seen_later(reach: Reach, resource: type[Resource] = Resource, *, many: bool = True) -> ColumnElement[bool]:
    """Return the condition with `PLACEHOLDERS`, kept: to build it costs more than to ask the database."""
    return seen(resource, reach, PLACEHOLDERS, many=many)


@cache
def _sees_record(reach: Reach) -> Select[bool]:
    return select(_is_seen(bindparam("one", type_=String), reach, PLACEHOLDERS))


def _is_seen(
    patient: ColumnElement[str] | InstrumentedAttribute[str], reach: Reach, asked: Asked
) -> ColumnElement[bool]:
    """Return that the record of one patient is seen."""
    if reach is Reach.RECENT:
        order, record = aliased(Resource), aliased(Compartment)
        return exists().where(record.patient == patient, order.number == record.number, *_of_day(order, asked))
    whom, grant = aliased(Identity), aliased(Grant)
    # One in the other, so that SQLite goes from the patient to the grant and not through all of an account's.
    return exists().where(whom.patient == patient, exists().where(*_granted(whom, grant, asked)))


def _patients(reach: Reach, asked: Asked) -> Select[str]:
    """Return the ids of the Patients whose records are seen."""
    if reach is Reach.RECENT:
        order, record = aliased(Resource), aliased(Compartment)
        return select(record.patient).join(order, order.number == record.number).where(*_of_day(order, asked))
    whom, grant = aliased(Identity), aliased(Grant)
    return select(whom.patient).where(*_granted(whom, grant, asked))


def _granted(whom: type[Identity], grant: type[Grant], asked: Asked) -> tuple[ColumnElement[bool], ...]:
    in_force = or_(grant.until.is_(None), grant.until > asked.now)
    same = and_(whom.patient_id == grant.patient_id, whom.issuer == grant.issuer)
    return (grant.account_id == asked.account, in_force, same)


def _of_day(order: type[Resource], asked: Asked) -> tuple[ColumnElement[bool], ...]:
    return (order.kind.in_(_OF_DAY), order.updated >= asked.since)


def identities_of(document: Mapping[str, Any]) -> set[Patient]:
    """Return the patients of images that a Patient is: its identifiers with a system and a value.

    What a Patient that replaces another has as `old` is that other's: who may see the one does not see both by it.
    """
    found = set()
    listed = document.get("identifier")
    links = document.get("link")
    others = [one.get("type") for one in links if isinstance(one, dict)] if isinstance(links, list) else []
    for identifier in listed if isinstance(listed, list) else ():
        if "replaces" in others and isinstance(identifier, dict) and identifier.get("use") == "old":
            continue
        system, value = (
            (identifier.get(name) for name in ("system", "value")) if isinstance(identifier, dict) else ("", 0)
        )
        if isinstance(system, str) and isinstance(value, str) and value.strip():
            found.add(Patient(value, issuer_of(system)))
    return found


def patients_of(document: Mapping[str, Any]) -> set[str]:
    """Return the ids of the Patients that a resource is about."""
    kind = document["resourceType"]
    if kind == "Patient":
        return {document["id"]} if "id" in document else set()
    found = set()
    for code in _ABOUT:
        parameter = parameters()[kind].get(code)
        if parameter is None or parameter.kind is not Kind.REFERENCE:
            continue
        for place in parameter.places:
            for value in values_at(document, place):
                link = link_of(code, str(value.get("reference", ""))) if isinstance(value, dict) else None
                if link is not None and link.kind == "Patient" and not link.url:
                    found.add(link.id)
    return found
