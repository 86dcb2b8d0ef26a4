"""What the rules say of a stored series, found beside Orthanc: its metadata is large, and Orthanc's Python serves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import time
from functools import lru_cache
from typing import Any

from neuronova.contract.ai.judged import input_hash
from neuronova.contract.ai.rules import Rule
from neuronova.contract.ai.rules_file import read_rules
from neuronova.contract.ai.series import series_of
from neuronova.contract.forwarding.rules import ForwardingRule
from neuronova.contract.forwarding.rules_file import read_forwarding
from neuronova.contract.inference import uids_hash
from orthanc_plugins.ai.judging import asked_of, sent_by, uids_of
from orthanc_plugins.ai.readiness import expected_images
from orthanc_plugins.series_metadata import ATTACHMENT, InstanceMetadata, fingerprint, unpack
from orthanc_plugins.workers.client import Gone, OrthancClient
from orthanc_plugins.workers.metadata import read_series
from orthanc_plugins.workers.workshop import Workshop


def judge(
    workshop: Workshop, series: str, path: str, files: Mapping[str, str], rules: str, forwarding: str, at: time
) -> dict[str, Any]:
    """Return what texts of rules, for models and for `forwarding` ("" is none), say of a series at a time of day.

    `series` is Orthanc's identifier and `path` the series' below the root of DICOMweb; `files` has the MD5 of each
    instance's file by Orthanc's identifier. The answer has `images`, `expected` (None where they do not tell),
    `input_hash`, `uids_hash`, `asked` and `sent`.

    Raises:
        Gone: its images are not those of `files` any more.
    """
    uids = _uids(workshop.client, series)
    if uids.keys() != files.keys():
        raise Gone(series)
    metadata = series_of([json.loads(item.before + item.after) for item in _metadata(workshop, series, path)])
    if sorted(uids_of(metadata)) != sorted(uids.values()):
        raise Gone(series)
    asked = asked_of(_read(rules), metadata, at)
    return {
        "images": len(files),
        "expected": expected_images(metadata),
        "input_hash": input_hash((uid, files[instance]) for instance, uid in uids.items()),
        "uids_hash": uids_hash(uids.values()),
        "asked": [asdict(one) for one in asked],
        "sent": [asdict(one) for one in sent_by(_read_forwarding(forwarding) if forwarding else (), metadata)],
    }


@lru_cache(maxsize=2)
def _read(text: str) -> tuple[Rule, ...]:
    return read_rules(text)


@lru_cache(maxsize=2)
def _read_forwarding(text: str) -> tuple[ForwardingRule, ...]:
    return read_forwarding(text)


def _uids(client: OrthancClient, series: str) -> dict[str, str]:
    """Return the SOPInstanceUID of each instance by Orthanc's identifier."""
    instances = client.get_json(f"/series/{series}/instances")
    if instances is None:
        raise Gone(series)
    return {one["ID"]: one["MainDicomTags"]["SOPInstanceUID"] for one in instances}


def _metadata(workshop: Workshop, series: str, path: str) -> Sequence[InstanceMetadata]:
    """Return what was prepared when the series had arrived; read anew where it is not there yet."""
    client = workshop.client
    description = client.get_json(f"/series/{series}")
    if description is None:
        raise Gone(series)
    try:
        mark, items = unpack(client.content(series, ATTACHMENT, level="series"))
        if mark == fingerprint(description):
            return items
    except (Gone, ValueError):
        pass
    return read_series(workshop, series, path)
