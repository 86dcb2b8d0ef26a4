"""Resources that the platform keeps as something else is: written where they would say something new."""

from __future__ import annotations

from cdss_api.fhir.document import Document, read, write
from cdss_api.fhir.outcome import Refused
from cdss_api.fhir.store import Store


def current(store: Store, kind: str, id_: str) -> Document | None:
    """Return a resource as it now is; None where there is none, or it was deleted, or may not be seen."""
    try:
        return store.read(kind, id_).document()
    except Refused:
        return None


def keep(store: Store, made: Document, ours: frozenset[str] | None = None) -> None:
    """Write a resource, under the id that it has, unless it says the same already.

    Members that are neither in it nor in `ours` stay as they are; without `ours`, all of it is ours.
    """
    kind, id_ = str(made["resourceType"]), str(made["id"])
    known = current(store, kind, id_)
    document = made
    if known is not None and ours is not None:
        document = {name: value for name, value in known.items() if name not in ours | made.keys()} | made
    if known is None or _compared(document) != _compared(known):
        store.update(kind, id_, document)


def _compared(document: Document) -> Document:
    return {name: value for name, value in read(write(document)).items() if name != "meta"}
