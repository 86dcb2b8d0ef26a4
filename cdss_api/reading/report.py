"""A study's report as a DiagnosticReport (FHIR R4 10.3): built, read and compared by pure functions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cdss_api.fhir.document import Document
from cdss_api.reading.progress import is_signed
from cdss_api.reading.study import DICOM_UID, OID, study_uid_of
from cdss_api.reading.waiting import REPORT_OF
from cdss_api.worklist.mapping import LOINC

IMAGING_STUDY = ("18748-4", "Diagnostic imaging study")  # LOINC
_RADIOLOGY = {"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD", "display": "Radiology"}
_FRAME = re.compile(r"/dicom-web/studies/[0-9.]+/series/([0-9.]+)/instances/([0-9.]+)(?:/frames/([0-9]+))?$")
_WORDS = re.compile(r"\s+|[^\s]+")


class Status(StrEnum):
    """What a report is, in the words of DiagnosticReport.status: a draft is `partial`, for it has a text already."""

    DRAFT = "partial"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"


SIGNED = frozenset({Status.FINAL, Status.AMENDED})


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyImage:
    """An image that shows what the report says; `frame` counts from 1, None is the whole instance."""

    series: str
    instance: str
    frame: int | None = None
    comment: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a radiologist writes; `codes` are the site's codings as FHIR has them."""

    status: Status
    conclusion: str
    codes: Sequence[Mapping[str, str]] = ()
    key_images: Sequence[KeyImage] = ()


def may_follow(before: Document | None, after: str) -> bool:
    """Tell whether a report may get a status: what was signed is only amended, and nothing else is."""
    if before is None or not is_signed(before):
        return after != Status.AMENDED
    return after in (Status.AMENDED, "corrected", "appended", "entered-in-error")


def document_of(content: Content, study: Document, description: str, reader: str, now: str) -> Document:
    """Return the resource; `reader` is the id of a Practitioner, `now` an instant.

    A key image is a contained Media whose content is the WADO-RS address (PS3.18 10.4) of the instance or frame: R4 has
    no other place for a frame, and names one by `media` alone.
    """
    uid, doctor = study_uid_of(study), {"reference": f"Practitioner/{reader}"}
    document: Document = {
        "resourceType": "DiagnosticReport",
        "contained": [_media(uid, number, one) for number, one in enumerate(content.key_images, 1)],
        "identifier": [{"system": REPORT_OF, "value": f"{OID}{uid}"}],
        "basedOn": [one for one in study.get("basedOn", ()) if "reference" in one],
        "status": content.status.value,
        "category": [{"coding": [_RADIOLOGY]}],
        "code": {
            "coding": [{"system": LOINC, "code": IMAGING_STUDY[0], "display": IMAGING_STUDY[1]}],
            "text": description or IMAGING_STUDY[1],
        },
        "subject": study["subject"],
        "effectiveDateTime": study.get("started"),
        "issued": None if content.status is Status.DRAFT else now,
        "performer": [doctor],
        "resultsInterpreter": [doctor],
        "imagingStudy": [{"reference": f"ImagingStudy/{study['id']}"}],
        "media": [_shown(number, one) for number, one in enumerate(content.key_images, 1)],
        "conclusion": content.conclusion,
        "conclusionCode": [{"coding": [dict(one)]} for one in content.codes],
    }
    return {name: value for name, value in document.items() if value not in (None, "", [])}


def content_of(report: Document) -> dict[str, Any]:
    """Return what an editor shows of a report."""
    codes = [coding for concept in report.get("conclusionCode", ()) for coding in concept.get("coding", ())]
    return {
        "id": report["id"],
        "version": int(report["meta"]["versionId"]),
        "status": report.get("status", ""),
        "issued": report.get("issued", ""),
        "changed": report["meta"]["lastUpdated"],
        "conclusion": report.get("conclusion", ""),
        "codes": [{name: str(one.get(name, "")) for name in ("system", "code", "display")} for one in codes],
        "key_images": list(_key_images(report)),
    }


def readers_of(report: Document) -> list[str]:
    """Return the ids of the Practitioners who interpreted it."""
    found = [str(one.get("reference", "")) for one in report.get("resultsInterpreter", ())]
    return [one.removeprefix("Practitioner/") for one in found if one.startswith("Practitioner/")]


def difference(before: str, after: str) -> list[dict[str, str]]:
    """Return two texts as one: runs of words that are in both, in the first alone, in the second alone."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    runs: list[dict[str, str]] = []
    for _, old_from, old_to, new_from, new_to in (
        opcode for opcode in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    ):
        gone, come = "".join(old[old_from:old_to]), "".join(new[new_from:new_to])
        if gone == come:
            runs.append({"kind": "same", "text": gone})
            continue
        runs += [{"kind": kind, "text": text} for kind, text in (("removed", gone), ("added", come)) if text]
    return runs


def _media(study: str, number: int, image: KeyImage) -> dict[str, Any]:
    address = f"/dicom-web/studies/{study}/series/{image.series}/instances/{image.instance}"
    frame = "" if image.frame is None else f"/frames/{image.frame}"
    return {
        "resourceType": "Media",
        "id": f"key{number}",
        "identifier": [{"system": DICOM_UID, "value": f"{OID}{image.instance}"}],
        "status": "completed",
        "content": {"contentType": "application/dicom", "url": address + frame},
    }


def _shown(number: int, image: KeyImage) -> dict[str, Any]:
    link = {"link": {"reference": f"#key{number}"}}
    return {"comment": image.comment, **link} if image.comment else link


def _key_images(report: Document) -> Iterable[dict[str, Any]]:
    contained = {f"#{one.get('id')}": one for one in report.get("contained", ())}
    for one in report.get("media", ()):
        media = contained.get(str((one.get("link") or {}).get("reference")), {})
        found = _FRAME.search(str((media.get("content") or {}).get("url", "")))
        if found is not None:
            yield {
                "series": found[1],
                "instance": found[2],
                "frame": None if found[3] is None else int(found[3]),
                "comment": str(one.get("comment", "")),
            }
