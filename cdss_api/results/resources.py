"""A result in the record (FHIR R4): Device, Observations with UCUM units, a DiagnosticReport, and a Provenance; pure.

Nothing of it names an order or a `report-of` identifier: a reading list takes what does for the radiologist's report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from cdss_api.fhir.document import Document
from cdss_api.results import wording
from cdss_api.results.codes import our_code
from cdss_api.results.wording import NOT_FOR_DIAGNOSIS
from neuronova.contract.inference import Finding, Measurement, Model, Result
from neuronova.contract.ours import MANUFACTURER

MODEL, RESULT = "urn:neuronova:ai-model", "urn:neuronova:ai-result"  # systems of identifiers
MEASURE = "urn:neuronova:ai-measure"  # the system of codes of what models measure and find
_UCUM = "http://unitsofmeasure.org"
_SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074"
_KIND = "http://terminology.hl7.org/CodeSystem/observation-category"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


class Standing(StrEnum):
    """What holds of a result."""

    OPEN = "open"  # nobody has judged it
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"  # its series is another one by now


# DiagnosticReport.status and Observation.status (FHIR R4 10.3.3.1, 10.1.3.1): a preliminary one that is taken back was
# never final, and was wrong to be there.
_STATUS: Mapping[Standing, str] = MappingProxyType(
    {
        Standing.OPEN: "preliminary",
        Standing.ACCEPTED: "final",
        Standing.REJECTED: "entered-in-error",
        Standing.WITHDRAWN: "entered-in-error",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What the resources of a result say; `made`, `judged` are instants, `judge` a Practitioner's id."""

    job_key: str
    result: Result
    study: Document  # the ImagingStudy
    series: str
    made: str
    standing: Standing = Standing.OPEN
    judge: str | None = None
    judged: str | None = None
    reason: str = ""


def device_id(model: Model) -> str:
    """Return the id of a model's Device: another digest is another Device."""
    return f"ai-{model.digest[:40]}"


def device_of(model: Model, limits: Sequence[str]) -> Document:
    """Return a model's Device."""
    return {
        "resourceType": "Device",
        "id": device_id(model),
        "identifier": [{"system": MODEL, "value": f"{model.id}|{model.version}|{model.digest}"}],
        "status": "active",
        "manufacturer": MANUFACTURER,
        "deviceName": [{"name": model.id, "type": "model-name"}],
        "type": {"text": f"Image analysis software. {NOT_FOR_DIAGNOSIS}."},
        "version": [{"value": model.version}],
        "note": [{"text": one} for one in limits],
    }


def resources_of(told: Told) -> list[Document]:
    """Return the Observations, the DiagnosticReport that names them, and who or what it comes from."""
    observations = list(_observations(told))
    report = _report(told, observations)
    return [*observations, report, _provenance(told, [*observations, report])]


def report_id(job_key: str) -> str:
    """Return the id of a result's DiagnosticReport."""
    return f"ai-{job_key}"


def _observations(told: Told) -> Iterator[Document]:
    for number, measurement in enumerate(told.result.measurements, 1):
        yield _observation(told, f"m{number}", measurement.name) | {"valueQuantity": _quantity(measurement)}
    for number, finding in enumerate(told.result.findings, 1):
        yield _observation(told, f"f{number}", finding.label) | _found(finding)


def _observation(told: Told, name: str, meaning: str) -> Document:
    return {
        "resourceType": "Observation",
        "id": f"ai-{told.job_key}-{name}",
        "identifier": [{"system": RESULT, "value": f"{told.job_key}/{name}"}],
        "status": _STATUS[told.standing],
        "category": [{"coding": [{"system": _KIND, "code": "imaging"}]}],
        "code": _coded(meaning),
        "subject": told.study["subject"],
        "effectiveDateTime": told.study.get("started", told.made),
        "issued": told.made,
        "device": {"reference": f"Device/{device_id(told.result.model)}"},
        "method": {"text": f"{wording.provenance(told.result)}. {NOT_FOR_DIAGNOSIS}."},
        "derivedFrom": [{"reference": f"ImagingStudy/{told.study['id']}"}],
    }


def _found(finding: Finding) -> dict[str, Any]:
    parts = [{"code": _coded(one.name), "valueQuantity": _quantity(one)} for one in finding.measurements]
    # A value is required of no Observation that has components.
    said: dict[str, Any] = {"component": parts} if parts else {"valueBoolean": True}
    return said | ({"interpretation": [{"text": "critical"}]} if finding.critical else {})


def _report(told: Told, observations: Sequence[Document]) -> Document:
    lines = wording.summary(told.result)
    judged = {Standing.ACCEPTED: "Accepted", Standing.REJECTED: "Rejected", Standing.WITHDRAWN: "Withdrawn"}
    if told.standing in judged:
        lines = [f"{judged[told.standing]}{f': {told.reason}' if told.reason else ''}.", *lines]
    report = {
        "resourceType": "DiagnosticReport",
        "id": report_id(told.job_key),
        "identifier": [{"system": RESULT, "value": told.job_key}],
        "status": _STATUS[told.standing],
        "category": [{"coding": [{"system": _SECTION, "code": "IMG", "display": "Diagnostic Imaging"}]}],
        "code": {"text": f"AI result of {told.result.model.id} ({NOT_FOR_DIAGNOSIS})"},
        "subject": told.study["subject"],
        "effectiveDateTime": told.study.get("started", told.made),
        "issued": told.judged or told.made,
        "resultsInterpreter": [] if told.judge is None else [{"reference": f"Practitioner/{told.judge}"}],
        "imagingStudy": [{"reference": f"ImagingStudy/{told.study['id']}"}],
        "result": [{"reference": f"Observation/{one['id']}"} for one in observations],
        "conclusion": "\n".join([f"{NOT_FOR_DIAGNOSIS}.", *lines, *told.result.limits]),
    }
    return {name: value for name, value in report.items() if value != []}


def _provenance(told: Told, targets: Sequence[Document]) -> Document:
    agents: list[dict[str, Any]] = [
        _agent("assembler", f"Device/{device_id(told.result.model)}"),
        *([] if told.judge is None else [_agent("verifier", f"Practitioner/{told.judge}")]),
    ]
    return {
        "resourceType": "Provenance",
        "id": f"ai-{told.job_key}",
        "target": [{"reference": f"{one['resourceType']}/{one['id']}"} for one in targets],
        "recorded": told.judged or told.made,
        "agent": agents,
        "entity": [
            {
                "role": "source",
                "what": {
                    "reference": f"ImagingStudy/{told.study['id']}",
                    "identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{told.series}"},
                },
            }
        ],
    }


def _agent(kind: str, who: str) -> dict[str, Any]:
    return {"type": {"coding": [{"system": _PARTICIPANT, "code": kind}]}, "who": {"reference": who}}


def _quantity(measurement: Measurement) -> dict[str, Any]:
    unit = measurement.unit
    value = Decimal(str(measurement.value))  # with the digits that it was told with (FHIR R4 2.24.0.1)
    return {"value": value, "unit": unit, "system": _UCUM, "code": unit}


def _coded(meaning: str) -> dict[str, Any]:
    code = our_code(meaning)
    return {"coding": [{"system": MEASURE, "code": code.value, "display": meaning}], "text": meaning}
