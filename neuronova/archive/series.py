"""The stored series, and the attributes of all images of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from neuronova.archive.asking import Asking, OddAnswer
from neuronova.archive.studies import identifiers
from neuronova.contract.ai.series import OddMetadata, Series, series_of

PAGE = 500


class Stored(NamedTuple):
    """A stored series by its UIDs."""

    study: str
    series: str


def stored_series(asking: Asking, study: str | None) -> list[Stored]:
    """Return the series of a StudyInstanceUID, or of all studies, each once.

    Asked of Orthanc's own API: QIDO-RS of the stock plugin reads a file of each series, and fails for all of them where
    one is lost.

    Raises:
        PlatformError: it is no UID, or the platform does not answer as it should.
    """
    if study is not None:
        found = identifiers(asking, study)
        series = [one for identifier in found for one in asking.json("GET", f"/studies/{identifier}/series")]
        return _once((study, one) for one in series)
    uids = {one["ID"]: one["MainDicomTags"].get("StudyInstanceUID", "") for one in _pages(asking, "/studies")}
    # One whose study came after the studies were listed is not looked at.
    listed = ((uids.get(one["ParentStudy"]), one) for one in _pages(asking, "/series"))
    return _once((uid, one) for uid, one in listed if uid is not None)


def read_series(asking: Asking, stored: Stored) -> Series:
    """Return a series with the attributes of all of its images (PS3.18 10.4.1.1.2).

    Raises:
        OddAnswer: it is gone, or its metadata cannot be read.
        PlatformError: the platform does not answer any more.
    """
    try:
        return series_of(asking.json("GET", f"/dicom-web/studies/{stored.study}/series/{stored.series}/metadata"))
    except OddMetadata as odd:
        raise OddAnswer(str(odd)) from None


def _pages(asking: Asking, path: str) -> Iterator[dict[str, Any]]:
    since = 0
    while page := asking.json("GET", path, params={"expand": "", "since": since, "limit": PAGE}):
        yield from page
        since += len(page)


def _once(named: Iterable[tuple[str, dict[str, Any]]]) -> list[Stored]:
    """Return each series once: a study can be there under two patients."""
    return list(dict.fromkeys(Stored(study, one["MainDicomTags"].get("SeriesInstanceUID", "")) for study, one in named))
