"""Another NeuroNova is asked for patients and orders: its pages have links to the next one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cdss_api.outbox import configured_targets
from cdss_api.outbox.configured_targets import Wanted
from cdss_api.outbox.conflicts import listed
from cdss_api.outbox.credentials import AUTHORIZATION, Credentials
from cdss_api.outbox.inbound import Inbound
from cdss_api.outbox.profiles import Kind
from neuronova.contract.roles import Role
from tests.emr.neighbour import Neighbour, neighbour
from tests.fhir.asking import Fhir
from tests.fhir.resources import good

SYSTEM = "urn:example:hospital"
_PATIENTS = 110  # a page has a hundred


@pytest.fixture
def other(fhir: Fhir, tmp_path: Path, sqlite_template: Path) -> Iterator[Neighbour]:
    """The neighbour, which the service asks as one of its admins."""
    with neighbour(tmp_path / "other", sqlite_template) as made:
        name, value = next(iter(made.fhir.header(Role.ADMIN).items()))
        known = AUTHORIZATION.validate_python({"kind": "header", "name": name, "value": value})
        wanted = Wanted(
            target="other",
            profile=Kind.FHIR_R4,
            url=made.url,
            kinds=["Practitioner"],
            credentials=Credentials(authorization=known, signing_secret=None),
            polled=["Patient", "ServiceRequest"],
        )
        service = fhir.api.service
        with service.database.writing() as session:
            configured_targets.add(session, service.settings.data, wanted, service.now())
        yield made


def person(number: int, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": str(number)}], **more}


def request(patient: str, **more: Any) -> dict[str, Any]:
    order = good("ServiceRequest", subject={"reference": f"Patient/{patient}"}, requester=None)
    return order | {"identifier": [{"system": SYSTEM, "value": "ct"}]} | more


def here(fhir: Fhir, kind: str, value: str) -> dict[str, Any]:
    """Return the one resource of an identifier."""
    found = fhir.ask("GET", f"/{kind}?identifier={SYSTEM}|{value}").get_json(force=True)
    (one,) = [entry["resource"] for entry in found.get("entry", [])]
    return dict(one)


def test_the_links_to_the_next_page_are_followed_and_what_is_here_is_merged(fhir: Fhir, other: Neighbour) -> None:
    kim, lee = fhir.create(person(0)), fhir.create(person(_PATIENTS - 1))
    order = fhir.create(request(kim))
    other.fhir.api.clock.time = fhir.api.clock.time + 60  # what the neighbour says is later, and so wins
    theirs = [other.fhir.create(person(number, gender="female")) for number in range(_PATIENTS)]
    other.fhir.create(request(theirs[0], priority="stat"))

    inbound = Inbound(fhir.api.service)
    assert inbound.once("other") >= _PATIENTS + 1

    asked = [one for one in other.asked if one.startswith("/Patient?")]
    assert len(asked) == len(set(asked))
    assert "_offset=100" in asked[-1]  # all are of one instant: there is no other way to the last ten
    for number, ours in ((0, kim), (_PATIENTS - 1, lee)):
        merged = here(fhir, "Patient", str(number))
        assert (merged["id"], merged["meta"]["versionId"], merged["gender"]) == (ours, "2", "female")
    assert {here(fhir, "Patient", str(number))["meta"]["versionId"] for number in (1, 99, 100)} == {"1"}
    merged = here(fhir, "ServiceRequest", "ct")
    assert (merged["id"], merged["priority"]) == (order, "stat")
    assert merged["subject"]["reference"] == f"Patient/{kim}"

    inbound.once("other")  # the same is asked for again, and is no news
    assert here(fhir, "Patient", "0")["meta"]["versionId"] == "2"
    assert here(fhir, "ServiceRequest", "ct")["meta"]["versionId"] == merged["meta"]["versionId"]
    with fhir.api.service.database.reading() as session:
        assert {(one.kind, one.lost) for one in listed(session)} <= {("Patient", "ours"), ("ServiceRequest", "ours")}


def test_what_moves_while_pages_are_read_hides_nobody(fhir: Fhir, other: Neighbour) -> None:
    clock = other.fhir.api.clock
    theirs = []
    for number in range(_PATIENTS):
        clock.time += 1
        theirs.append(other.fhir.create(person(number)))
    clock.time += 100  # longer than what is asked for twice

    def change() -> None:
        answer = other.fhir.ask("PUT", f"/Patient/{theirs[5]}", person(5, id=theirs[5], gender="male"))
        assert answer.status_code == 200

    other.meanwhile.append(change)
    Inbound(fhir.api.service).once("other")
    assert other.meanwhile == []
    assert [here(fhir, "Patient", str(number)).get("gender") for number in (5, 99, 100, 101)] == ["male"] + [None] * 3
