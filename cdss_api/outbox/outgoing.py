"""A resource as another system gets it: with our identifier, and with references that it understands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cdss_api.fhir.definitions import parameters
from cdss_api.fhir.document import Document

RESOURCE = "urn:neuronova:resource"  # an identifier, or a tag where a type has none: TYPE/ID
VERSION = "urn:neuronova:version"  # a tag: which of our versions it was made from

_LOCAL = re.compile(r"(?P<kind>[A-Z][A-Za-z]{1,63})/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?")

# From the type and id of a resource of ours to what replaces its reference.
Resolve = Callable[[str, str], Document]


def outgoing(document: Document, resolve: Resolve) -> Document:
    """Return a stored resource as it is sent to another server, without an id, which is the server's to give."""
    kind, id_, version = document["resourceType"], document["id"], document["meta"]["versionId"]
    kept = {name: value for name, value in document.items() if name not in ("id", "meta")}
    sent: Document = _resolved(kept, resolve)
    ours = {"system": RESOURCE, "value": f"{kind}/{id_}"}
    tags = [{"system": VERSION, "code": version}]
    if _identified(kind):
        sent["identifier"] = [*sent.get("identifier", []), ours]
    else:
        tags.append({"system": RESOURCE, "code": f"{kind}/{id_}"})
    meta = {name: value for name, value in document["meta"].items() if name in ("profile", "security")}
    return sent | {"meta": meta | {"tag": [*document["meta"].get("tag", []), *tags]}}


def criteria(kind: str, id_: str) -> str:
    """Return the search that finds our resource at a target, as If-None-Exist takes it (FHIR R4 3.1.0.8.1)."""
    return f"{'identifier' if _identified(kind) else '_tag'}={RESOURCE}|{kind}/{id_}"


def logical(kind: str, id_: str, document: Document | None) -> Document:
    """Return a reference by identifier (FHIR R4 2.3.0.2), the resource's own if any, to what the target lacks."""
    identifiers = [] if document is None else document.get("identifier")
    own = identifiers[0] if isinstance(identifiers, list) and identifiers else None
    if not isinstance(own, dict) or "value" not in own:
        own = {"system": RESOURCE, "value": f"{kind}/{id_}"}
    return {"type": kind, "identifier": own}


def version_of(theirs: Document) -> int:
    """Return which of our versions a target's resource was made from; 0 where it does not tell.

    Servers that keep the tags of earlier versions have several: the newest counts.
    """
    meta = theirs.get("meta")
    tags = meta.get("tag") if isinstance(meta, dict) else None
    found = [tag.get("code") for tag in tags or [] if isinstance(tag, dict) and tag.get("system") == VERSION]
    return max((int(code) for code in found if isinstance(code, str) and code.isdecimal()), default=0)


def holds(theirs: Document, ours: Document) -> bool:
    """Return whether a target's resource is what we sent, whatever the server added by itself."""
    if version_of(theirs) != version_of(ours):
        return False
    return all(theirs.get(name) == value for name, value in ours.items() if name not in ("meta", "text"))


def _identified(kind: str) -> bool:
    return "identifier" in parameters()[kind]


def _resolved(value: Any, resolve: Resolve) -> Any:
    if isinstance(value, list):
        return [_resolved(one, resolve) for one in value]
    if not isinstance(value, dict):
        return value
    text = value.get("reference")
    local = _LOCAL.fullmatch(text) if isinstance(text, str) else None
    rest = {name: _resolved(one, resolve) for name, one in value.items() if local is None or name != "reference"}
    return rest if local is None else resolve(local["kind"], local["id"]) | rest
