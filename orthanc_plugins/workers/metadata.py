"""DICOM JSON asked of the stock plugin and kept with its series."""

from __future__ import annotations

import io
import json
from typing import Any

from orthanc_plugins.series_metadata import ATTACHMENT, BASE, InstanceMetadata, cut, fingerprint, pack
from orthanc_plugins.workers.client import Gone, OrthancClient
from orthanc_plugins.workers.windows import add_window
from orthanc_plugins.workers.workshop import Workshop

STOCK_ROOT = "/_stock-dicom-web"
HOST = "base.invalid"


def fetch(client: OrthancClient, path: str) -> list[dict[str, Any]]:
    """Return the stock plugin's metadata of `path` (such as `studies/1.2/series/1.3`), with `BASE` as its root.

    Raises:
        Gone: there is no such study, series or instance.
    """
    text = client.get_text(f"{STOCK_ROOT}/{path}/metadata", host=HOST, accept="application/dicom+json")
    items: list[dict[str, Any]] = json.loads(text.replace(f"http://{HOST}{STOCK_ROOT}", BASE))
    return items


def read_series(workshop: Workshop, series: str, path: str) -> list[InstanceMetadata]:
    """Return a series' metadata as it is served: with a window where it names none.

    `series` is Orthanc's identifier, and `path` the series' below the root of DICOMweb.

    Raises:
        Gone: there is no such series.
    """
    items = fetch(workshop.client, path)
    add_window(workshop, series, items)
    return [cut(item) for item in items]


def attach(client: OrthancClient, series: str, content: bytes) -> None:
    """Keep packed metadata with its series; a series that was deleted meanwhile takes none."""
    try:
        client.attach(series, ATTACHMENT, io.BytesIO(content), level="series")
    except Gone:
        return


def prepare(workshop: Workshop, series: str) -> None:
    """Make the metadata of a series, by Orthanc's identifier, before anybody asks."""
    client = workshop.client
    description = client.get_json(f"/series/{series}")
    study = client.get_json(f"/series/{series}/study")
    if description is None or study is None:
        return
    uids = (study["MainDicomTags"]["StudyInstanceUID"], description["MainDicomTags"]["SeriesInstanceUID"])
    try:
        items = read_series(workshop, series, "studies/{}/series/{}".format(*uids))
    except Gone:
        return
    attach(client, series, pack(fingerprint(description), items))
