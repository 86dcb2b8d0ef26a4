"""Whose record a resource is in, and which records somebody sees: the permissions of images, for FHIR.

A resource is in the record of each patient that it is about (`subject`, `patient`): whoever does not see all of them
sees nothing of it. What is about nobody is either a directory that all may read, or shown to those who see all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, literal, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from cdss_api.accounts.models import Grant
from cdss_api.fhir.definitions import Kind, parameters
from cdss_api.fhir.models import Compartment, Identity, Resource
from cdss_api.fhir.values import link_of, values_at
from neuronova.contract.grants import Patient
from neuronova.contract.roles import REACH, Reach, Role

PATIENT_ID = "urn:neuronova:patient-id"  # the identifier system of a PatientID without an issuer
DIRECTORY = frozenset({"Practitioner", "PractitionerRole", "Organization", "Endpoint"})
_OF_DAY = ("ServiceRequest", "ImagingStudy", "Appointment")
_ABOUT = ("patient", "subject")


@dataclass(frozen=True, kw_only=True, slots=True)
class Compartments:
    """The records that an account sees; times in seconds, `recent` is how far back a technologist looks."""

    account: str
    role: Role
    now: float
    recent: float

    def visible(self, resource: type[Resource], *, many: bool = True) -> ColumnElement[bool]:
        """Return the condition under which a resource may be seen.

        Of `many` resources, the patients that are seen are found once and each resource's are looked up among them; of
        few, each resource's patients are looked up among the grants.
        """
        if REACH[self.role] is Reach.ALL:
            return true()
        inside, outside = aliased(Compartment), aliased(Compartment)
        in_record: ColumnElement[bool]
        beyond: ColumnElement[bool]
        if many:
            patients = self._patients()
            in_record = resource.number.in_(select(inside.number).where(inside.patient.in_(patients)))
            # Only what is about several can be in a record that is not seen: a small set, with an index of its own.
            shared = (outside.sole.is_(False), outside.patient.not_in(patients))
            beyond = resource.number.in_(select(outside.number).where(*shared))
        else:
            in_record = exists().where(inside.number == resource.number, self._is_seen(inside.patient))
            beyond = exists().where(outside.number == resource.number, ~self._is_seen(outside.patient))
        return or_(resource.kind.in_(DIRECTORY), and_(in_record, ~beyond))

    def may_write(self, session: Session, document: Mapping[str, Any]) -> bool:
        """Tell whether a resource may stand in the records that it is about."""
        if REACH[self.role] is Reach.ALL:
            return True
        about = patients_of(document)
        return bool(about) and all(session.scalar(select(self._is_seen(literal(one)))) for one in about)

    def _is_seen(self, patient: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[bool]:
        """Return that the record of one patient is seen."""
        if REACH[self.role] is Reach.RECENT:
            order, record = aliased(Resource), aliased(Compartment)
            return exists().where(record.patient == patient, order.number == record.number, *self._of_day(order))
        whom, grant = aliased(Identity), aliased(Grant)
        # One in the other, so that SQLite goes from the patient to the grant and not through all of an account's.
        return exists().where(whom.patient == patient, exists().where(*self._granted(whom, grant)))

    def _patients(self) -> Select[str]:
        """Return the ids of the Patients whose records are seen."""
        if REACH[self.role] is Reach.RECENT:
            order, record = aliased(Resource), aliased(Compartment)
            return select(record.patient).join(order, order.number == record.number).where(*self._of_day(order))
        whom, grant = aliased(Identity), aliased(Grant)
        return select(whom.patient).where(*self._granted(whom, grant))

    def _granted(self, whom: type[Identity], grant: type[Grant]) -> tuple[ColumnElement[bool], ...]:
        in_force = or_(grant.until.is_(None), grant.until > self.now)
        same = and_(whom.patient_id == grant.patient_id, whom.issuer == grant.issuer)
        return (grant.account_id == self.account, in_force, same)

    def _of_day(self, order: type[Resource]) -> tuple[ColumnElement[bool], ...]:
        return (order.kind.in_(_OF_DAY), order.updated >= int((self.now - self.recent) * 1_000_000))


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
            found.add(Patient(value, "" if system == PATIENT_ID else system))
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
