"""What the routes of reading write: reports of every status, with much and with little, and tasks."""

from __future__ import annotations

from cdss_api.fhir.document import Document
from cdss_api.reading.performing import Performed, task_of
from cdss_api.reading.report import Content, KeyImage, Status, document_of
from tests.reading.examinations import order, study, uid

NOW = "2027-01-15T09:00:00.000Z"
CODE = {"system": "http://snomed.info/sct", "code": "1386000", "display": "Intracranial hemorrhage"}
KEYS = [
    KeyImage(series=f"{uid(1)}.1", instance=f"{uid(1)}.1.1", frame=3, comment="출혈"),
    KeyImage(series=f"{uid(1)}.1", instance=f"{uid(1)}.1.2"),
]


def reports() -> list[Document]:
    images = study(1, "hong", ("ct",)) | {"id": "images"}
    contents = [
        Content(status=status, conclusion="No haemorrhage.\n출혈 없음.", codes=[CODE], key_images=KEYS)
        for status in Status
    ]
    written = [document_of(one, images, "뇌 CT", "kim", NOW) | {"id": f"report-{one.status}"} for one in contents]
    bare = document_of(Content(status=Status.DRAFT, conclusion=""), study(2, "hong") | {"id": "other"}, "", "kim", NOW)
    return [*written, bare | {"id": "report-empty"}]


def tasks() -> list[Document]:
    ordered = order("hong") | {"id": "ct"}
    return [task_of(ordered, None, one, "조영제 알레르기", NOW) | {"id": f"task-{one}"} for one in Performed]
