"""Priors that a real Orthanc fetches from a real Query/Retrieve SCP for orders of the API, on both databases."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from pydicom import Dataset
from sqlalchemy import func, select, update

from cdss_api.forwarding.models import Forward
from cdss_api.jobs.models import Job
from cdss_api.outbox import operations
from cdss_api.outbox.models import Message
from cdss_api.prefetch.models import Prior, PriorState
from neuronova.contract.ai.judged import Sent
from neuronova.contract.grants import Operation
from neuronova.contract.priority import Priority
from tests.jobs.judging import judged, tell
from tests.prefetch.archive import OtherArchive
from tests.prefetch.working import Bench, study
from tests.server import Server

_names = count(1)


def prior(bench: Bench, name: str, **more: Any) -> list[Dataset]:
    """Return a study that no other test has."""
    made = study(f"{name} {next(_names)}", bench.patient, **more)
    for image in made:
        image.StudyDescription = name
    return made


def test_an_orders_priors_come_the_newest_first_and_are_in_the_audit_trail(bench: Bench, archive: OtherArchive) -> None:
    studies = [prior(bench, name, StudyDate=f"{name}0102") for name in ("2020", "2023", "2024", "2025")]
    another = prior(bench, "another modality", Modality="MR")
    stranger = prior(bench, "stranger", PatientID="P-0")
    archive.images = [image for one in (*studies, another, stranger) for image in one]
    with archive.up():
        placed = bench.ordered()
        assert (bench.states(), bench.priors()) == (["queued"], {})
        bench.work()
    assert (bench.states(), bench.messages()) == (["done"], [("completed", 1, "ok")])
    assert bench.priors() == {"2024": "fetched", "2025": "fetched"}
    assert [bench.here(one) for one in (*studies, another, stranger)] == [0, 0, 2, 2, 0, 0]
    assert (archive.asked[0].PatientID, archive.asked[0].IssuerOfPatientID) == (bench.patient, "")
    (event,) = [one for one in bench.api.journal.events if one["action"] == "prefetch"]
    assert (event["patient"], event["detail"]["order"]) == ((bench.patient, ""), placed["id"])
    assert event["detail"]["archive"] == "OLDPACS"


def test_an_order_that_is_written_again_fetches_nothing_twice(bench: Bench, archive: OtherArchive) -> None:
    archive.images = prior(bench, "prior")
    with archive.up():
        placed = bench.ordered()
        bench.work()
        placed = bench.changed(placed, note=[{"text": "the same day"}])
        assert bench.states() == ["done"]
        placed = bench.changed(placed, occurrenceDateTime="2026-05-05T10:00:00+09:00")
        assert bench.states() == ["queued"]
        bench.work()
    assert (bench.states(), bench.priors()) == (["done"], {"prior": "fetched"})
    assert set(archive.moved.values()) == {1}
    assert len(bench.messages()) == 2


def test_what_is_here_is_not_fetched_and_what_is_here_in_part_is(
    bench: Bench, archive: OtherArchive, server: Server
) -> None:
    whole, part = prior(bench, "whole"), prior(bench, "part", images=3)
    archive.images = [*whole, *part]
    server.send(*whole, part[0])
    with archive.up():
        bench.ordered()
        bench.work()
    assert bench.priors() == {"whole": "present", "part": "fetched"}
    assert (bench.here(whole), bench.here(part)) == (2, 3)
    assert archive.moved == {str(part[0].StudyInstanceUID): 1}
    assert [one.as_prior for one in bench.all_priors()] == [False, False]


def test_an_archive_that_is_down_is_waited_for(bench: Bench, archive: OtherArchive) -> None:
    archive.images = prior(bench, "prior")
    bench.ordered()
    bench.work(120)
    assert (bench.states(), bench.breaker()) == (["queued"], "open")
    assert "TCP" in (bench.rows()[0].detail or "")
    assert [(state, verdict) for state, _, verdict in bench.messages()] == [("failed", "target_down")]
    with archive.up():
        bench.work(600)
    assert (bench.states(), bench.priors(), bench.breaker()) == (["done"], {"prior": "fetched"}, "closed")
    assert bench.here(archive.images) == 2


def test_another_patient_of_the_same_number_is_listed_and_left_there(bench: Bench, archive: OtherArchive) -> None:
    ours = prior(bench, "ours")
    theirs = prior(bench, "theirs", PatientName="Lee^Jiwon", PatientBirthDate="19990909", PatientSex="F")
    archive.images = [*ours, *theirs]
    with archive.up():
        bench.ordered()
        bench.work()
    assert (bench.states(), bench.priors()) == (["done"], {"ours": "fetched", "theirs": "doubtful"})
    (doubtful,) = [one for one in bench.all_priors() if one.state == "doubtful"]
    assert doubtful.detail == "PatientBirthDate, PatientSex, PatientName"
    assert bench.here(theirs) == 0


def test_a_study_that_comes_in_part_is_fetched_again_and_the_others_come(bench: Bench, archive: OtherArchive) -> None:
    short, whole = prior(bench, "short", images=3, StudyDate="20250101"), prior(bench, "whole")
    archive.images, archive.withheld = [*short, *whole], {str(short[0].StudyInstanceUID): 2}
    with archive.up():
        bench.ordered()
        bench.work(10)
        assert (bench.states(), bench.priors()) == (["failed"], {"short": "failed", "whole": "fetched"})
        assert [one.detail for one in bench.all_priors()] == ["1 of 3 images came.", None]
        assert bench.messages() == [("failed", 1, "transient")]
        archive.withheld.clear()
        bench.work(100)
    assert (bench.states(), bench.priors()) == (["done"], {"short": "fetched", "whole": "fetched"})
    assert archive.moved == {str(short[0].StudyInstanceUID): 2, str(whole[0].StudyInstanceUID): 1}
    assert [one.as_prior for one in bench.all_priors()] == [True, True]


def test_a_study_at_which_the_archive_breaks_off_keeps_no_other_away(bench: Bench, archive: OtherArchive) -> None:
    breaks, whole = prior(bench, "breaks", StudyDate="20250101"), prior(bench, "whole")
    archive.images, archive.breaking = [*breaks, *whole], {str(breaks[0].StudyInstanceUID)}
    with archive.up():
        bench.ordered()
        bench.work(300)
        assert bench.priors() == {"breaks": "queued", "whole": "fetched"}
        archive.breaking.clear()
        bench.work(600)
    assert (bench.states(), bench.priors()) == (["done"], {"breaks": "fetched", "whole": "fetched"})


def test_an_archive_that_does_not_know_us_is_a_dead_letter_in_the_end(bench: Bench, archive: OtherArchive) -> None:
    archive.images, archive.receiver = prior(bench, "prior"), ("SOMEBODY", 104)
    with archive.up():
        bench.ordered()
        bench.work(1500)
    assert (bench.states(), bench.messages()) == (["failed"], [("dead_letter", 5, "transient")])
    (left,) = bench.all_priors()
    assert "it does not know our AE title" in (left.detail or "")
    assert not left.as_prior  # a modality may send it yet
    assert bench.breaker() == "closed"


def test_an_archive_that_may_not_store_is_not_asked_until_it_may(bench: Bench, archive: OtherArchive) -> None:
    archive.images = prior(bench, "prior")
    bench.allow(Operation.FIND)
    with archive.up():
        bench.ordered()
        bench.work()
        assert (bench.states(), bench.messages(), archive.asked) == (["failed"], [("dead_letter", 1, "permanent")], [])
        assert "OLDPACS is no modality that may store" in (bench.rows()[0].detail or "")
        bench.allow(Operation.STORE)
        with bench.api.service.database.writing() as session:
            operations.retry(session, session.scalars(select(Message.number)).one(), bench.api.clock())
        bench.work()
    assert (bench.states(), bench.priors()) == (["done"], {"prior": "fetched"})


def test_an_order_that_is_revoked_or_of_no_rule_fetches_nothing(bench: Bench, archive: OtherArchive) -> None:
    archive.images = prior(bench, "prior")
    placed = bench.ordered()
    bench.changed(placed, status="revoked")
    bench.ordered(orderDetail=[{"coding": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "MR"}]}])
    with archive.up():
        bench.work()
    assert (bench.states(), archive.asked) == (["superseded"], [])


def test_an_order_whose_patient_lost_the_number_asks_for_nobody(bench: Bench, archive: OtherArchive) -> None:
    archive.images = prior(bench, "prior")
    link = bench.ordered()["subject"]["reference"]
    patient = bench.ask("GET", link)
    del patient["identifier"]
    bench.ask("PUT", link, patient)
    with archive.up():
        bench.work()
    assert (bench.states(), archive.asked) == (["superseded"], [])


def test_a_patients_issuer_is_asked_for_unless_all_of_the_archives_have_it(
    bench: Bench, archive: OtherArchive, server: Server
) -> None:
    archive.images = prior(bench, "prior")
    clinic = [{"system": "urn:neuronova:issuer:CLINIC", "value": bench.patient}]
    with archive.up():
        placed = bench.ordered()
        link = placed["subject"]["reference"]
        bench.ask("PUT", link, bench.ask("GET", link) | {"identifier": clinic})
        bench.work()
        bench.allow(Operation.STORE, issuer="CLINIC")
        bench.changed(placed, occurrenceDateTime="2026-06-06")
        bench.work()
    asked = [one.IssuerOfPatientID for one in archive.asked if "IssuerOfPatientID" in one]
    assert asked == ["CLINIC", ""]


def test_a_study_of_which_the_archive_tells_no_number_comes_once(bench: Bench, archive: OtherArchive) -> None:
    archive.images, archive.tells = prior(bench, "prior"), False
    with archive.up():
        placed = bench.ordered()
        bench.work()
        bench.changed(placed, occurrenceDateTime="2026-05-05")
        bench.work()
    assert (bench.states(), bench.priors(), bench.here(archive.images)) == (["done"], {"prior": "fetched"}, 2)
    assert set(archive.moved.values()) == {1}


def test_a_job_is_found_again_by_later_deliveries(bench: Bench, archive: OtherArchive) -> None:
    archive.images = prior(bench, "prior")
    with archive.up():
        bench.ordered()
        while bench.states() != ["done"]:
            bench.work(0.5, step=0.0)
    assert (bench.priors(), set(archive.moved.values())) == ({"prior": "fetched"}, {1})


def test_who_was_killed_before_it_knew_the_job_begins_again(
    bench: Bench, archive: OtherArchive, server: Server
) -> None:
    archive.images = prior(bench, "prior")
    with archive.up():
        bench.ordered()
        assert bench.worker().step()
        with bench.api.service.database.writing() as session:
            session.execute(update(Prior).values(state=PriorState.FETCHING, as_prior=True))
        server.send(archive.images[0])  # came by the job that nobody knows
        bench.work()
    assert (bench.states(), bench.priors(), bench.here(archive.images)) == (["done"], {"prior": "fetched"}, 2)
    assert [one.as_prior for one in bench.all_priors()] == [True]


def test_what_never_came_may_still_come_as_new(bench: Bench, archive: OtherArchive) -> None:
    archive.images = prior(bench, "prior")
    with archive.up():
        placed = bench.ordered()
        assert bench.worker().step()
    bench.work(1)  # the archive is down as the study is asked for
    assert [(one.state, one.as_prior) for one in bench.all_priors()] == [("queued", False)]
    with bench.api.service.database.writing() as session:
        session.execute(update(Prior).values(state=PriorState.FETCHING, as_prior=True))
    bench.changed(placed, status="revoked")
    bench.work(600)
    assert bench.states() == ["superseded"]
    assert [(one.state, one.as_prior) for one in bench.all_priors()] == [("left", False)]


def test_a_study_of_yesterday_may_be_new_work(bench: Bench, archive: OtherArchive) -> None:
    archive.images = prior(bench, "young", StudyDate="20260228")
    with archive.up():
        bench.ordered()
        bench.work()
    assert bench.priors() == {"young": "fetched"}
    assert [one.as_prior for one in bench.all_priors()] == [False]


@pytest.mark.parametrize(("fetched", "taken"), [(True, 0), (False, 1)], ids=["prior", "new"])
def test_a_prior_is_no_work_for_models_or_destinations(
    bench: Bench, archive: OtherArchive, *, fetched: bool, taken: int
) -> None:
    images = prior(bench, "prior")
    archive.images = images
    with archive.up():
        bench.ordered()
        bench.work()
    uid = str(images[0].StudyInstanceUID) if fetched else "1.2.3"
    sent = (Sent(rule="all", to="PEER", priority=Priority.ROUTINE),)
    assert tell(bench.api, judged("1.2.3.4", study=uid, sent=sent)) == {"taken": 1, "refused": 0}
    with bench.api.service.database.reading() as session:
        counted = [session.scalar(select(func.count()).select_from(one)) for one in (Forward, Job)]
    assert counted == [taken, taken]
