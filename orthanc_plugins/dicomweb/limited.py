"""Searches and stores of those who may see some patients only.

Which studies or series are on the page is decided by one query over the register, permission included; the stock
plugin is then asked for these, so that the form of the answer is its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus
from itertools import islice
from urllib.parse import parse_qsl

from orthanc_plugins.access.address import Address
from orthanc_plugins.access.decision import Bearer
from orthanc_plugins.access.matching import NO_LIMIT, OddQuery, Query, read_query
from orthanc_plugins.access.search import Search
from orthanc_plugins.answer import Answer, error
from orthanc_plugins.dicomweb.request import Request, encoded
from orthanc_plugins.dicomweb.stock import Stock

AT_ONCE = 100  # UIDs that fit into one address
NO_UID = "0"  # no object has it
_UPPER = {"StudyInstanceUID", "0020000D"}
_Pairs = Sequence[tuple[str, str]]


class LimitedSearch:
    """Answers the searches that name no study in their path."""

    def __init__(self, search: Search, stock: Stock, clock: Callable[[], float] = time.time) -> None:
        self._search = search
        self._stock = stock
        self._clock = clock

    def answer(self, request: Request, address: Address, bearer: Bearer) -> Answer:
        """Answer a search for studies, series or instances (PS3.18 10.6)."""
        pairs = parse_qsl(request.query, keep_blank_values=True)
        if address.study is not None:
            named = _UPPER | ({"SeriesInstanceUID", "0020000E"} if address.series else set())
            if any(name in named for name, _ in pairs):
                return error(HTTPStatus.BAD_REQUEST, "The path names the study or series already")
            return self._stock.pass_on(request)
        try:
            query = read_query(pairs)
        except OddQuery as odd:
            return error(HTTPStatus.BAD_REQUEST, str(odd))
        match request.path.strip("/"):
            case "studies":
                return self._studies(request, bearer, query)
            case "series":
                return self._series(request, bearer, query)
            case _:
                return self._instances(request, bearer, query, pairs)

    def _studies(self, request: Request, bearer: Bearer, query: Query) -> Answer:
        def page(limit: int, offset: int) -> list[tuple[str, ...]]:
            uids = self._search.studies(bearer, query, self._clock(), limit, offset)
            return [(uid,) for uid in uids]

        return self._page(request, query, page, ("StudyInstanceUID",))

    def _series(self, request: Request, bearer: Bearer, query: Query) -> Answer:
        def page(limit: int, offset: int) -> list[tuple[str, ...]]:
            return list(self._search.series(bearer, query, self._clock(), limit, offset))

        return self._page(request, query, page, ("StudyInstanceUID", "SeriesInstanceUID"))

    def _page(
        self,
        request: Request,
        query: Query,
        page: Callable[[int, int], list[tuple[str, ...]]],
        names: tuple[str, ...],
    ) -> Answer:
        if query.others:
            # Orthanc alone can match these: it looks through what is permitted, a page's worth at a time.
            found = page(NO_LIMIT, 0)
            return self._merged(request, self._matching(request, query, found, names), query)
        found = page(query.limit, query.offset)
        if len(found) <= AT_ONCE:
            return self._stock.pass_on(_by_uid(request, query, found, names))
        return self._merged(request, self._matching(request, query, found, names), replace(query, limit=-1, offset=0))

    def _matching(
        self, request: Request, query: Query, found: Sequence[tuple[str, ...]], names: tuple[str, ...]
    ) -> Iterator[Answer]:
        for start in range(0, len(found), AT_ONCE):
            yield self._stock.pass_on(_by_uid(request, query, found[start : start + AT_ONCE], names))

    def _instances(self, request: Request, bearer: Bearer, query: Query, pairs: _Pairs) -> Answer:
        found = self._search.series(bearer, query, self._clock(), NO_LIMIT, 0)
        kept = [(name, value) for name, value in pairs if name not in ("limit", "offset", *_UPPER, "SeriesInstanceUID")]
        text = "&".join(encoded(name, value) for name, value in kept)
        answers = (
            self._stock.pass_on(request._replace(path=f"studies/{study}/series/{series}/instances", query=text))
            for study, series in found
        )
        return self._merged(request, answers, query)

    def _merged(self, request: Request, answers: Iterator[Answer], query: Query) -> Answer:
        """Join the answers to parts of a search, as many as the page takes; JSON only."""
        if "xml" in request.headers.get("accept", ""):
            return error(HTTPStatus.NOT_ACCEPTABLE, f"More than {AT_ONCE} results are given as application/dicom+json")
        failed: list[Answer] = []

        def rows() -> Iterator[object]:
            for answer in answers:
                if answer.status != HTTPStatus.OK:
                    failed.append(answer)
                    return
                yield from json.loads(answer.body)

        end = None if query.limit == NO_LIMIT else query.offset + query.limit
        found = list(islice(rows(), query.offset, end))
        if failed:
            return failed[0]
        return Answer(json.dumps(found, ensure_ascii=False).encode(), "application/dicom+json")


def _by_uid(request: Request, query: Query, found: Sequence[tuple[str, ...]], names: tuple[str, ...]) -> Request:
    uids = [(name, ",".join(dict.fromkeys(row[index] for row in found)) or NO_UID) for index, name in enumerate(names)]
    asked = [*uids, *query.others, *query.shown]
    return request._replace(query="&".join(encoded(name, value) for name, value in asked))
