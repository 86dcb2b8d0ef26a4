"""Orthanc's `/changes` feed and its list of instances, taken into the journal."""

from __future__ import annotations

from collections.abc import Iterator

from orthanc_plugins.journal import Journal
from orthanc_plugins.workers.client import OrthancClient

PAGE = 1000


def advance(client: OrthancClient, journal: Journal, now: float) -> bool:
    """Take one page of changes in; return whether there may be more."""
    before = journal.sequence()
    page = client.get_json("/changes", since=before, limit=PAGE)
    if page is None:
        return False
    changes = page["Changes"]
    if not changes:
        return False
    new = [change["ID"] for change in changes if change["ChangeType"] == "NewInstance"]
    journal.take_in(before, page["Last"], new, now)
    return not page["Done"]


def rewind(client: OrthancClient, journal: Journal, now: float) -> None:
    """Put the cursor back where the feed ends before it: the index was restored, or made anew.

    To be called at start only. Later it means that the newest changes were erased with what was deleted, and the
    next ones have higher numbers all the same.
    """
    before = journal.sequence()
    page = client.get_json("/changes", since=before, limit=1)
    if page is not None and page["Last"] < before:
        journal.take_in(before, page["Last"], [], now)


def reconcile(client: OrthancClient, journal: Journal, now: float) -> int:
    """Compare the journal with all instances of Orthanc; return how many were noted."""
    return journal.reconcile(_instances(client), now)


def _instances(client: OrthancClient) -> Iterator[list[str]]:
    since = 0
    while page := client.get_json("/instances", since=since, limit=PAGE):
        yield page
        since += len(page)
