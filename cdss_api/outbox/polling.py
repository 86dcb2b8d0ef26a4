"""Asking a target for what others wrote there: one page after the other, from where the last time ended.

Each resource and the place in the answer are taken in by themselves, and what is asked for again is known by its
version, so that a process may end at any moment. The cursor is the newest `lastUpdated` that was seen, as the target
wrote it; the next question begins a little before it, since a server may show a resource only some time after that.
Deletions are not seen by a search and are not taken over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import requests

from cdss_api.database import Database
from cdss_api.fhir.document import Document
from cdss_api.outbox.cursors import Cursor
from cdss_api.outbox.exchange import Undelivered
from cdss_api.outbox.fhir_client import FhirClient, Theirs
from cdss_api.outbox.verdicts import of_exception

_LOG = logging.getLogger(__name__)
OVERLAP = timedelta(seconds=60)
_PAGE = 100
_PAGES = 1000  # of one question; the rest is asked for the next time


# Takes in what a target has: the target's name and its resource.
Take = Callable[[str, Theirs], None]


@dataclass(frozen=True, slots=True)
class Poller:
    """Asks one target for one type."""

    database: Database
    target: str
    kind: str
    client: FhirClient
    take: Take
    clock: Callable[[], float]

    def poll(self) -> int:
        """Take in what is new, and return how many resources were looked at; a failure is kept and told."""
        detail, seen = None, 0
        try:
            seen = self._pages()
        except Undelivered as refused:
            detail = refused.outcome.detail
        except (requests.RequestException, OSError) as error:
            detail = of_exception(error).detail
        if detail is not None:
            _LOG.warning("%s was not polled for %s (%s)", self.target, self.kind, detail.partition(" ")[0])
        with self.database.writing() as session:
            row = session.get(Cursor, (self.target, self.kind)) or Cursor(target=self.target, kind=self.kind)
            row.polled_at, row.detail = self.clock(), detail
            session.add(row)
        return seen

    def _pages(self) -> int:
        with self.database.reading() as session:
            row = session.get(Cursor, (self.target, self.kind))
            since = None if row is None else row.since
        asked: str | None = question(self.kind, since)
        seen, pages = 0, 0
        while asked is not None and pages < _PAGES:
            self.client.exchange.begin()
            before = since
            found, asked = self.client.page(self.kind, asked)
            pages += 1
            for theirs in found:
                self.take(self.target, theirs)
                seen += 1
                since = later(since, theirs.document)
            self._keep(since)
            if (asked is not None or len(found) >= _PAGE) and since != before:
                # Not every server gives a link to the next page. Where one counts from the first resource, what is
                # changed meanwhile moves to the end, all others move up, and one falls between two pages. So a link
                # is followed only through resources of one instant.
                asked = question(self.kind, since, overlap=timedelta())
        return seen

    def _keep(self, since: str | None) -> None:
        with self.database.writing() as session:
            row = session.get(Cursor, (self.target, self.kind)) or Cursor(target=self.target, kind=self.kind)
            row.since = since
            session.add(row)


def question(kind: str, since: str | None, overlap: timedelta = OVERLAP) -> str:
    """Return the search for what changed since an instant, the oldest first, so that a broken-off answer costs none."""
    asked = f"{kind}?_sort=_lastUpdated&_count={_PAGE}"
    if since is None:
        return asked
    moment = datetime.fromisoformat(since) - overlap
    return f"{asked}&_lastUpdated=ge{moment.isoformat(timespec='milliseconds').replace('+', '%2B')}"


def later(since: str | None, document: Document) -> str | None:
    """Return the later of an instant and a resource's `lastUpdated`; what is no instant changes nothing."""
    named = _named(document)
    moment = _moment(named)
    known = None if since is None else _moment(since)
    return named if moment is not None and (known is None or moment > known) else since


def instant(document: Document) -> int:
    """Return a resource's `lastUpdated` in microseconds since the epoch; 0 where it tells none."""
    moment = _moment(_named(document))
    return 0 if moment is None else int(moment.timestamp() * 1_000_000)


def _named(document: Document) -> str:
    meta = document.get("meta")
    return str(meta.get("lastUpdated", ""))[:40] if isinstance(meta, dict) else ""


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment
