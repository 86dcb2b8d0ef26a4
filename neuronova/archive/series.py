"""The stored series, and the attributes of all images of one, over DICOMweb."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from neuronova.archive.asking import Asking, OddAnswer
from neuronova.contract.ai.attributes import raw_values, text_of
from neuronova.contract.ai.series import OddMetadata, Series, series_of

PAGE = 500
_STUDY_INSTANCE_UID, _SERIES_INSTANCE_UID = "0020000D", "0020000E"


class Stored(NamedTuple):
    """A stored series by its UIDs."""

    study: str
    series: str


def stored_series(asking: Asking, study: str | None) -> list[Stored]:
    """Return the series of a study, or of all studies, each once (PS3.18 10.6).

    Raises:
        PlatformError: the platform does not answer as it should.
    """
    pages = _pages(asking, "/dicom-web/series" if study is None else f"/dicom-web/studies/{study}/series")
    found = (Stored(study or _uid(item, _STUDY_INSTANCE_UID), _uid(item, _SERIES_INSTANCE_UID)) for item in pages)
    return list(dict.fromkeys(found))


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
    offset = 0
    while page := asking.json("GET", path, params={"limit": PAGE, "offset": offset}):
        yield from page
        offset += len(page)


def _uid(item: dict[str, Any], tag: str) -> str:
    return text_of(next(iter(raw_values(item, tag)), None)) or ""
