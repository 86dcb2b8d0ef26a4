"""A resource of a target's as our record takes it: without what we had added, and with references that lead to ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from cdss_api.fhir.document import Document
from cdss_api.outbox.outgoing import RESOURCE, VERSION

_RELATIVE = re.compile(r"(?P<kind>[A-Z][A-Za-z]{1,63})/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?")

# From the type and id of a resource of theirs to the id of ours; None where we have none.
Local = Callable[[str, str], str | None]


def incoming(theirs: Document, base: str, local: Local) -> Document:
    """Return a target's resource as it is stored here, without an id; `base` is the target's FHIR address.

    A reference to what is not here becomes one by identifier (FHIR R4 2.3.0.2): their id, within their address.
    """
    kept = {name: value for name, value in theirs.items() if name not in ("id", "meta", "text")}
    taken: Document = _resolved(kept, base, local)
    if isinstance(taken.get("identifier"), list):
        others = [one for one in taken["identifier"] if not _is_ours(one)]
        taken = {name: value for name, value in taken.items() if name != "identifier"}
        if others:
            taken["identifier"] = others
    meta = theirs.get("meta")
    told = meta if isinstance(meta, dict) else {}
    tags = [one for one in told.get("tag") or [] if not (isinstance(one, dict) and one.get("system") in _OURS)]
    kept_meta = {name: told[name] for name in ("profile", "security") if name in told} | ({"tag": tags} if tags else {})
    return taken | ({"meta": kept_meta} if kept_meta else {})


def named_ours(theirs: Document) -> str | None:
    """Return the id of the resource of ours that a target's resource was made from; None where it names none."""
    listed = theirs.get("identifier")
    found = [one.get("value") for one in listed if _is_ours(one)] if isinstance(listed, list) else []
    kind, _, id_ = str(found[0]).partition("/") if found else ("", "", "")
    return id_ if id_ and kind == theirs.get("resourceType") else None


def identifiers(theirs: Document) -> Sequence[tuple[str, str]]:
    """Return system and value of what others know a resource by."""
    listed = theirs.get("identifier")
    own = [one for one in listed if isinstance(one, dict) and not _is_ours(one)] if isinstance(listed, list) else []
    return [(one["system"], one["value"]) for one in own if one.get("system") and one.get("value")]


def referred(theirs: Document, base: str) -> set[tuple[str, str]]:
    """Return types and ids of what a target's resource refers to at the target."""
    found: set[tuple[str, str]] = set()
    _resolved({name: value for name, value in theirs.items() if name != "meta"}, base, lambda *it: found.add(it))
    return found


_OURS = frozenset({RESOURCE, VERSION})


def _is_ours(identifier: object) -> bool:
    return isinstance(identifier, dict) and identifier.get("system") == RESOURCE


def _resolved(value: Any, base: str, local: Local) -> Any:
    if isinstance(value, list):
        return [_resolved(one, base, local) for one in value]
    if not isinstance(value, dict):
        return value
    text = value.get("reference")
    named = _RELATIVE.fullmatch(text.removeprefix(f"{base}/")) if isinstance(text, str) else None
    rest = {name: _resolved(one, base, local) for name, one in value.items() if named is None or name != "reference"}
    if named is None:
        return rest
    ours = local(named["kind"], named["id"])
    if ours is not None:
        return {"reference": f"{named['kind']}/{ours}"} | rest
    return {"type": named["kind"], "identifier": {"system": f"{base}/{named['kind']}", "value": named["id"]}} | rest
