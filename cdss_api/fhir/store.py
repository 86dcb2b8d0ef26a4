"""Resources and their versions: written with what they are found by, in the caller's transaction."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, insert, not_, select
from sqlalchemy.orm import Session

from cdss_api.database import Base
from cdss_api.fhir.compartment import Compartments, identities_of, patients_of, seen_later
from cdss_api.fhir.definitions import parameters
from cdss_api.fhir.document import Document, read_stored, write
from cdss_api.fhir.models import (
    Compartment,
    DateValue,
    Identity,
    QuantityValue,
    ReferenceValue,
    Resource,
    StringValue,
    TokenValue,
    Version,
)
from cdss_api.fhir.moment import instant
from cdss_api.fhir.outcome import Refused
from cdss_api.fhir.values import index
from neuronova.contract.roles import Reach

_Versions = Select[str, str, int, int, str, str | None]
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_INDEX = (StringValue, TokenValue, DateValue, QuantityValue, ReferenceValue)


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of a resource; without `body` it is a deletion. `updated` is in microseconds."""

    kind: str
    id: str
    version: int
    updated: int
    method: str
    body: str | None

    @property
    def etag(self) -> str:
        """Return the weak entity tag by which FHIR names a version (FHIR R4 3.1.0.3)."""
        return f'W/"{self.version}"'

    @property
    def address(self) -> str:
        """Return `TYPE/ID`."""
        return f"{self.kind}/{self.id}"

    def document(self) -> Document:
        """Return the resource; raises Refused where it is a deletion."""
        if self.body is None:
            raise Refused(410, "deleted", f"{self.address} was deleted.")
        return read_stored(self.body)


class Store:
    """The resources that one asker sees, in one transaction; `now` is in microseconds.

    `written` are the versions that this transaction made, in their order: what follows from them is worked out before
    it ends. `moved` are the addresses of those that only became another patient's: their content is as it was.
    """

    def __init__(self, session: Session, compartments: Compartments, author: str, now: int) -> None:
        self.session = session
        self.compartments = compartments
        self.now = now
        self.written: list[Stored] = []
        self.moved: set[str] = set()
        self._author = author

    def read(self, kind: str, id_: str) -> Stored:
        """Return the current version.

        Raises:
            Refused: 404 where there is none, or none that may be seen; 410 where it was deleted.
        """
        stored = self._found(kind, id_, None)
        if stored.body is None:
            raise Refused(410, "deleted", f"{stored.address} was deleted.")
        return stored

    def vread(self, kind: str, id_: str, version: str) -> Stored:
        """Return one version; raises Refused as `read` does."""
        if not version.isascii() or not version.isdigit() or len(version) > 9:
            raise _missing(kind, id_)
        stored = self._found(kind, id_, int(version))
        if stored.body is None:
            raise Refused(410, "deleted", f"Version {version} of {stored.address} is its deletion.")
        return stored

    def history(self, kind: str, id_: str | None, since: int | None, count: int, offset: int) -> list[Stored]:
        """Return versions, the newest first: of one resource, or of all of a type."""
        rows = self._versions(kind, id_)
        if since is not None:
            rows = rows.where(Version.updated >= since)
        ordered = rows.order_by(Version.updated.desc(), Version.number.desc(), Version.version.desc())
        found = [_stored(row) for row in self.session.execute(ordered.limit(count).offset(offset))]
        if id_ is not None and not found and offset == 0 and since is None:
            raise _missing(kind, id_)
        return found

    def create(self, kind: str, document: Document, id_: str | None = None) -> Stored:
        """Store a new resource under a new id, or one that was reserved for it."""
        self._allow(document)
        resource = Resource(kind=kind, logical_id=id_ or new_id(), version=1, updated=self.now, deleted=False)
        self.session.add(resource)
        self.session.flush()
        return self._write(resource, "POST", document)

    def update(self, kind: str, id_: str, document: Document, expected: int | None = None) -> tuple[Stored, bool]:
        """Store the next version, or the first under an id that the client chose; tell whether it was the first.

        Raises:
            Refused: 412 where the current version is not the `expected` one, 404 where it may not be seen.
        """
        if not _ID.fullmatch(id_):
            raise Refused(400, "value", "An id is up to 64 letters, digits, '-' and '.' (FHIR R4 2.24.0.1).")
        resource = self._locked(kind, id_)
        if resource is None:
            if expected is not None:
                raise Refused(412, "conflict", f"{kind}/{id_} does not exist.")
            self._allow(document)
            resource = Resource(kind=kind, logical_id=id_, version=0, updated=self.now, deleted=True)
            self.session.add(resource)
        else:
            self._require(resource, expected)
            self._allow(document)
        created = resource.deleted
        self._advance(resource, deleted=False)
        return self._write(resource, "PUT", document), created

    def delete(self, kind: str, id_: str, expected: int | None = None) -> Stored | None:
        """Store a deletion; None where there was nothing to delete."""
        resource = self._locked(kind, id_)
        if resource is None or resource.deleted:
            return None
        self._require(resource, expected)
        self._advance(resource, deleted=True)
        return self._write(resource, "DELETE", None)

    def _advance(self, resource: Resource, *, deleted: bool) -> None:
        resource.version += 1
        resource.updated = max(self.now, resource.updated + 1000)  # a history is in the order of its times
        resource.deleted = deleted
        self.session.flush()

    def _write(self, resource: Resource, method: str, document: Document | None) -> Stored:
        kept = None if document is None else stamped(document, resource)
        body = None if kept is None else write(kept)
        values = {"version": resource.version, "updated": resource.updated, "method": method, "body": body}
        self.session.execute(insert(Version), {"number": resource.number, "author": self._author, **values})
        self._index(resource, kept)
        self.written.append(
            Stored(resource.kind, resource.logical_id, resource.version, resource.updated, method, body)
        )
        return self.written[-1]

    def _index(self, resource: Resource, document: Document | None) -> None:
        """Replace what a resource is found by; a deleted one stays in its patient's compartment, and is not found."""
        if resource.version > 1:
            for table in _INDEX:
                self.session.execute(delete(table).where(table.number == resource.number))
        if resource.kind == "Patient":
            self._identify(resource.logical_id, document)
        if document is None:
            return
        if resource.version > 1:
            self.session.execute(delete(Compartment).where(Compartment.number == resource.number))
        of = {"number": resource.number, "kind": resource.kind}
        for rows_of, rows in _rows(document):
            if rows:
                self.session.execute(insert(rows_of), [of | row for row in rows])
        patients = sorted(patients_of(document))
        if patients:
            sole = {"number": resource.number, "sole": len(patients) == 1}
            self.session.execute(insert(Compartment), [sole | {"patient": one} for one in patients])

    def _identify(self, patient: str, document: Document | None) -> None:
        self.session.execute(delete(Identity).where(Identity.patient == patient))
        identities = [] if document is None else sorted(identities_of(document))
        if identities:
            self.session.execute(insert(Identity), [{"patient": patient, **one._asdict()} for one in identities])

    def _allow(self, document: Document) -> None:
        if not self.compartments.may_write(self.session, document):
            raise Refused(403, "forbidden", "You may not write to the record of this patient.")

    def _locked(self, kind: str, id_: str) -> Resource | None:
        """Return a resource that no other transaction changes until the end of this one."""
        rows = select(Resource).where(Resource.kind == kind, Resource.logical_id == id_).with_for_update()
        resource = self.session.scalar(rows)
        if resource is not None:
            asked = {"number": resource.number, **self.compartments.placed}
            if self.session.scalar(_sees(self.compartments.reach), asked) is None:
                raise _missing(kind, id_)
        return resource

    def _require(self, resource: Resource, expected: int | None) -> None:
        if expected is not None and resource.version != expected:
            raise Refused(
                412,
                "conflict",
                f"It is at version {resource.version}, not {expected}: read it again.",
                headers={"ETag": f'W/"{resource.version}"'},
            )

    def _found(self, kind: str, id_: str, version: int | None) -> Stored:
        asked = {"kind": kind, "id": id_, "version": version, **self.compartments.placed}
        statement = _one(self.compartments.reach, current=version is None)
        row = self.session.connection().execute(statement, asked).one_or_none()
        if row is None:
            raise Refused(404, "not-found", "There is no such resource, or you may not see it.")
        return _stored(row)

    def _versions(self, kind: str, id_: str | None) -> _Versions:
        rows = _all_versions().where(Resource.kind == kind, self.compartments.visible(Resource, many=id_ is None))
        return rows if id_ is None else rows.where(Resource.logical_id == id_)

    def bodies(self, numbers: list[int]) -> list[Stored]:
        """Return the current versions of resources that were found, in the order of `numbers`."""
        found: dict[int, Stored] = {}
        if not numbers:
            return []
        for number, *rest in self.session.connection().execute(_BODIES, {"numbers": numbers}):
            found[number] = Stored(*rest)  # type: ignore[arg-type]  # a row's rest has lost its types
        return [found[number] for number in numbers if number in found]


@cache
def _one(reach: Reach, *, current: bool) -> _Versions:
    """Return the statement for one version of a resource that is seen; like the others here it is built once."""
    version = Resource.version if current else bindparam("version")
    whose = (Resource.kind == bindparam("kind"), Resource.logical_id == bindparam("id"))
    return _all_versions().where(*whose, Version.version == version, seen_later(reach, many=False))


@cache
def _sees(reach: Reach) -> Select[int]:
    return select(Resource.number).where(Resource.number == bindparam("number"), seen_later(reach, many=False))


def _all_versions() -> _Versions:
    columns = (Resource.kind, Resource.logical_id, Version.version, Version.updated, Version.method, Version.body)
    return select(*columns).join(Version, Version.number == Resource.number)


_BODIES = (
    select(
        *(Resource.number, Resource.kind, Resource.logical_id, Version.version),
        *(Version.updated, Version.method, Version.body),
    )
    .join(Version, (Version.number == Resource.number) & (Version.version == Resource.version))
    .where(Resource.number.in_(bindparam("numbers", expanding=True)), not_(Resource.deleted))
)


def stamped(document: Document, resource: Resource) -> Document:
    """Return a resource with the id, version and time that it is stored with, where readers look first."""
    meta = document.get("meta")
    kept = meta if isinstance(meta, dict) else {}
    meta = {"versionId": str(resource.version), "lastUpdated": instant(resource.updated)}
    meta |= {name: value for name, value in kept.items() if name not in meta}
    rest = {name: value for name, value in document.items() if name not in ("resourceType", "id", "meta")}
    return {"resourceType": resource.kind, "id": resource.logical_id, "meta": meta, **rest}


def new_id() -> str:
    """Return an id that nobody can guess."""
    return secrets.token_hex(16)


def require_kind(kind: str) -> None:
    """Raise Refused for a type of resource that is not kept."""
    if kind not in parameters():
        raise Refused(404, "not-supported", f"{kind[:64]} is not kept here; /metadata names what is.")


def _rows(document: Mapping[str, Any]) -> Iterator[tuple[type[Base], list[dict[str, Any]]]]:
    found = index(document)
    yield StringValue, [{"code": one.code, "folded": one.folded, "exact": one.exact} for one in found.texts]
    yield TokenValue, [{"code": one.code, "system": one.system, "value": one.value} for one in found.tokens]
    yield DateValue, [{"code": one.code, "low": one.low, "high": one.high} for one in found.dates]
    yield QuantityValue, [one._asdict() for one in found.amounts]
    yield (
        ReferenceValue,
        [{"code": one.code, "target_kind": one.kind, "target_id": one.id, "url": one.url} for one in found.links],
    )


def _stored(row: Row[str, str, int, int, str, str | None]) -> Stored:
    kind, id_, version, updated, method, body = row
    return Stored(kind, id_, version, updated, method, body)


def _missing(kind: str, id_: str) -> Refused:
    return Refused(404, "not-found", f"There is no {kind}/{id_[:64]}, or you may not see it.")
