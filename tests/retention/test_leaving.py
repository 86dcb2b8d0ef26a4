"""Studies leave a real Orthanc by rules: announced before, confirmed by another archive, recorded, and never held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydicom import Dataset
from sqlalchemy import select

from cdss_api.holds import holding
from cdss_api.imaging.archive import Archive, Held
from cdss_api.retention.asking import Asking
from cdss_api.retention.departures import call_off
from cdss_api.retention.leaving import Leaving
from cdss_api.retention.models import NOTICE, Departure, DueStudy
from cdss_api.retention.running import Retention
from neuronova.contract.grants import HoldChange, ModalityChange, Operation
from neuronova.contract.retention.rules import DAY, RetentionRule
from neuronova.contract.retention.rules_file import read_retention
from neuronova.contract.studies import StudyKey
from tests.access import accounts, everything, http
from tests.accounts.api import TESTER, Api
from tests.imaging.studies import a_deletion, a_series, a_study
from tests.retention.keeper import OtherArchive
from tests.retention.test_holds import tell
from tests.server import Server, free_ports, running, settings_for, until
from tests.synthetic import ct_slice, part10, uid

RULE = """rules:
  - name: old-ct
    keep_days: 30
    then: delete
    copied_to: {to}
    a_day: 2
    conditions:
      - all: Modality
        equals: CT
      - none: SourceApplicationEntityTitle
        equals: TEACHING
"""
ALONE = read_retention(RULE.format(to="nowhere"))
CONFIRMED = read_retention(RULE.format(to="ARCHIVE"))
HELD = uid("held study")


@pytest.fixture(scope="module")
def other_port() -> int:
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, other_port: int) -> Iterator[Server]:
    """An Orthanc that knows the other archive, and of one hold that the API's database does not have."""
    known = ModalityChange(title="ARCHIVE", host="127.0.0.1", port=other_port, operations=(Operation.STORE,))
    hold = HoldChange(hold="1", held=True, study=HELD)
    settings = settings_for(tmp_path_factory.mktemp("retention") / "data")
    with running(Server(settings, known=[*accounts(), known, hold])) as made:
        until(lambda: len(made.get("/modalities")) > 3, "Orthanc has the table")
        yield made


@pytest.fixture
def other(server: Server, other_port: int) -> Iterator[OtherArchive]:
    with OtherArchive(server, other_port).up() as made:
        yield made


@dataclass
class Ward:
    """The service, an Orthanc, and what lets studies leave."""

    api: Api
    server: Server
    rules: tuple[RetentionRule, ...] = ALONE
    used: dict[str, float] = field(default_factory=dict)

    def stored(self, study: str, *, images: int = 2) -> tuple[StudyKey, str]:
        """Send a study by C-STORE, and tell the API of it; return its key and Orthanc's identifier."""
        datasets = [self.image(study, number) for number in range(1, images + 1)]
        self.server.send(*datasets)
        (found,) = http.post(f"{self.server.url}/tools/lookup", data=uid(study)).json()
        series = a_series(str(datasets[0].SeriesInstanceUID), instances=images)
        patient, issuer = str(datasets[0].PatientID), str(datasets[0].get("IssuerOfPatientID", ""))
        event = a_study(orthanc=found["ID"], study=uid(study), patient_id=patient, issuer=issuer, series=(series,))
        tell(self.api, event)
        return event.key, found["ID"]

    @staticmethod
    def image(study: str, number: int) -> Dataset:
        dataset = ct_slice(number, study=study, series=f"series of {study}")
        dataset.StudyInstanceUID = uid(study)
        return dataset

    def step(self, days: float = 0.0) -> None:
        """Let days pass, and the worker look."""
        self.api.clock.time += days * DAY
        self.retention().step()

    def retention(self) -> Retention:
        def asking() -> Asking:
            return Asking(self.server.url, everything)

        def archive() -> Archive:
            return Archive(self.server.url, everything)

        leaving = Leaving(service=self.api.service, asking=asking, archive=archive, patience=3.0)
        return Retention(
            service=self.api.service,
            rules=self.rules,
            asking=asking,
            leaving=leaving,
            uses=lambda key: self.used.get(key.study, 0.0),
        )

    def is_there(self, orthanc: str) -> bool:
        return http.get(f"{self.server.url}/studies/{orthanc}").status_code == 200

    def rows(self, table: type[Any]) -> list[Any]:
        with self.api.service.database.reading() as session:
            found = list(session.scalars(select(table)))
            session.expunge_all()
            return found


@pytest.fixture
def ward(api: Api, server: Server) -> Ward:
    for study in server.get("/studies"):  # of the test before; the held one stays
        http.delete(f"{server.url}/studies/{study}")
    return Ward(api, server)


def test_a_study_is_announced_before_it_leaves_and_named_after(ward: Ward) -> None:
    key, orthanc = ward.stored("one")
    ward.step(22)
    assert ward.rows(DueStudy) == []
    ward.step(2)  # 24 days: within a week it may leave
    (due,) = ward.rows(DueStudy)
    assert (due.study_uid, due.rule, due.images, due.kept) == (key.study, "old-ct", 2, None)
    assert due.bytes > 0
    assert due.leaves_at == due.announced_at + NOTICE
    ward.step(6.5)  # its days are over, its notice is not
    assert ward.is_there(orthanc)
    ward.step(0.6)
    assert not ward.is_there(orthanc)
    assert ward.rows(DueStudy) == []
    (gone,) = ward.rows(Departure)
    assert (gone.study_uid, gone.patient_id, gone.rule, gone.state) == (*key[:2], "old-ct", "left")
    assert (gone.by, gone.images, gone.ended_at) == ("service:retention", 2, ward.api.clock.time)
    digests = dict(json.loads(gone.digests))
    assert set(digests) == {str(ward.image("one", number).SOPInstanceUID) for number in (1, 2)}
    assert all(len(md5) == 32 for md5 in digests.values())
    (recorded,) = [one for one in ward.api.journal.events if one["action"] == "retention"]
    assert recorded["detail"]["rule"] == "old-ct"
    assert recorded["detail"]["study"] == key.study
    assert recorded["subject"] == "service:retention"
    tell(ward.api, a_deletion(study=key.study, patient_id=key.patient_id, issuer=key.issuer))
    assert len(ward.rows(Departure)) == 1  # Orthanc's word of it adds nothing


def test_a_rule_that_comes_late_announces_first(ward: Ward) -> None:
    _, orthanc = ward.stored("late")
    ward.step(400)
    ward.step(6.9)
    assert ward.is_there(orthanc)
    ward.step(0.2)
    assert not ward.is_there(orthanc)


def test_no_more_leave_a_day_than_the_rule_says(ward: Ward) -> None:
    stored = [ward.stored(name)[1] for name in ("a", "b", "c")]
    ward.step(31)
    ward.step(8)
    assert sum(map(ward.is_there, stored)) == 1
    ward.step(0.5)
    assert sum(map(ward.is_there, stored)) == 1
    ward.step(0.6)
    assert sum(map(ward.is_there, stored)) == 0


def test_without_rules_nothing_leaves(ward: Ward) -> None:
    _, orthanc = ward.stored("kept")
    ward.rules = ()
    ward.step(40_000)
    ward.step(8)
    assert ward.is_there(orthanc)


def test_a_rule_that_reports_deletes_nothing(ward: Ward) -> None:
    ward.rules = read_retention(RULE.format(to="nowhere").replace("then: delete", "then: report").replace(
        "    copied_to: nowhere\n", ""
    ))  # fmt: skip
    _, orthanc = ward.stored("reported")
    ward.step(31)
    ward.step(8)
    assert ward.is_there(orthanc)
    (due,) = ward.rows(DueStudy)
    assert (due.kept, due.leaves_at) == ("the rule only reports", None)


def test_a_held_study_stays_and_leaves_once_the_hold_is_lifted(ward: Ward) -> None:
    key, orthanc = ward.stored("claimed")
    ward.step(31)
    with ward.api.service.work(TESTER) as work:
        number = holding.place_on_study(work, key.study, "Claim 7 of 2026").number
    ward.step(8)
    assert ward.is_there(orthanc)
    assert [one.kept for one in ward.rows(DueStudy)] == ["it is under legal hold"]
    with ward.api.service.work(replace(TESTER, subject="another")) as work:
        holding.lift(work, number, "The claim was settled")
    ward.step()
    assert not ward.is_there(orthanc)


def test_orthanc_keeps_what_only_it_knows_to_be_held(ward: Ward) -> None:
    _, orthanc = ward.stored("held study")
    with pytest.raises(Held):
        Archive(ward.server.url, everything).delete_study(orthanc)
    ward.step(31)
    ward.step(8)
    assert ward.is_there(orthanc)
    assert [one.state for one in ward.rows(Departure)] == ["stayed"]
    assert [one.kept for one in ward.rows(DueStudy)] == ["it is under legal hold"]


def test_a_study_leaves_when_another_archive_confirms_all_of_it(ward: Ward, other: OtherArchive) -> None:
    ward.rules = CONFIRMED
    _, orthanc = ward.stored("copied")
    uids = {str(ward.image("copied", number).SOPInstanceUID) for number in (1, 2)}
    other.kept = set(list(uids)[:1])
    ward.step(31)
    ward.step(8)
    assert other.asked, "the other archive was asked"
    assert set(other.asked[-1]) == uids
    assert ward.is_there(orthanc)
    (due,) = ward.rows(DueStudy)
    assert due.kept == "ARCHIVE does not keep all images: it does not confirm 1"
    other.kept = uids
    ward.step()
    assert not ward.is_there(orthanc)
    assert other.answered == [0, 0]
    (gone,) = ward.rows(Departure)
    assert gone.why == "kept for 30 days since arrival; kept by ARCHIVE"


def test_an_archive_that_is_silent_or_away_confirms_nothing(ward: Ward, server: Server, other_port: int) -> None:
    ward.rules = CONFIRMED
    _, orthanc = ward.stored("unconfirmed")
    ward.step(31)
    with OtherArchive(server, other_port, silent=True).up():
        ward.step(8)
        assert "did not answer within 3 s" in ward.rows(DueStudy)[0].kept
    ward.step()
    assert "was not asked" in ward.rows(DueStudy)[0].kept
    assert ward.is_there(orthanc)


def test_a_departure_that_was_killed_half_way_is_finished(ward: Ward) -> None:
    _, orthanc = ward.stored("half")
    ward.step(31)
    ward.api.clock.time += 8 * DAY

    class Killed(Exception):
        pass

    class Dying(Archive):
        def delete_study(self, study: str) -> None:
            super().delete_study(study)
            raise Killed

    retention = ward.retention()
    dying = replace(retention.leaving, archive=lambda: Dying(ward.server.url, everything))
    with pytest.raises(Killed):
        replace(retention, leaving=dying).step()
    assert [one.state for one in ward.rows(Departure)] == ["leaving"]
    ward.step()
    assert not ward.is_there(orthanc)
    assert [one.state for one in ward.rows(Departure)] == ["left"]


def test_what_is_begun_stays_where_its_rule_or_all_rules_are_gone(ward: Ward) -> None:
    for call_off_all in (False, True):
        _, orthanc = ward.stored(f"called off {call_off_all}")
        ward.step(31)
        ward.api.clock.time += 8 * DAY
        leaving = ward.retention().leaving
        (row,) = [one for one in ward.rows(DueStudy) if one.orthanc == orthanc]
        assert leaving._written_down(row, ALONE[0], leaving.asking().files(orthanc)) is not None
        if call_off_all:
            with ward.api.service.database.writing() as session:
                call_off(session, ward.api.clock())
            assert ward.rows(DueStudy) == []
        else:
            leaving.finish(["another"])
        assert {one.state for one in ward.rows(Departure)} == {"stayed"}
        assert ward.is_there(orthanc)
        http.delete(f"{ward.server.url}/studies/{orthanc}")


def test_images_that_come_late_stay(ward: Ward) -> None:
    _, orthanc = ward.stored("grown")
    ward.step(31)
    ward.api.clock.time += 8 * DAY
    server = ward.server

    retention = ward.retention()
    leaving = retention.leaving
    (row,) = ward.rows(DueStudy)
    number = leaving._written_down(row, ALONE[0], leaving.asking().files(orthanc))
    assert number is not None
    server.send(ward.image("grown", 3))
    assert leaving.delete(number) == "it changed while it was about to leave"
    assert ward.is_there(orthanc)
    assert [one.state for one in ward.rows(Departure)] == ["stayed"]


def test_use_keeps_a_study(ward: Ward) -> None:
    (rule,) = read_retention(RULE.format(to="nowhere").replace("a_day: 2", "since: last_use"))
    ward.rules = (rule,)
    key, orthanc = ward.stored("used")
    ward.used[key.study] = ward.api.clock.time + 29 * DAY
    ward.step(31)
    ward.step(8)
    assert ward.rows(DueStudy) == []
    ward.step(21)
    ward.step(8)
    assert not ward.is_there(orthanc)


def test_a_study_that_is_deleted_by_hand_is_written_down(ward: Ward) -> None:
    key, orthanc = ward.stored("by hand", images=1)
    assert http.delete(f"{ward.server.url}/studies/{orthanc}").status_code == 200
    tell(ward.api, a_deletion(study=key.study, patient_id=key.patient_id, issuer=key.issuer))
    (gone,) = ward.rows(Departure)
    assert (gone.study_uid, gone.rule, gone.state, gone.images) == (key.study, "", "left", 1)


def test_a_sender_that_is_excepted(ward: Ward) -> None:
    text = RULE.format(to="nowhere").replace("TEACHING", "MODALITY")
    ward.rules = read_retention(text)
    ward.stored("excepted")
    ward.server.upload(part10(ward.image("by http", 1)))
    ward.step(31)
    assert ward.rows(DueStudy) == []


def test_an_archive_that_stores_may_report(server: Server) -> None:
    assert server.get("/modalities/ae-41524348495645/configuration")["AllowEventReport"] is True


def test_a_study_that_came_back_has_all_its_days(ward: Ward) -> None:
    key, orthanc = ward.stored("came back")
    ward.step(25)
    assert len(ward.rows(DueStudy)) == 1
    tell(ward.api, a_deletion(study=key.study, patient_id=key.patient_id, issuer=key.issuer))
    tell(ward.api, a_study(orthanc=orthanc, study=key.study, patient_id=key.patient_id, issuer=key.issuer))
    ward.step(1)
    assert ward.rows(DueStudy) == []
    ward.step(23)
    assert len(ward.rows(DueStudy)) == 1


@pytest.mark.parametrize(("date", "listed"), [("20160101", True), ("2016.01.01", True), ("", False), ("2016", False)])
def test_days_may_count_from_the_date_of_a_study(ward: Ward, date: str, listed: bool) -> None:
    key, orthanc = ward.stored("dated")
    told = {"study": key.study, "patient_id": key.patient_id, "issuer": key.issuer, "orthanc": orthanc, "date": date}
    tell(ward.api, a_study(**told))
    ward.rules = read_retention(
        RULE.format(to="nowhere").replace("keep_days: 30", "keep_days: 3650\n    since: study_date")
    )
    ward.step()
    assert bool(ward.rows(DueStudy)) is listed
