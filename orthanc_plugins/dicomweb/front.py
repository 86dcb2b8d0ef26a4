"""The public root of DICOMweb: each request to whoever answers it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orthanc_plugins.answer import Answer, MultipartAnswer, error, send
from orthanc_plugins.dicomweb.archive import Archive
from orthanc_plugins.dicomweb.frames import Frames
from orthanc_plugins.dicomweb.images import Images
from orthanc_plugins.dicomweb.letters import by_uid, needs_letters
from orthanc_plugins.dicomweb.metadata import Metadata
from orthanc_plugins.dicomweb.objects import Objects
from orthanc_plugins.dicomweb.rendered import Rendered
from orthanc_plugins.dicomweb.request import Request, read_request
from orthanc_plugins.dicomweb.route import Kind, Route, parse_route
from orthanc_plugins.dicomweb.stock import Stock
from orthanc_plugins.journal import Journal
from orthanc_plugins.processes import Crew
from orthanc_plugins.sdk import Output, Sdk

log = logging.getLogger(__name__)

PATTERN = "/dicom-web/(.*)"


class Front:
    """Answers what arrives below `/dicom-web/`."""

    def __init__(
        self, sdk: Sdk, *, storage: Path, journal: Journal, crew: Crew, port: int, public_url: str | None
    ) -> None:
        self._archive = archive = Archive(sdk)
        images = Images(sdk, archive, storage)
        rendered = Rendered(archive, images, crew, stock := Stock(port))
        self._stock = stock
        self._public_url = public_url
        self._handlers: dict[Kind, Callable[[Request, Route], Answer | MultipartAnswer]] = {
            Kind.FRAMES: Frames(images, crew, stock).answer,
            Kind.METADATA: Metadata(archive, journal, crew, stock).answer,
            Kind.OBJECTS: Objects(archive, images, crew, stock).answer,
            Kind.RENDERED: rendered.answer,
            Kind.THUMBNAIL: rendered.answer,
        }

    def on_request(self, output: Output, _uri: str, **given: Any) -> None:
        """Answer one request; Orthanc calls this in any of its threads."""
        started = time.monotonic()
        request = read_request(given["groups"][0], given, self._public_url)
        try:
            answer = self._answer(request)
        except Exception:
            log.exception("%s %s", request.method, request.path)
            answer = error(500, "The server failed to answer; its log says why")
        send(output, answer)
        log.debug("%s %s in %.1f ms", request.method, request.path, 1000 * (time.monotonic() - started))

    def _answer(self, request: Request) -> Answer | MultipartAnswer:
        route = parse_route(request.path) if request.method == "GET" else None
        if route is None and needs_letters(request):
            request = by_uid(request, self._archive.search)
        if route is None:
            return self._stock.pass_on(request)
        return self._handlers[route.kind](request, route)
