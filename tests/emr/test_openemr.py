"""People and signed reports at a server that holds to OpenEMR's rules as far as they are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cdss_api.outbox import configured_targets
from cdss_api.outbox.configured_targets import Wanted
from cdss_api.outbox.credentials import AUTHORIZATION, Credentials
from cdss_api.outbox.dispatching import Dispatcher
from cdss_api.outbox.openemr import CATEGORY, adapted, filename_of, standard_api
from cdss_api.outbox.operations import Shown, listed
from cdss_api.outbox.outgoing import RESOURCE
from cdss_api.outbox.profiles import PROFILES, Kind
from cdss_api.outbox.worker import Worker
from tests.emr.openemr import OpenEmr, openemr
from tests.fhir.asking import Fhir, patient
from tests.fhir.resources import good

_NAMED: dict[str, Any] = {"name": [{"use": "old", "family": "Park"}, {"family": "Kim", "given": ["Minji"]}]}
_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"


class Site:
    """The service, and an OpenEMR that is its target."""

    def __init__(self, fhir: Fhir, emr: OpenEmr, kinds: frozenset[str] = PROFILES[Kind.OPENEMR].kinds) -> None:
        self.fhir, self.emr, self.clock = fhir, emr, fhir.api.clock
        service = fhir.api.service
        self.database = service.database
        known = Credentials(authorization=AUTHORIZATION.validate_python({"kind": "none"}), signing_secret=None)
        wanted = Wanted(target="openemr", profile=Kind.OPENEMR, url=emr.url, kinds=kinds, credentials=known)
        with self.database.writing() as session:
            configured_targets.add(session, service.settings.data, wanted, self.clock())
        self.dispatcher = Dispatcher(self.database, service.settings.data, self.clock)
        self.worker = Worker(self.database, self.dispatcher, self.clock, lambda: 0.0, together=self.dispatcher)

    def settle(self) -> list[Shown]:
        """Deliver for an hour of the clock; return what is a dead letter, or waits behind one."""
        for _ in range(720):
            while self.worker.step():
                pass
            with self.database.reading() as session:
                left = [one for one in listed(session, count=1000) if one.state != "completed"]
            if all(one.parked for one in left):
                return left
            self.clock.time += 5
        raise AssertionError(left)

    def report(self, kim: str, **more: Any) -> str:
        subject = {"reference": f"Patient/{kim}"}
        members = {"basedOn": None, "resultsInterpreter": None, "imagingStudy": None, "subject": subject}
        return self.fhir.create(good("DiagnosticReport", **(members | more)))

    def write(self, report: str, **more: Any) -> None:
        path = f"/DiagnosticReport/{report}"
        before = self.fhir.ask("GET", path).get_json(force=True)
        assert self.fhir.ask("PUT", path, before | more).status_code == 200


@pytest.fixture
def emr() -> Iterator[OpenEmr]:
    with openemr() as made:
        yield made


@pytest.fixture
def site(fhir: Fhir, emr: OpenEmr) -> Iterator[Site]:
    made = Site(fhir, emr)
    yield made
    made.dispatcher.close()


def test_a_patient_and_each_signed_version_of_a_report_arrive(site: Site) -> None:
    kim = site.fhir.create(patient(**_NAMED))
    report = site.report(kim)
    site.write(report, status="amended", conclusion="An embolism after all.")
    assert site.settle() == []
    (there,) = site.emr.of("Patient")
    assert [one["use"] for one in there["name"]] == ["old", "official"]
    assert [one["value"] for one in there["identifier"]] == [f"Patient/{kim}"]
    assert [entry[:3] for entry in site.emr.documents] == [
        (1, CATEGORY, filename_of(report, 1)),
        (1, CATEGORY, filename_of(report, 2)),
    ]
    first, second = (content for *_, content in site.emr.documents)
    assert first.startswith(b"%PDF-")
    assert second.startswith(b"%PDF-")
    assert first != second
    assert site.emr.conditions == []


def test_what_is_not_signed_is_not_sent(site: Site) -> None:
    kim = site.fhir.create(patient(**_NAMED))
    report = site.report(kim, status="preliminary")
    assert site.settle() == []
    assert site.emr.documents == []
    site.write(report, status="final")
    assert site.settle() == []
    assert [name for _, _, name, _ in site.emr.documents] == [filename_of(report, 2)]


@pytest.mark.parametrize("lost", ["patient", "document"])
def test_a_lost_answer_makes_no_second_one(site: Site, lost: str) -> None:
    kim = site.fhir.create(patient(**_NAMED))
    if lost == "document":
        assert site.settle() == []
    site.emr.losing.append("POST")
    report = site.report(kim)
    assert site.settle() == []
    assert site.emr.losing == []
    assert len(site.emr.of("Patient")) == 1
    assert [(pid, name) for pid, _, name, _ in site.emr.documents] == [(1, filename_of(report, 1))]


def test_a_patient_without_a_name_is_refused_there_and_holds_up_nobody_else(site: Site) -> None:
    site.report(site.fhir.create(patient("P1")))
    lee = site.fhir.create(patient("P2", **_NAMED))
    report = site.report(lee)
    (dead,) = [one for one in site.settle() if one.state == "dead_letter"]
    assert "HTTP 400" in str(dead.detail)
    assert [name for _, _, name, _ in site.emr.documents] == [filename_of(report, 1)]


def test_a_report_whose_patient_is_not_sent_is_a_dead_letter(fhir: Fhir, emr: OpenEmr) -> None:
    site = Site(fhir, emr, frozenset({"DiagnosticReport"}))
    site.report(site.fhir.create(patient(**_NAMED)))
    (dead,) = site.settle()
    assert dead.detail == "its patient is not there, and is not sent"
    site.dispatcher.close()


def test_ours_is_the_one_identifier_of_type_pt() -> None:
    mrn = {"type": {"coding": [{"system": _TYPES, "code": "PT"}]}, "value": "1"}
    social = {"type": {"coding": [{"system": _TYPES, "code": "SS"}]}, "value": "2"}
    sent = adapted({"resourceType": "Patient", "identifier": [mrn, social, {"system": RESOURCE, "value": "Patient/a"}]})
    assert [one.get("type", {}).get("coding", [{}])[0].get("code") for one in sent["identifier"]] == [None, "SS", "PT"]
    assert "name" not in sent


@pytest.mark.parametrize(
    ("names", "official"),
    [
        ([{"use": "official", "text": "a"}, {"text": "b"}], ["a"]),
        ([{"use": "maiden", "text": "a"}, {"use": "usual", "text": "b"}], ["b"]),
        ([{"use": "old", "text": "a"}], ["a"]),
    ],
    ids=["there", "usual", "only"],
)
def test_one_name_is_official(names: list[dict[str, Any]], official: list[str]) -> None:
    sent = adapted({"resourceType": "Patient", "name": names})
    assert [one["text"] for one in sent["name"] if one.get("use") == "official"] == official


def test_the_standard_api_is_beside_the_fhir_interface() -> None:
    assert standard_api("https://emr.example.org/apis/default/fhir") == "https://emr.example.org/apis/default/api"
