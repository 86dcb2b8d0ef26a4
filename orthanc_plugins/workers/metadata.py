"""DICOM JSON asked of the stock plugin and kept with its series."""

from __future__ import annotations

import io
import json

from orthanc_plugins.series_metadata import ATTACHMENT, BASE, InstanceMetadata, cut, fingerprint, pack
from orthanc_plugins.workers.client import Gone, OrthancClient

STOCK_ROOT = "/_stock-dicom-web"
HOST = "base.invalid"


def fetch(client: OrthancClient, path: str) -> list[InstanceMetadata]:
    """Return the stock plugin's metadata of `path` (such as `studies/1.2/series/1.3`), cut by instance.

    Raises:
        Gone: there is no such study, series or instance.
    """
    text = client.get_text(f"{STOCK_ROOT}/{path}/metadata", host=HOST, accept="application/dicom+json")
    return [cut(item) for item in json.loads(text.replace(f"http://{HOST}{STOCK_ROOT}", BASE))]


def attach(client: OrthancClient, series: str, content: bytes) -> None:
    """Keep packed metadata with its series; a series that was deleted meanwhile takes none."""
    try:
        client.attach(series, ATTACHMENT, io.BytesIO(content), level="series")
    except Gone:
        return


def prepare(client: OrthancClient, series: str) -> None:
    """Make the metadata of a series, by Orthanc's identifier, before anybody asks."""
    description = client.get_json(f"/series/{series}")
    study = client.get_json(f"/series/{series}/study")
    if description is None or study is None:
        return
    uids = (study["MainDicomTags"]["StudyInstanceUID"], description["MainDicomTags"]["SeriesInstanceUID"])
    try:
        items = fetch(client, "studies/{}/series/{}".format(*uids))
    except Gone:
        return
    attach(client, series, pack(fingerprint(description), items))
