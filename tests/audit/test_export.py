"""Exports: every record has a message that its standard allows, whatever clients sent."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuronova.audit.export.codes import KINDS
from neuronova.audit.export.dicom import audit_message
from neuronova.audit.export.fhir import audit_event
from neuronova.audit.export.form import Form, lines
from neuronova.audit.export.table import COLUMNS
from neuronova.contract.audit import Action, Event, Outcome, Record, genesis, link
from tests.audit.events import event

SITE = "pacs.example.org"
TEXT = st.text(st.characters(), max_size=40)
RECORDS = st.builds(
    lambda number, said: link("orthanc", number, genesis("orthanc", "ab"), said),
    st.integers(1, 2**40),
    st.builds(
        Event,
        time=st.floats(0, 4e9),
        action=st.sampled_from(Action),
        outcome=st.sampled_from(Outcome),
        subject=TEXT,
        role=TEXT,
        token_id=TEXT,
        reason=TEXT,
        patient_id=TEXT,
        issuer=TEXT,
        study=TEXT,
        address=TEXT,
        aet=TEXT,
        route=TEXT,
        detail=TEXT,
        status=st.none() | st.integers(100, 599),
    ),
)

# PS3.15 A.5.1: each element's required attributes, optional ones, and children in their order.
CODED = ({"csd-code", "codeSystemName", "originalText"}, {"displayName"}, "")
SCHEMA: dict[str, tuple[set[str], set[str], str]] = {
    "AuditMessage": (
        set(),
        set(),
        "EventIdentification (ActiveParticipant )+AuditSourceIdentification (ParticipantObjectIdentification )*",
    ),
    "EventIdentification": (
        {"EventDateTime", "EventOutcomeIndicator"},
        {"EventActionCode"},
        "EventID (EventTypeCode )*(EventOutcomeDescription )?",
    ),
    "ActiveParticipant": (
        {"UserID", "UserIsRequestor"},
        {"AlternativeUserID", "UserName", "NetworkAccessPointID", "NetworkAccessPointTypeCode"},
        "(RoleIDCode )*",
    ),
    "AuditSourceIdentification": ({"AuditSourceID"}, {"AuditEnterpriseSiteID"}, "(AuditSourceTypeCode )*"),
    "AuditSourceTypeCode": ({"csd-code"}, {"codeSystemName", "originalText"}, ""),
    "ParticipantObjectIdentification": (
        {"ParticipantObjectID"},
        {"ParticipantObjectTypeCode", "ParticipantObjectTypeCodeRole"},
        "ParticipantObjectIDTypeCode (ParticipantObjectName |ParticipantObjectQuery )(ParticipantObjectDetail )*",
    ),
    "ParticipantObjectDetail": ({"type", "value"}, set(), ""),
    "EventOutcomeDescription": (set(), set(), ""),
    "ParticipantObjectName": (set(), set(), ""),
    "ParticipantObjectQuery": (set(), set(), ""),
    "EventID": CODED,
    "EventTypeCode": CODED,
    "RoleIDCode": CODED,
    "ParticipantObjectIDTypeCode": CODED,
}


def recorded(**members: Any) -> Record:
    return link("orthanc", 7, genesis("orthanc", "ab"), event(**members))


def require_schema(element: Element) -> None:
    required, optional, children = SCHEMA[element.tag]
    assert required <= set(element.attrib) <= required | optional, element.tag
    assert re.fullmatch(children, "".join(f"{child.tag} " for child in element)), element.tag
    for child in element:
        require_schema(child)


def no_empty(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(value) and all(map(no_empty, value.values()))
    if isinstance(value, list):
        return bool(value) and all(map(no_empty, value))
    return value is not None and value != ""


def test_every_action_has_a_code() -> None:
    assert set(KINDS) == set(Action)


@settings(max_examples=50, deadline=None)
@given(RECORDS)
def test_a_dicom_message_follows_the_schema_in_one_line(record: Record) -> None:
    written = audit_message(record, SITE)
    assert "\n" not in written
    message = fromstring(written)
    require_schema(message)
    details = {
        detail.get("type"): base64.b64decode(detail.get("value") or "").decode()
        for detail in message[-1 if not record.event.patient_id else -2].iter("ParticipantObjectDetail")
    }
    assert details["sequence"] == str(record.sequence)
    assert details.get("detail", "") == record.event.detail
    assert details.get("route", "") == record.event.route


def test_a_dicom_message_says_who_did_what_to_whom() -> None:
    message = fromstring(audit_message(recorded(patient_id="P1", study="1.2.3"), SITE))
    head, user, _, source, study, patient = message
    assert [one.get("csd-code") for one in head] == ["110103", None]
    assert (head.get("EventActionCode"), head.get("EventOutcomeIndicator")) == ("R", "0")
    assert head.get("EventDateTime") == "2027-01-15T08:00:00.000000+00:00"
    assert (user.get("UserID"), user.get("NetworkAccessPointID")) == ("user-0", "192.0.2.7")
    assert source.get("AuditSourceID") == "orthanc"
    assert (study.get("ParticipantObjectID"), study[0].get("csd-code")) == ("1.2.3", "110180")
    assert (patient.get("ParticipantObjectID"), patient.get("ParticipantObjectTypeCodeRole")) == ("P1", "1")


@pytest.mark.parametrize("action", [Action.SEARCH, Action.EXPORT])
def test_reading_the_trail_names_it_and_is_a_read(action: Action) -> None:
    """PS3.15 A.5.3.2: the action shall be R, the object the audit log by its URI and the name it is given there."""
    head, _, _, _, trail, *_ = fromstring(audit_message(recorded(action=action, route="", study="1.2.3"), SITE))
    assert (head[0].get("csd-code"), head.get("EventActionCode")) == ("110101", "R")
    assert (trail.get("ParticipantObjectTypeCode"), trail.get("ParticipantObjectTypeCodeRole")) == ("2", "13")
    assert trail[0].get("csd-code") == "12"
    assert ":" in (trail.get("ParticipantObjectID") or "")
    assert trail.findtext("ParticipantObjectName") == "Security Audit Log"


def test_a_cut_is_no_reading_of_the_trail() -> None:
    """It is none of A.5.3.2, whose action shall be R: a restricted function was used (A.5.3.12)."""
    head, *_ = fromstring(audit_message(recorded(action=Action.CUT), SITE))
    assert [one.get("csd-code") for one in head][:2] == ["110113", "110132"]
    assert head.get("EventActionCode") == "E"


@settings(max_examples=50, deadline=None)
@given(RECORDS)
def test_an_audit_event_has_what_fhir_requires_and_nothing_empty(record: Record) -> None:
    made = json.loads(json.dumps(audit_event(record, SITE)))
    assert no_empty(made)
    assert re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", made["id"])
    assert made.keys() >= {"type", "recorded", "agent", "source"}
    assert all("requestor" in agent for agent in made["agent"])
    assert sum(agent["requestor"] for agent in made["agent"]) == 1
    assert not any("name" in entity and "query" in entity for entity in made["entity"])  # sev-1


@pytest.mark.parametrize(
    ("action", "name", "client", "server"),
    [
        (Action.READ, "PatientRead", "110152", "110153"),
        (Action.QUERY, "PatientQuery", "110153", "110152"),
        (Action.STORE, "PatientCreate", "110153", "110152"),
        (Action.DELETE, "PatientDelete", "110150", "custodian"),
    ],
)
def test_what_succeeds_meets_a_pattern_of_balp(action: Action, name: str, client: str, server: str) -> None:
    made = audit_event(recorded(action=action, patient_id="P1", issuer="HOSPITAL"), SITE)
    assert made["meta"]["profile"] == [f"https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.{name}"]
    assert made["type"]["code"] == "rest"
    assert made["outcome"] == "0"
    agents = {agent["type"]["coding"][0]["code"]: agent for agent in made["agent"]}
    assert agents[client]["network"] == {"address": "192.0.2.7", "type": "2"}
    assert agents[server]["network"]["address"] == SITE
    data, patient, *more = made["entity"]
    assert len(more) == (action is Action.QUERY)
    assert not data.keys() & {"what", "lifecycle", "detail"} if action is Action.QUERY else data["what"]
    assert data["role"]["code"] == ("24" if action is Action.QUERY else "4")
    assert ("query" in data) == (action is Action.QUERY)
    assert patient["what"]["identifier"] == {"system": "urn:neuronova:issuer:HOSPITAL", "value": "P1"}


@pytest.mark.parametrize("members", [{"outcome": Outcome.DENIED}, {"address": ""}, {"action": Action.LOGIN}])
def test_what_meets_no_pattern_claims_none(members: dict[str, Any]) -> None:
    assert "meta" not in audit_event(recorded(**members), SITE)


def test_break_glass_is_a_purpose_of_its_own() -> None:
    user = audit_event(recorded(reason="break-glass"), SITE)["agent"][-1]
    assert user["purposeOfUse"][0]["coding"][0]["code"] == "BTG"


@settings(max_examples=50, deadline=None)
@given(st.lists(RECORDS, max_size=3))
def test_csv_has_every_member_and_no_formula(records: list[Record]) -> None:
    written = "\r\n".join(lines(Form.CSV, records, SITE))
    rows = list(csv.DictReader(io.StringIO(written, newline="")))
    assert len(rows) == len(records)
    for row, record in zip(rows, records, strict=True):
        assert tuple(row) == COLUMNS
        assert row["sequence"] == str(record.sequence)
        assert row["detail"].removeprefix("'") == record.event.detail.removeprefix("'")
        assert not any(value.startswith(("=", "+", "-", "@")) for value in row.values())


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", " =1", "\t=1", "\r=1", "\n=1", "＝1", "＠x"])
def test_what_a_spreadsheet_would_compute_is_made_harmless(text: str) -> None:
    (row,) = csv.DictReader(io.StringIO("\r\n".join(lines(Form.CSV, [recorded(detail=text)], SITE)), newline=""))
    assert row["detail"] == f"'{text}"


def test_each_form_has_a_line_a_record() -> None:
    records = [replace(recorded(), sequence=number) for number in (1, 2, 3)]
    assert {form: len(list(lines(form, records, SITE))) for form in Form} == {Form.FHIR: 3, Form.DICOM: 3, Form.CSV: 4}
