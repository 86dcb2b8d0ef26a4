"""What can be asked of the store (FHIR R4 3.1.0), whether alone or as an entry of a Bundle."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from sqlalchemy import text

from cdss_api.fhir.bundle import Link, searchset
from cdss_api.fhir.bundle import history as history_bundle
from cdss_api.fhir.document import Document
from cdss_api.fhir.examination import asked, examined
from cdss_api.fhir.moment import span
from cdss_api.fhir.outcome import Issue, Refused, outcome
from cdss_api.fhir.patching import patched
from cdss_api.fhir.permissions import WRITE, may, require
from cdss_api.fhir.query import LARGEST_PAGE, PAGE, Query, looked_into, natural, parse
from cdss_api.fhir.searching import everything, matching, search
from cdss_api.fhir.store import Store, Stored, require_kind
from cdss_api.fhir.validation import check
from neuronova.contract.audit import Action
from neuronova.contract.scopes import Interaction
from neuronova.contract.token import Claims

Pairs = Sequence[tuple[str, str]]
_IF_MATCH = re.compile(r'(?:W/)?"(\d{1,9})"')


class Touch(NamedTuple):
    """What was done to which resource: what the audit trail is told."""

    action: Action
    stored: Stored


@dataclass(frozen=True, slots=True)
class Reply:
    """How an interaction ended; `stored` is what it was about, `body` what else is told."""

    status: int
    stored: Stored | None = None
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    touched: tuple[Touch, ...] = ()

    @property
    def writes(self) -> bool:
        """Tell whether something was written."""
        return any(one.action is not Action.READ for one in self.touched)


class Interactions:
    """The interactions of one asker in one transaction; `base` is the address of the interface."""

    def __init__(self, store: Store, claims: Claims, base: str, *, strict: bool) -> None:
        self.store = store
        self.base = base
        self._claims = claims
        self._strict = strict

    def read(self, kind: str, id_: str) -> Reply:
        """Return a resource as it now is (FHIR R4 3.1.0.1)."""
        self._allow(kind, Interaction.READ)
        return _shown(self.store.read(kind, id_))

    def vread(self, kind: str, id_: str, version: str) -> Reply:
        """Return one version of it (3.1.0.2)."""
        self._allow(kind, Interaction.READ)
        return _shown(self.store.vread(kind, id_, version))

    def history(self, kind: str, id_: str | None, pairs: Pairs) -> Reply:
        """Return versions, the newest first (3.1.0.12)."""
        self._allow(kind, Interaction.SEARCH if id_ is None else Interaction.READ)
        asked = dict(pairs)
        count, offset = _page(asked)
        since = _moment(asked.get("_since"))
        found = self.store.history(kind, id_, since, count + 1, offset)
        path = f"{self.base}/{kind}" + (f"/{id_}" if id_ else "") + "/_history"
        links = _links(path, pairs, offset, count, more=len(found) > count)
        return Reply(200, body=history_bundle(found[:count], self.base, links))

    def search(self, kind: str, pairs: Pairs) -> Reply:
        """Return a page of what fits (3.1.1)."""
        self._allow(kind, Interaction.SEARCH)
        query = self._query(kind, pairs, strict=self._strict)
        result = search(self.store, query)
        asked = [pair for pair in pairs if pair[0] not in query.unknown]
        links = _links(f"{self.base}/{kind}", asked, query.offset, query.count, more=result.more)
        told = None
        if query.unknown:
            names = ", ".join(query.unknown)
            told = outcome([Issue("warning", "not-supported", f"Not supported for {kind}, and ignored: {names}.")])
        included = [one for one in result.included if may(self._claims, one.kind, Interaction.READ)]
        return Reply(200, body=searchset(result.matches, included, result.total, told, self.base, links))

    def everything(self, id_: str, pairs: Pairs) -> Reply:
        """Return a patient's whole record, in pages (FHIR R4 8.1.10, `$everything`)."""
        self._allow("Patient", Interaction.READ)
        patient = self.store.read("Patient", id_)
        asked = dict(pairs)
        kinds = [one for one in asked.get("_type", "").split(",") if one]
        for kind in kinds:
            require_kind(kind)
        kinds = [one for one in kinds or WRITE if may(self._claims, one, Interaction.READ)]
        count, offset = _page(asked)
        result = everything(self.store, id_, kinds, _moment(asked.get("_since")), count, offset)
        links = _links(f"{self.base}/Patient/{id_}/$everything", pairs, offset, count, more=result.more)
        body = searchset(result.matches, result.included, result.total, None, self.base, links)
        return Reply(200, body=body, touched=(Touch(Action.READ, patient),))

    def create(self, kind: str, document: Document, if_none_exist: str | None = None, id_: str | None = None) -> Reply:
        """Store a new resource, unless one that fits `if_none_exist` is there (3.1.0.8, 3.1.0.8.1).

        `id_` is the one that was reserved for it.
        """
        self._writing(kind, document, Interaction.CREATE)
        if if_none_exist:
            found = self._matching(kind, parse_qsl(if_none_exist.removeprefix("?"), keep_blank_values=True))
            if found is not None:
                return Reply(200, found, headers=_of(found, self.base), touched=(Touch(Action.READ, found),))
        return self._written(self.store.create(kind, document, id_), created=True)

    def update(self, kind: str, id_: str, document: Document, if_match: str | None = None) -> Reply:
        """Store a resource's next version, or its first (3.1.0.4)."""
        self._writing(kind, document, Interaction.UPDATE)
        if document.get("id") != id_:
            raise Refused(400, "value", "The resource's id is not that of the address.")
        stored, created = self.store.update(kind, id_, document, version_of(if_match))
        return self._written(stored, created=created)

    def conditional_update(
        self, kind: str, pairs: Pairs, document: Document, if_match: str | None = None, id_: str | None = None
    ) -> Reply:
        """Update the one resource that fits, or create it (3.1.0.4.3), under the id that was reserved for it."""
        self._writing(kind, document, Interaction.UPDATE)
        found = self._matching(kind, pairs)
        if found is None:
            if "id" in document:
                stored, created = self.store.update(kind, str(document["id"]), document, version_of(if_match))
                return self._written(stored, created=created)
            return self._written(self.store.create(kind, document, id_), created=True)
        if document.get("id", found.id) != found.id:
            raise Refused(400, "value", f"The resource's id is not that of the one that fits, {found.id}.")
        stored, _ = self.store.update(kind, found.id, document, version_of(if_match))
        return self._written(stored, created=False)

    def patch(self, kind: str, id_: str, operations: Any, if_match: str | None = None) -> Reply:
        """Change a resource by JSON Patch (3.1.0.6, RFC 6902)."""
        self._allow(kind, Interaction.UPDATE)
        self._allow(kind, Interaction.READ)  # what it tests and what is answered tell of the resource
        current = self.store.read(kind, id_)
        document = patched(current.document(), operations)
        self._writing(kind, document, Interaction.UPDATE)
        if document.get("id") != id_:
            raise Refused(422, "business-rule", "A patch does not change a resource's id.")
        expected = version_of(if_match)
        stored, _ = self.store.update(kind, id_, document, current.version if expected is None else expected)
        return self._written(stored, created=False)

    def delete(self, kind: str, id_: str, if_match: str | None = None) -> Reply:
        """Delete a resource; its history stays (3.1.0.7)."""
        self._allow(kind, Interaction.DELETE)
        stored = self.store.delete(kind, id_, version_of(if_match))
        if stored is None:
            return Reply(204)
        return Reply(204, stored, headers={"ETag": stored.etag}, touched=(Touch(Action.DELETE, stored),))

    def conditional_delete(self, kind: str, pairs: Pairs) -> Reply:
        """Delete the one resource that fits, if there is one (3.1.0.7.1)."""
        self._allow(kind, Interaction.DELETE)
        found = self._matching(kind, pairs)
        return Reply(204) if found is None else self.delete(kind, found.id)

    def validate(self, kind: str, id_: str | None, document: Document, pairs: Pairs) -> Reply:
        """Tell what would be said of a resource, and store nothing (operation Resource-validate).

        Of an existing one without a resource in the body, what is said of it as it is kept; to delete one asks no more
        than that it is there.
        """
        self._allow(kind, Interaction.READ)
        what = asked(document, pairs)
        stored = None
        if id_ is not None and what.resource is None:
            stored = self.store.read(kind, id_)
            what = what if what.mode == "delete" else replace(what, resource=stored.document())
        touched = () if stored is None else (Touch(Action.READ, stored),)
        return Reply(200, body=outcome(examined(what, kind, id_)), touched=touched)

    def resolve(self, kind: str, pairs: Pairs) -> Stored | None:
        """Return the one resource that fits, for a conditional reference (3.1.0.11.2)."""
        return self._matching(kind, pairs)

    def _matching(self, kind: str, pairs: Pairs) -> Stored | None:
        """Return the one that fits, having made sure that nobody else is about to create one."""
        self._allow(kind, Interaction.SEARCH)
        query = self._query(kind, pairs, strict=True)
        if not query.conditions:
            raise Refused(412, "required", "A condition names at least one search parameter.")
        alone_with(self.store, kind, pairs)
        found = matching(self.store, query, 2)
        if len(found) > 1:
            raise Refused(412, "multiple-matches", f"More than one {kind} fits the condition.")
        return found[0] if found else None

    def _allow(self, kind: str, interaction: Interaction) -> None:
        require_kind(kind)
        require(self._claims, kind, interaction)

    def _query(self, kind: str, pairs: Pairs, *, strict: bool) -> Query:
        """Return a search, which may look only into what the asker may search."""
        query = parse(kind, pairs, strict=strict)
        for other in looked_into(query):
            require(self._claims, other, Interaction.SEARCH)
        return query

    def _writing(self, kind: str, document: Document, interaction: Interaction) -> None:
        self._allow(kind, interaction)
        if document.get("resourceType") != kind:
            raise Refused(400, "invalid", f"The body is no {kind}: its resourceType says otherwise.")
        check(document)

    def _written(self, stored: Stored, *, created: bool) -> Reply:
        touched = (Touch(Action.STORE, stored),)
        return Reply(201 if created else 200, stored, headers=_of(stored, self.base), touched=touched)


def version_of(if_match: str | None) -> int | None:
    """Return the version that an If-Match names; raises Refused for what names none."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _IF_MATCH.fullmatch(if_match.strip())
    if found is None:
        raise Refused(400, "value", 'If-Match names a version like W/"3".')
    return int(found[1])


def _shown(stored: Stored) -> Reply:
    return Reply(200, stored, headers={"ETag": stored.etag}, touched=(Touch(Action.READ, stored),))


def _of(stored: Stored, base: str) -> dict[str, str]:
    return {"ETag": stored.etag, "Location": f"{base}/{stored.address}/_history/{stored.version}"}


def alone_with(store: Store, kind: str, pairs: Pairs) -> None:
    """Let no two transactions look for the same and create it both; SQLite has one writer anyway."""
    if store.session.get_bind().dialect.name != "postgresql":
        return
    asked = f"{kind}?{sorted(pairs)!r}".encode()
    key = int.from_bytes(hashlib.sha256(asked).digest()[:8], "big", signed=True)
    store.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def _page(asked: Mapping[str, str]) -> tuple[int, int]:
    count, offset = (
        natural(name, asked.get(name, str(default))) for name, default in (("_count", PAGE), ("_offset", 0))
    )
    return min(count, LARGEST_PAGE), offset


def _moment(text_: str | None) -> int | None:
    try:
        return None if text_ is None else span(text_).low
    except ValueError as odd:
        raise Refused(400, "value", f"_since: {odd}.") from None


def _links(path: str, pairs: Pairs, offset: int, count: int, *, more: bool) -> list[Link]:
    def at(page: int) -> list[tuple[str, str]]:
        return [*(pair for pair in pairs if pair[0] != "_offset"), *([("_offset", str(page))] if page else [])]

    links = [Link("self", path, at(offset))]
    if more:
        links.append(Link("next", path, at(offset + count)))
    if offset:
        links.append(Link("previous", path, at(max(0, offset - count))))
    return links
