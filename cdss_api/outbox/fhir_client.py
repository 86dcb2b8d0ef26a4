"""A target's FHIR interface: the few interactions that delivery needs, and what their answers say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from cdss_api.fhir.document import Document, write
from cdss_api.outbox.authorizing import Authorizer
from cdss_api.outbox.exchange import Answer, Exchange, Undelivered
from cdss_api.outbox.verdicts import Outcome, Verdict

_JSON = "application/fhir+json"
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_TAG = re.compile(r'(?:W/)?"([!#-~]{1,190})"')


@dataclass(frozen=True, slots=True)
class Theirs:
    """A resource as the target has it; `version` is what If-Match takes, if it tells.

    `pid` is OpenEMR's own number of a patient that it made.
    """

    id: str
    version: str | None
    document: Document
    pid: str | None = None


@dataclass(frozen=True, slots=True)
class FhirClient:
    """The interface at `url`."""

    url: str
    exchange: Exchange
    authorizer: Authorizer
    clock: Callable[[], float]

    def create(self, document: Document, none_exists: str | None) -> tuple[Theirs, bool]:
        """Create a resource unless the search `none_exists` finds one; tell whether it was made.

        Raises:
            Undelivered: it was refused; with the verdict DUPLICATE where the search found several.
        """
        headers = {} if none_exists is None else {"If-None-Exist": encoded(none_exists)}
        answer = self._taken("POST", document["resourceType"], headers, document)
        return self._theirs(answer, document["resourceType"]), answer.status == 201

    def update(self, id_: str, document: Document, version: str | None) -> Theirs | None:
        """Update the version that is named, or whichever there is; None where the target has another by now.

        Raises:
            Undelivered: it was refused.
        """
        headers = {} if version is None else {"If-Match": f'W/"{version}"'}
        kind = document["resourceType"]
        try:
            answer = self._taken("PUT", f"{kind}/{id_}", headers, document | {"id": id_})
        except Undelivered as refused:
            if refused.outcome.verdict is Verdict.CONFLICT:
                return None
            raise
        return self._theirs(answer, kind, id_)

    def delete(self, kind: str, id_: str, version: str | None) -> bool:
        """Delete a resource, or find it gone; False where the target has another version than the one named."""
        headers = {} if version is None else {"If-Match": f'W/"{version}"'}
        answer = self._ask("DELETE", f"{kind}/{id_}", headers)
        if answer.status in (404, 410):
            return True
        outcome = answer.outcome(self.clock(), if_match=bool(headers))
        if outcome.verdict is Verdict.CONFLICT:
            return False
        _require(outcome)
        return True

    def read(self, kind: str, id_: str) -> Theirs | None:
        """Return a resource; None where it is gone."""
        answer = self._ask("GET", f"{kind}/{id_}", {})
        if answer.status in (404, 410):
            return None
        _require(answer.outcome(self.clock()))
        return self._theirs(answer, kind, id_)

    def search(self, kind: str, criteria: str) -> Theirs | None:
        """Return the one resource that a search finds; raises Undelivered (DUPLICATE) where it finds several."""
        answer = self._ask("GET", f"{kind}?{encoded(criteria)}", {})
        _require(answer.outcome(self.clock()))
        entries = answer.document().get("entry", [])
        found = [one.get("resource", {}) for one in entries if isinstance(one, dict)]
        # A server that ignores what it does not know would answer with all it has.
        found = [one for one in found if isinstance(one, dict) and one.get("resourceType") == kind]
        if len(found) > 1:
            raise Undelivered(Outcome(Verdict.DUPLICATE, f"{answer.asked}: {len(found)} where one was meant"))
        return _of(found[0]) if found else None

    def page(self, kind: str, asked: str) -> tuple[list[Theirs], str | None]:
        """Return a page of a search, and what asks for the next one (FHIR R4 3.1.1.6).

        `asked` is a path below the base, or such a link.
        """
        path = asked.removeprefix(self.url).removeprefix("/")
        answer = self._ask("GET", path, {})
        _require(answer.outcome(self.clock()))
        document = answer.document()
        found = [one.get("resource") for one in document.get("entry", []) if isinstance(one, dict)]
        theirs = [_of(one) for one in found if isinstance(one, dict) and one.get("resourceType") == kind]
        links = [one for one in document.get("link", []) if isinstance(one, dict) and one.get("relation") == "next"]
        if not links:
            return theirs, None
        following = str(links[0].get("url"))
        # A token goes along: it is for this server alone, and a question that repeats itself would never end.
        below = (
            following if following.startswith((f"{self.url}/", f"{kind}?")) else f"{kind}?{following.partition('?')[2]}"
        )
        if below == asked:
            raise Undelivered(Outcome(Verdict.PERMANENT, f"{answer.asked}: its next page is the same page"))
        return theirs, below

    def batch(self, entries: Sequence[Document]) -> Answer:
        """Have the entries of a batch carried out, each by itself (FHIR R4 3.1.0.11)."""
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": list(entries)}
        given = {"Content-Type": _JSON, "Prefer": "return=representation"}
        return self._ask("POST", "", given, write(bundle).encode())

    def _taken(self, method: str, path: str, headers: Mapping[str, str], document: Document) -> Answer:
        typed = {"Content-Type": _JSON, "Prefer": "return=representation", **headers}
        answer = self._ask(method, path, typed, write(document).encode())
        _require(answer.outcome(self.clock(), if_match="If-Match" in headers))
        return answer

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        given = {"Accept": _JSON, **self.authorizer.headers(), **headers}
        url = f"{self.url}/{path}" if path else self.url
        return self.exchange.ask(method, url, given, body)

    def _theirs(self, answer: Answer, kind: str, id_: str | None = None) -> Theirs:
        """Read what was made or found from the answer's body, or else from its headers."""
        document, pid = answer.document(), None
        if document.get("resourceType") == kind and "id" in document:
            theirs = _of(document)
        else:
            # OpenEMR says `uuid`; others may answer with nothing but a Location (FHIR R4 3.1.0.8).
            location = answer.headers.get("location", "").partition("/_history/")[0].rpartition("/")[2]
            theirs = Theirs(str(id_ or document.get("uuid") or location), None, {})
            pid = str(document["pid"])[:20] if kind == "Patient" and "pid" in document else None
        if not _ID.fullmatch(theirs.id):
            raise Undelivered(Outcome(Verdict.TRANSIENT, f"{answer.asked}: the answer names no id"))
        tag = _TAG.fullmatch(answer.headers.get("etag", ""))
        named = theirs.version or (tag[1] if tag else None)
        return Theirs(theirs.id, named, theirs.document, pid)


def _of(document: Document) -> Theirs:
    meta = document.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    known = isinstance(version, str) and _TAG.fullmatch(f'"{version}"')
    return Theirs(str(document.get("id", "")), version if known else None, document)


def said_of(entry: Mapping[str, Any], kind: str) -> Theirs | None:
    """Return what an entry of a batch's answer tells of a resource that was written; None where it names no id."""
    resource, response = entry.get("resource"), entry.get("response")
    told = response if isinstance(response, Mapping) else {}
    if isinstance(resource, dict) and resource.get("resourceType") == kind and "id" in resource:
        theirs = _of(resource)
    else:
        location = str(told.get("location", "")).partition("/_history/")[0].rpartition("/")[2]
        theirs = Theirs(location, None, {})
    if not _ID.fullmatch(theirs.id):
        return None
    tag = _TAG.fullmatch(str(told.get("etag", "")))
    return Theirs(theirs.id, theirs.version or (tag[1] if tag else None), theirs.document)


def _require(outcome: Outcome) -> None:
    if outcome.verdict is not Verdict.OK:
        raise Undelivered(outcome)


def encoded(criteria: str) -> str:
    """Return a search as a query string, as If-None-Exist and `ifNoneExist` take it."""
    name, _, value = criteria.partition("=")
    return f"{name}={quote(value, safe=':/')}"
