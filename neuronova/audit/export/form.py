"""The forms a trail can be had in, one record a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from enum import StrEnum

from neuronova.audit.export import dicom, fhir, table
from neuronova.contract.audit import Record


class Form(StrEnum):
    """How records are written."""

    FHIR = "fhir"  # AuditEvent resources as NDJSON
    DICOM = "dicom"  # audit messages in XML
    CSV = "csv"


def lines(form: Form, records: Iterable[Record], site: str) -> Iterator[str]:
    """Yield the records as lines without their ends; `site` is what the platform is called in the network."""
    if form is Form.CSV:
        yield table.header()
    for record in records:
        if form is Form.FHIR:
            yield json.dumps(fhir.audit_event(record, site), ensure_ascii=False, separators=(",", ":"))
        elif form is Form.DICOM:
            yield dicom.audit_message(record, site)
        else:
            yield table.row(record)
