"""Series that arrive, grow, change and go in a real Orthanc, and what its plugin tells of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from neuronova.contract.ai.judged import Asked, SeriesJudged, input_hash
from neuronova.contract.inference import uids_hash
from neuronova.contract.priority import Priority
from tests.access import http
from tests.ai.api import Judging
from tests.ai.heads import ct_head
from tests.server import Server

pytestmark = pytest.mark.timeout(150)

FIRES = (Asked(rule="ct-head", model="ct-hyperdensity", priority=Priority.URGENT),)
Start = Callable[..., Judging]


def head(count: int = 14, **changed: Any) -> list[Dataset]:
    """A head CT of a patient of an issuer."""
    return ct_head(count, **{"IssuerOfPatientID": "HOSPITAL", "AccessionNumber": "ACC-1"} | changed)


def marker(series: str) -> list[Dataset]:
    """A head CT that is judged after whatever came before it: then nothing else was told."""
    return head(series=series)


def files_of(server: Server, series: str) -> dict[str, str]:
    """Return the MD5 of each stored file by SOPInstanceUID, computed from the files themselves."""
    found = {}
    for one in server.get(f"/series/{series}/instances"):
        content = http.get(f"{server.url}/instances/{one['ID']}/file", timeout=30).content
        found[one["MainDicomTags"]["SOPInstanceUID"]] = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return found


def hash_of(server: Server, told: SeriesJudged) -> str:
    return input_hash(files_of(server, told.orthanc).items())


def test_a_series_is_told_once_when_it_is_quiet(judging: Start) -> None:
    here = judging()
    images = head()
    here.server.send(*images)
    (told,) = here.api.until_told(1)
    assert told.asked == FIRES
    assert (told.patient_id, told.issuer, told.accession_number) == ("SYNTHETIC", "HOSPITAL", "ACC-1")
    assert (told.study, told.series) == (images[0].StudyInstanceUID, images[0].SeriesInstanceUID)
    assert (told.modality, told.instances) == ("CT", 14)
    assert told.input_hash == hash_of(here.server, told)
    assert told.uids_hash == uids_hash(one.SOPInstanceUID for one in images)
    here.server.send(*images)  # duplicates are ignored
    here.server.send(*marker("second"))
    second = here.api.until_told(2)[1]
    assert second.series == marker("second")[0].SeriesInstanceUID
    assert (second.writer, second.sequence > told.sequence) == (told.writer, True)
