"""Several interactions in one request: a batch, of which each stands alone, or a transaction, all or nothing.

FHIR R4 3.1.0.11: a transaction deletes, creates, updates and reads in this order, whatever the order of its entries,
and its resources may refer to one another by their `fullUrl` and to others by a condition.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from simplejson import RawJSON
from sqlalchemy.exc import IntegrityError

from cdss_api.fhir.definitions import parameters
from cdss_api.fhir.document import Document, Unreadable, read
from cdss_api.fhir.interactions import Interactions, Pairs, Reply
from cdss_api.fhir.moment import instant
from cdss_api.fhir.outcome import Refused, outcome
from cdss_api.fhir.store import new_id, require_kind

MOST = 1000  # entries
_ORDER = ("DELETE", "POST", "PUT", "PATCH", "GET")
_NOT_REFERENCES = frozenset({"value"})  # of an identifier, which may look like one


@dataclass(slots=True)
class Entry:
    """One entry as it is to be carried out; `id` is that of the resource that it will write, once it is known."""

    method: str
    kind: str
    rest: tuple[str, ...]  # of the address, below the type
    pairs: Pairs
    resource: Document | None
    full_url: str
    if_match: str | None
    if_none_exist: str | None
    id: str | None = None


def carry_out(to: Interactions, bundle: Document, *, representation: bool) -> Reply:
    """Carry out a batch or transaction.

    Raises:
        Refused: it is none, or is a transaction of which an entry cannot be carried out; then nothing was.
    """
    kind, entries = bundle.get("type"), bundle.get("entry", [])
    if bundle.get("resourceType") != "Bundle" or kind not in ("batch", "transaction") or not isinstance(entries, list):
        raise Refused(400, "invalid", "This takes a Bundle of type batch or transaction.")
    if len(entries) > MOST:
        raise Refused(413, "too-long", f"A Bundle has up to {MOST} entries here.")
    run = _transaction if kind == "transaction" else _batch
    replies = run(to, entries)
    told = [_told(one, to.base, representation) if isinstance(one, Reply) else _failed(one) for one in replies]
    touched = tuple(part for one in replies if isinstance(one, Reply) for part in one.touched)
    body = {"resourceType": "Bundle", "type": f"{kind}-response", "entry": told}
    return Reply(200, body=body, touched=touched)


def _batch(to: Interactions, entries: list[Any]) -> list[Reply | Refused]:
    replies: list[Reply | Refused] = []
    for given in entries:
        try:
            with to.store.session.begin_nested():
                replies.append(_run(to, read_entry(given, to.base)))
        except Refused as refused:
            replies.append(refused)
        except IntegrityError:
            replies.append(Refused(409, "conflict", "Somebody else wrote the same at this moment; try again."))
    return replies


def _transaction(to: Interactions, given: list[Any]) -> list[Reply | Refused]:
    entries: list[Entry] = []
    for number, one in enumerate(given):
        with _of_entry(number):
            entries.append(read_entry(one, to.base))
    known: dict[str, str] = {}
    for number, entry in enumerate(entries):
        with _of_entry(number):
            _reserve(to, entry, known)
    _require_distinct(entries)
    replies: dict[int, Reply] = {}
    for number in sorted(range(len(entries)), key=lambda at: _ORDER.index(entries[at].method)):
        with _of_entry(number):
            entry = entries[number]
            if entry.resource is not None and entry.method != "PATCH":
                entry.resource = _referring(to, entry.resource, known)
            replies[number] = _run(to, entry)
    return [replies[number] for number in range(len(entries))]


class _of_entry:  # noqa: N801 - reads as a word
    """Names the entry in what is refused."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Refused):
            at = f"Bundle.entry[{self._number}]"
            error.issues = [
                one._replace(expression=f"{at}.resource.{one.expression}" if one.expression else at)
                for one in error.issues
            ]


def read_entry(given: Any, base: str) -> Entry:
    """Return an entry of the Bundle; raises Refused for what is none."""
    asked = given.get("request") if isinstance(given, dict) else None
    if not isinstance(asked, dict):
        raise Refused(400, "required", "An entry has a request.")
    method, url = asked.get("method"), asked.get("url")
    if method not in _ORDER or not isinstance(url, str) or not url:
        raise Refused(400, "value", "A request has a url and a method of DELETE, POST, PUT, PATCH and GET.")
    path, _, query = url.removeprefix(f"{base}/").lstrip("/").partition("?")
    kind, *rest = [unquote(one) for one in path.rstrip("/").split("/")]
    require_kind(kind)
    resource = given.get("resource")
    if method in ("POST", "PUT", "PATCH") and not isinstance(resource, dict):
        raise Refused(400, "required", f"A {method} has a resource.")
    full_url = given.get("fullUrl")
    return Entry(
        method=method,
        kind=kind,
        rest=tuple(rest),
        pairs=parse_qsl(query, keep_blank_values=True),
        resource=resource if isinstance(resource, dict) else None,
        full_url=full_url if isinstance(full_url, str) else "",
        if_match=_text(asked, "ifMatch"),
        if_none_exist=_text(asked, "ifNoneExist"),
    )


def _text(asked: Mapping[str, Any], name: str) -> str | None:
    value = asked.get(name)
    return value if isinstance(value, str) else None


def _reserve(to: Interactions, entry: Entry, known: dict[str, str]) -> None:
    """Find out which id an entry's resource will have, before any is written, for others refer to it."""
    if entry.method == "POST":
        found = None
        if entry.if_none_exist:
            found = to.resolve(entry.kind, parse_qsl(entry.if_none_exist.removeprefix("?"), keep_blank_values=True))
        entry.id = new_id() if found is None else found.id
    elif entry.method == "PUT" and not entry.rest:
        found = to.resolve(entry.kind, entry.pairs)
        own = (entry.resource or {}).get("id")
        entry.id = found.id if found is not None else own if isinstance(own, str) else new_id()
    elif entry.rest:
        entry.id = entry.rest[0]
    if entry.full_url and entry.id is not None and entry.method in ("POST", "PUT"):
        known[entry.full_url] = f"{entry.kind}/{entry.id}"


def _require_distinct(entries: list[Entry]) -> None:
    written = [(one.kind, one.id) for one in entries if one.method != "GET" and one.id is not None]
    if len(set(written)) != len(written):
        raise Refused(400, "invalid", "A transaction writes each resource once (FHIR R4 3.1.0.11.2).")


def _referring(to: Interactions, resource: Document, known: Mapping[str, str]) -> Document:
    """Return a resource whose references name what they mean."""

    def resolved(text: str, member: str) -> str:
        if text in known:
            return known[text]
        kind, condition, query = text.partition("?")
        if member != "reference" or not condition or kind not in parameters():
            return text
        found = to.resolve(kind, parse_qsl(query, keep_blank_values=True))
        if found is None:
            raise Refused(412, "not-found", "A conditional reference fits nothing.")
        return found.address

    changed: Document = _with_texts(resource, "", resolved)
    return changed


def _with_texts(value: Any, member: str, change: Callable[[str, str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _with_texts(below, name, change) for name, below in value.items()}
    if isinstance(value, list):
        return [_with_texts(below, member, change) for below in value]
    if isinstance(value, str) and member not in _NOT_REFERENCES:
        return change(value, member)
    return value


def _run(to: Interactions, entry: Entry) -> Reply:
    match entry.method, *entry.rest:
        case "GET", *rest:
            return _get(to, entry, rest)
        case ("DELETE",):
            return to.conditional_delete(entry.kind, entry.pairs)
        case "DELETE", id_:
            return to.delete(entry.kind, id_, entry.if_match)
        case ("POST",):
            return to.create(entry.kind, _resource(entry), entry.if_none_exist, entry.id)
        case ("PUT",):
            return to.conditional_update(entry.kind, entry.pairs, _resource(entry), entry.if_match, entry.id)
        case "PUT", id_:
            return to.update(entry.kind, id_, _resource(entry), entry.if_match)
        case "PATCH", id_:
            return to.patch(entry.kind, id_, patch_of(_resource(entry)), entry.if_match)
    raise Refused(404, "not-supported", f"{entry.method} of {entry.kind} with this url is no interaction here.")


def _get(to: Interactions, entry: Entry, rest: list[str]) -> Reply:
    match rest:
        case []:
            return to.search(entry.kind, entry.pairs)
        case ["_history"]:
            return to.history(entry.kind, None, entry.pairs)
        case [id_]:
            return to.read(entry.kind, id_)
        case [id_, "_history"]:
            return to.history(entry.kind, id_, entry.pairs)
        case [id_, "_history", version]:
            return to.vread(entry.kind, id_, version)
    raise Refused(404, "not-supported", "This url is no interaction here.")


def _resource(entry: Entry) -> Document:
    assert entry.resource is not None  # noqa: S101 - read_entry made sure
    return entry.resource


def patch_of(binary: Document) -> Any:
    """Return the JSON Patch that a Binary holds: so a Bundle carries one (FHIR R4 3.1.0.6)."""
    try:
        text = base64.b64decode(str(binary.get("data", "")), validate=True)
        return read(b'{"patch":' + text + b"}")["patch"]
    except (ValueError, Unreadable, KeyError):
        raise Refused(400, "structure", "A PATCH has a Binary with a JSON Patch as its resource.") from None


def _told(reply: Reply, base: str, representation: bool) -> dict[str, Any]:
    response: dict[str, Any] = {"status": f"{reply.status} {HTTPStatus(reply.status).phrase}"}
    told: dict[str, Any] = {"response": response}
    stored = reply.stored
    if stored is not None:
        response |= {"etag": stored.etag, "lastModified": instant(stored.updated)}
        if "Location" in reply.headers:
            response["location"] = reply.headers["Location"]
        wanted = representation or not reply.writes
        if wanted and stored.body is not None:
            told |= {"fullUrl": f"{base}/{stored.address}", "resource": RawJSON(stored.body)}
    elif reply.body is not None:
        told["resource"] = reply.body
    return told


def _failed(refused: Refused) -> dict[str, Any]:
    status = f"{refused.status} {HTTPStatus(refused.status).phrase}"
    return {"response": {"status": status, "outcome": outcome(refused.issues)}}
