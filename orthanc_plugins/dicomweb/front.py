"""The public root of DICOMweb: each request to whoever answers it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from neuronova.contract.audit import Action
from orthanc_plugins.access.address import DICOM_WEB
from orthanc_plugins.access.decision import HIDDEN, Decision, is_limited
from orthanc_plugins.access.gate import Gate, Judgement, refusal
from orthanc_plugins.access.identity import Identity
from orthanc_plugins.access.search import Search
from orthanc_plugins.answer import Answer, MultipartAnswer, error, send
from orthanc_plugins.dicomweb.archive import Archive
from orthanc_plugins.dicomweb.frames import Frames
from orthanc_plugins.dicomweb.images import Images
from orthanc_plugins.dicomweb.letters import by_uid, needs_letters
from orthanc_plugins.dicomweb.limited import LimitedSearch
from orthanc_plugins.dicomweb.metadata import Metadata
from orthanc_plugins.dicomweb.objects import Objects
from orthanc_plugins.dicomweb.rendered import Rendered
from orthanc_plugins.dicomweb.request import Request, read_request
from orthanc_plugins.dicomweb.route import Kind, Route, parse_route
from orthanc_plugins.dicomweb.stock import Elsewhere, Stock
from orthanc_plugins.dicomweb.storing import checked, noted
from orthanc_plugins.journal import Journal
from orthanc_plugins.metrics.counts import Counts
from orthanc_plugins.metrics.forms import what_of
from orthanc_plugins.processes import Crew
from orthanc_plugins.sdk import Output, Sdk

log = logging.getLogger(__name__)

PATTERN = "/dicom-web/(.*)"
WADO_PATTERN = "/wado"
NO_ARGUMENTS: Mapping[str, str] = MappingProxyType({})  # what a path below the root addresses, it says by itself
LOOPBACK = "127.0.0.1"  # Orthanc tells callbacks no address, and its port is open to this machine alone
_ELSEWISE = (Action.QUERY, Action.STORE)


class Front:
    """Answers what arrives below `/dicom-web/`."""

    def __init__(
        self,
        sdk: Sdk,
        *,
        archive: Archive,
        storage: Path,
        journal: Journal,
        crew: Crew,
        stock: Stock,
        gate: Gate,
        search: Search,
        public_url: str | None,
        counts: Counts,
    ) -> None:
        self._counts = counts
        self._archive = archive
        images = Images(sdk, archive, storage)
        rendered = Rendered(archive, images, crew, stock)
        self._stock = stock
        self._gate = gate
        self._limited = LimitedSearch(search, stock)
        self._public_url = public_url
        self._handlers: dict[Kind, Callable[[Request, Route], Answer | MultipartAnswer]] = {
            Kind.FRAMES: Frames(images, crew, stock).answer,
            Kind.METADATA: Metadata(archive, journal, crew, stock).answer,
            Kind.OBJECTS: Objects(archive, images, crew, stock).answer,
            Kind.RENDERED: rendered.answer,
            Kind.THUMBNAIL: rendered.answer,
        }

    def on_request(self, output: Output, _uri: str, **given: Any) -> None:
        """Answer one request below the root; Orthanc calls this in any of its threads."""
        below = given["groups"][0]
        path = f"{DICOM_WEB}/{below}"
        judged = self._gate.judge(given["method"], path, given["headers"], NO_ARGUMENTS, LOOPBACK)
        request = read_request(below, given, self._public_url, confined=_confined(judged))
        self._pass(output, request, judged)

    def on_wado(self, output: Output, _uri: str, **given: Any) -> None:
        """Answer one WADO-URI request (PS3.18 9)."""
        request = read_request("", given, self._public_url)
        judged = self._gate.judge(request.method, WADO_PATTERN, request.headers, request.arguments, LOOPBACK)
        self._pass(output, request._replace(is_wado_uri=True, confined=_confined(judged)), judged)

    def _pass(self, output: Output, request: Request, judged: Judgement) -> None:
        started = time.monotonic()
        stored: list[Judgement] = []
        try:
            answer = self._admit(request, judged, stored)
        except Elsewhere:
            answer = refusal(HIDDEN)
        except Exception:
            log.exception("%s %s", request.method, judged.route.path)
            answer = error(500, "The server failed to answer; its log says why")
        status = answer.status if isinstance(answer, Answer) else 200
        try:
            send(output, answer)
        except Exception:
            status = 500
            raise
        finally:
            for one in (judged, *stored):
                self._gate.finish(one, status)
        took = time.monotonic() - started
        self._counts.answered(what_of(request.path, judged.address.action), status, took)
        log.debug("%s %s in %.1f ms", request.method, judged.route.path, 1000 * took)

    def _admit(self, request: Request, judged: Judgement, stored: list[Judgement]) -> Answer | MultipartAnswer:
        """Answer what is allowed, as far as it is; `stored` takes what was decided on each object of a store."""
        address, bearer = judged.address, judged.bearer
        if not judged.decision.allowed:
            return refusal(judged.decision)
        if bearer is not None and address.action is Action.STORE:
            return self._store(request, judged, stored)
        if bearer is not None and address.action is Action.QUERY and is_limited(bearer):
            return self._limited.answer(request, address, bearer)
        return self._answer(request)

    def _store(self, request: Request, judged: Judgement, stored: list[Judgement]) -> Answer:
        def allows(identity: Identity) -> Decision:
            stored.append(self._gate.may_store(judged, identity))
            return stored[-1].decision

        found: Request | Answer | Decision | None
        if judged.bearer is not None and is_limited(judged.bearer):
            found = checked(request, judged.address.study, allows)
        else:
            found = noted(request, allows) or request
        if isinstance(found, Decision):
            return refusal(found)
        return found if isinstance(found, Answer) else self._stock.pass_on(found)

    def _answer(self, request: Request) -> Answer | MultipartAnswer:
        if request.is_wado_uri:
            return self._stock.pass_on(request)
        route = parse_route(request.path) if request.method == "GET" else None
        if route is None and needs_letters(request):
            request = by_uid(request, self._archive.search)
        if route is None:
            return self._stock.pass_on(request)
        answer = self._handlers[route.kind](request, route)
        if route.kind is Kind.FRAMES:
            self._counts.served(answer, len(route.frames))
        return answer


def _confined(judged: Judgement) -> tuple[str, ...]:
    """Return the UIDs that an answer has to be from: whoever sees not all was asked about no others.

    A search is limited by itself, and what is stored need not be there yet.
    """
    if judged.bearer is None or not is_limited(judged.bearer) or judged.address.action in _ELSEWISE:
        return ()
    return judged.address.uids
