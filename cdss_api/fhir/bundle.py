"""Bundles that answer: searches, histories (FHIR R4 2.36)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from simplejson import RawJSON

from cdss_api.fhir.moment import instant
from cdss_api.fhir.store import Stored


class Link(NamedTuple):
    """A link of a Bundle; `relation` is of RFC 8288."""

    relation: str
    path: str
    pairs: Sequence[tuple[str, str]]


def searchset(
    matches: Sequence[Stored],
    included: Sequence[Stored],
    total: int | None,
    told: Mapping[str, Any] | None,
    base: str,
    links: Iterable[Link],
) -> dict[str, Any]:
    """Return what a search found; `told` is an OperationOutcome about it."""
    entries = [_entry(one, base, "match") for one in matches]
    entries += [_entry(one, base, "include") for one in included]
    if told is not None:
        entries.append({"resource": told, "search": {"mode": "outcome"}})
    return _bundle("searchset", entries, links, total)


def history(versions: Sequence[Stored], base: str, links: Iterable[Link]) -> dict[str, Any]:
    """Return versions; a deletion has no resource."""
    return _bundle("history", [_version(one, base) for one in versions], links, None)


def _entry(stored: Stored, base: str, mode: str) -> dict[str, Any]:
    return {"fullUrl": f"{base}/{stored.address}", "resource": _as_stored(stored.body), "search": {"mode": mode}}


def _version(stored: Stored, base: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"fullUrl": f"{base}/{stored.address}"}
    if stored.body is not None:
        entry["resource"] = _as_stored(stored.body)
    url = stored.kind if stored.method == "POST" else stored.address
    created = stored.version == 1
    return entry | {
        "request": {"method": stored.method, "url": url},
        "response": {
            "status": "204" if stored.body is None else "201" if created else "200",
            "etag": stored.etag,
            "lastModified": instant(stored.updated),
        },
    }


def _as_stored(body: str | None) -> RawJSON:
    # Its text is put in as it is: to read and write it again would be most of the work of an answer.
    return RawJSON(body or "null")


def _bundle(kind: str, entries: list[dict[str, Any]], links: Iterable[Link], total: int | None) -> dict[str, Any]:
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": kind}
    if total is not None:
        bundle["total"] = total
    bundle["link"] = [
        {"relation": one.relation, "url": one.path + (f"?{urlencode(one.pairs)}" if one.pairs else "")} for one in links
    ]
    return bundle | ({"entry": entries} if entries else {})
