"""What has left, as the API tells it."""

from __future__ import annotations

import json

import pytest

from cdss_api.retention.models import Departure, State
from tests.accounts.api import Api, code_of, json_of
from tests.imaging.studies import a_deletion, a_study
from tests.retention.test_holds import tell


@pytest.fixture
def digests(api: Api) -> list[dict[str, str]]:
    """What is known of the files of departure 2; departure 1 was by hand."""
    tell(api, a_study(), a_deletion())
    files = [["1.2.4.1", "a" * 32], ["1.2.4.2", "b" * 32]]
    gone = Departure(
        study_uid="1.2.4", patient_id="P-100", issuer="HOSPITAL", orthanc="f-g-h-i-j", rule="old-ct", why="its days",
        state=State.LEFT, by="service:retention", began_at=1.0, ended_at=2.0, bytes=7, images=2,
        digests=json.dumps(files),
    )  # fmt: skip
    with api.service.database.writing() as session:
        session.add(gone)
    return [{"instance": uid, "md5": md5} for uid, md5 in files]


def test_what_has_left_is_listed_with_its_digests(api: Api, digests: list[dict[str, str]]) -> None:
    who = api.admin()
    listed = json_of(api.client.get("/api/v1/retention/departures", headers=who))
    ruled, by_hand = listed["departures"]
    assert (listed["total"], ruled["study"], ruled["rule"], ruled["state"]) == (2, "1.2.4", "old-ct", "left")
    assert (by_hand["study"], by_hand["rule"], by_hand["state"], by_hand["images"]) == ("1.2.3", "", "left", 2)
    for row, expected in ((ruled, digests), (by_hand, [])):
        answer = api.client.get(f"/api/v1/retention/departures/{row['number']}/digests", headers=who)
        assert json_of(answer) == {"digests": expected}
    recorded = [one for one in api.journal.events if one["action"] == "retention-list"]
    assert [one["detail"]["list"] for one in recorded] == ["departures", "digests", "digests"]
    assert (recorded[1]["patient"], recorded[1]["detail"]["study"]) == (("P-100", "HOSPITAL"), "1.2.4")
    page = json_of(api.client.get("/api/v1/retention/departures?limit=1&offset=1", headers=who))
    assert ([one["study"] for one in page["departures"]], page["total"]) == (["1.2.3"], 2)


def test_what_is_no_departure(api: Api) -> None:
    answer = api.client.get("/api/v1/retention/departures/9/digests", headers=api.admin())
    assert (answer.status_code, code_of(answer)) == (404, "no_such_departure")
