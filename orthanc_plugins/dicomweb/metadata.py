"""Retrieve Metadata (PS3.18 10.4.1.1.2) from what was prepared when a series had arrived."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

from orthanc_plugins.answer import Answer
from orthanc_plugins.dicomweb.accept import parse_accept
from orthanc_plugins.dicomweb.archive import Archive, Located
from orthanc_plugins.dicomweb.request import Request
from orthanc_plugins.dicomweb.route import Route
from orthanc_plugins.dicomweb.stock import Stock
from orthanc_plugins.journal import Journal
from orthanc_plugins.processes import Crew
from orthanc_plugins.series_metadata import ATTACHMENT, BASE, InstanceMetadata, compose, fingerprint, unpack

DICOM_JSON = "application/dicom+json"
JSON_TYPES = (DICOM_JSON, "application/json", "*/*")
MOST_BYTES = 4 << 20  # a viewer asks for a series once; what is not here is read from its attachment

Prepared = tuple[str, str | None, list[InstanceMetadata], list[str]]
"""Fingerprint, the attachment's file, the instances' metadata, and their identifiers in Orthanc."""


class Metadata:
    """Answers requests for metadata in DICOM JSON."""

    def __init__(self, archive: Archive, journal: Journal, crew: Crew, stock: Stock) -> None:
        self._archive = archive
        self._journal = journal
        self._crew = crew
        self._stock = stock
        self._cache: OrderedDict[str, Prepared] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def answer(self, request: Request, route: Route) -> Answer:
        """Answer for a study or series in DICOM JSON.

        The stock plugin answers for an instance, knows XML, and words the errors.
        """
        located = self._archive.locate(route.study, route.series) if self._is_ours(request, route) else None
        if located is None:
            return self._stock.pass_on(request)
        series = self._archive.series_of_study(located) if route.series is None else [located]
        items: list[InstanceMetadata] = []
        identifiers: list[str] = []
        for one in series:
            prepared = self._series(one)
            if prepared is None:
                return self._stock.pass_on(request)
            items += prepared[0]
            identifiers += prepared[1]
        body = compose(items, self._available(identifiers))
        return Answer(body.replace(BASE.encode(), request.public_base.encode()), DICOM_JSON)

    @staticmethod
    def _is_ours(request: Request, route: Route) -> bool:
        for accepted in parse_accept(request.headers.get("accept")):
            if accepted.multipart or accepted.media_type in JSON_TYPES:
                return route.instance is None and not accepted.multipart
        return False

    def _available(self, identifiers: Sequence[str]) -> list[tuple[str, ...]]:
        known = self._journal.syntaxes(identifiers)
        return [known[name] if name in known else self._stored_syntax(name) for name in identifiers]

    def _stored_syntax(self, identifier: str) -> tuple[str, ...]:
        syntax = self._archive.get(f"/instances/{identifier}/metadata/TransferSyntax")
        return () if syntax is None else (str(syntax),)

    def _series(self, series: Located) -> tuple[list[InstanceMetadata], list[str]] | None:
        with self._lock:
            prepared = self._cache.get(series.identifier)
        if prepared is not None and self._fits(series, prepared):
            return prepared[2], prepared[3]
        description = self._archive.get(f"/series/{series.identifier}")
        if description is None:
            return None
        mark = fingerprint(description)
        attached = self._attached(series, mark)
        if attached is None:
            reply = self._crew.ask(
                {
                    "task": "series_metadata",
                    "path": series.path,
                    "series": series.identifier,
                    "fingerprint": mark,
                }
            )
            if reply.state != "done":
                return None
            attached = (None, unpack(reply.parts[0])[1])
        uuid, items = attached
        identifiers = [series.below(item.instance).identifier for item in items]
        self._keep(series.identifier, (mark, uuid, items, identifiers))
        return items, identifiers

    def _fits(self, series: Located, prepared: Prepared) -> bool:
        description = self._archive.get(f"/series/{series.identifier}")
        return (
            description is not None
            and fingerprint(description) == prepared[0]
            and self._archive.attachment_uuid("series", series.identifier, ATTACHMENT) == prepared[1]
        )

    def _attached(self, series: Located, mark: str) -> tuple[str | None, list[InstanceMetadata]] | None:
        uuid = self._archive.attachment_uuid("series", series.identifier, ATTACHMENT)
        if uuid is None:
            return None
        content = self._archive.content("series", series.identifier, ATTACHMENT)
        try:
            found, items = unpack(content or b"")
        except ValueError:
            return None
        return (uuid, items) if found == mark else None

    def _keep(self, identifier: str, prepared: Prepared) -> None:
        with self._lock:
            self._drop(identifier)
            self._cache[identifier] = prepared
            self._bytes += _size(prepared)
            while self._bytes > MOST_BYTES and len(self._cache) > 1:
                self._drop(next(iter(self._cache)))

    def _drop(self, identifier: str) -> None:
        prepared = self._cache.pop(identifier, None)
        if prepared is not None:
            self._bytes -= _size(prepared)


def _size(prepared: Prepared) -> int:
    return sum(len(item.before) + len(item.after) + 500 for item in prepared[2])
