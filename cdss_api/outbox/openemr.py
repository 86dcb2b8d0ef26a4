"""OpenEMR: people by its FHIR interface as it wants them, signed reports as PDF by its standard API.

Its FHIR interface wants an official name of a Patient, keeps identifiers of type PT or SS alone, and answers a
creation with `{pid, uuid}`: the uuid is the FHIR id, the pid what the standard API knows the patient by.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from urllib3.filepost import encode_multipart_formdata

from cdss_api.fhir.document import Document, read
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.exchange import Answer, Undelivered
from cdss_api.outbox.fhir_delivery import FhirDelivery
from cdss_api.outbox.following import DELETE
from cdss_api.outbox.outgoing import RESOURCE
from cdss_api.outbox.record import current
from cdss_api.outbox.remotes import PID, Known
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.results.resources import RESULT

REPORT = "DiagnosticReport"
FHIR = "/fhir"  # what the address of the FHIR interface ends with; the standard API is beside it
CATEGORY = "/medical_record"  # of its documents: one that every installation has
_SIGNED = frozenset({"final", "amended", "corrected", "appended"})
_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_PID = re.compile(r"[1-9][0-9]{0,18}")
_SUBJECT = re.compile(r"Patient/([A-Za-z0-9.-]{1,64})")

# From a report's id and version to its PDF; raises Undelivered where there is no such version.
Print = Callable[[str, int], bytes]


def adapted(document: Document) -> Document:
    """Return a resource of ours, made ready to be sent, as OpenEMR takes it; others than Patient stay as they are.

    Our own identifier gets the type PT, and no other has it: OpenEMR keeps one, by which we find the patient again.
    """
    if document["resourceType"] != "Patient":
        return document
    names = [one for one in document.get("name", []) if isinstance(one, dict)]
    shown = {} if not names else {"name": _official(names)}
    return document | shown | {"identifier": [_typed(one) for one in document.get("identifier", [])]}


def standard_api(url: str) -> str:
    """Return the address of the standard API, which is beside that of the FHIR interface."""
    return f"{url.removesuffix(FHIR)}/api"


def filename_of(id_: str, version: int) -> str:
    """Return what the document of a report's version is called there, and known again by."""
    return f"neuronova-{id_}-{version}.pdf"


@dataclass(frozen=True, slots=True)
class OpenEmrDelivery:
    """Delivers to one OpenEMR; `fhir` does so for all but reports."""

    fhir: FhirDelivery
    printed: Print

    def deliver(self, delivery: Delivery) -> Outcome:
        """Deliver one message. Raises what `FhirClient` raises."""
        document = read(delivery.payload)
        if document["resourceType"] != REPORT or delivery.kind == DELETE:
            return self.fhir.deliver(delivery)
        if any(one.get("system") == RESULT for one in document.get("identifier", ())):
            # It would stand there as a document among signed reports, with nothing to tell it from those.
            return Outcome(Verdict.OK, "it is a model's result, and was not sent")
        id_, version = document["id"], int(document["meta"]["versionId"])
        with self.fhir.remotes.alone(REPORT, id_):
            known = self.fhir.remotes.find(REPORT, id_)
            if known is not None and known.version >= version:
                return Outcome(Verdict.OK)
            if document.get("status") == "entered-in-error" and known is not None:
                raise _refused("a report that was entered in error is there, and is not deleted by us")
            if document.get("status") not in _SIGNED:
                return Outcome(Verdict.OK, "it is not signed, and was not sent")
            name = filename_of(id_, version)
            self._upload(self._pid(document), name, self.printed(id_, version))
            self.fhir.remotes.remember(REPORT, id_, Known(version, name, None))
        return Outcome(Verdict.OK)

    def _pid(self, report: Document) -> str:
        """Return the number of a report's patient, who is sent first where OpenEMR does not have them."""
        subject = report.get("subject")
        named = _SUBJECT.fullmatch(str(subject.get("reference", ""))) if isinstance(subject, dict) else None
        if named is None:
            raise _refused("the report names no patient")
        known = self.fhir.remotes.find("Patient", named[1])
        if known is None or known.remote_id is None:
            patient = current(self.fhir.remotes.database, "Patient", named[1])
            if patient is None or "Patient" not in self.fhir.kinds:
                raise _refused("its patient is not there, and is not sent")
            known = self.fhir.send(patient)
        told = self.fhir.remotes.find(PID, named[1])
        if told is not None and told.remote_id is not None:
            return told.remote_id
        # The answer that named it was lost, or the patient was there before.
        answer = self._ask("GET", f"patient/{known.remote_id}")
        found = answer.document().get("data")
        pid = str(found.get("pid", "")) if isinstance(found, dict) else ""
        if not _PID.fullmatch(pid):
            raise Undelivered(Outcome(Verdict.TRANSIENT, f"{answer.asked}: the answer names no pid"))
        self.fhir.remotes.remember(PID, named[1], Known(known.version, pid, None))
        return pid

    def _upload(self, pid: str, name: str, pdf: bytes) -> None:
        """Store a document unless there is one of that name: after a lost answer there is."""
        path = f"patient/{pid}/document?path={quote(CATEGORY, safe='')}"
        if name in _names(self._ask("GET", path, none=(404,))):
            return
        body, kind = encode_multipart_formdata({"document": (name, pdf, "application/pdf")})
        answer = self._ask("POST", path, body, {"Content-Type": kind})
        if answer.text.strip() == "false":
            raise Undelivered(Outcome(Verdict.TRANSIENT, f"{answer.asked}: the document was not stored"))

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        none: tuple[int, ...] = (),
    ) -> Answer:
        client = self.fhir.client
        given = {"Accept": "application/json", **client.authorizer.headers(), **(headers or {})}
        answer = client.exchange.ask(method, f"{standard_api(client.url)}/{path}", given, body)
        outcome = answer.outcome(client.clock())
        if outcome.verdict is not Verdict.OK and answer.status not in none:
            raise Undelivered(outcome)
        return answer


def _official(names: list[Document]) -> list[Document]:
    """Return names of which one at least is official: the first that is in use."""
    if any(one.get("use") == "official" for one in names):
        return names
    used = next((at for at, one in enumerate(names) if one.get("use") in (None, "usual")), 0)
    return [one | {"use": "official"} if at == used else one for at, one in enumerate(names)]


def _typed(identifier: Document) -> Document:
    if identifier.get("system") == RESOURCE:
        return identifier | {"type": {"coding": [{"system": _TYPES, "code": "PT"}]}}
    codings = (identifier.get("type") or {}).get("coding", [])
    if any(one.get("code") == "PT" for one in codings):
        return {name: value for name, value in identifier.items() if name != "type"}
    return identifier


def _names(answer: Answer) -> set[str]:
    try:
        listed = json.loads(answer.text)
    except ValueError:
        return set()
    found = listed if isinstance(listed, list) else []
    return {str(one.get(member)) for one in found if isinstance(one, dict) for member in ("filename", "name")}


def _refused(said: str) -> Undelivered:
    return Undelivered(Outcome(Verdict.PERMANENT, said))
