"""Series on their way by a real Orthanc to a real Storage SCP, on both databases."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from pydicom import Dataset
from pynetdicom.sop_class import MRImageStorage  # type: ignore[attr-defined]
from sqlalchemy import select

from cdss_api.outbox import operations
from cdss_api.outbox.models import Message
from neuronova.contract.grants import Operation
from tests.accounts.api import Api, json_of
from tests.forwarding.peer import CANNOT_UNDERSTAND, OUT_OF_RESOURCES, REFUSED_SOP_CLASS, SUCCESS, Peer
from tests.forwarding.working import Bench
from tests.jobs.judging import gone, tell
from tests.server import Server
from tests.synthetic import ct_slice

_names = count(1)


@pytest.fixture
def bench(api: Api, server: Server) -> Bench:
    return Bench(api, server)


def images(number: int) -> list[Dataset]:
    """Return a CT series that no other test has."""
    name = f"forwarded {next(_names)}"
    return [ct_slice(one, rows=16, columns=16, study=name) for one in range(1, number + 1)]


def uids(sent: list[Dataset]) -> set[str]:
    return {str(one.SOPInstanceUID) for one in sent}


def test_a_series_arrives_as_it_is_stored_and_is_in_the_audit_trail(bench: Bench, peer: Peer) -> None:
    sent = images(3)
    with peer.up():
        bench.arrived(*sent)
        bench.work()
    assert {uid: image.PixelData for uid, image in peer.held.items()} == {
        str(one.SOPInstanceUID): one.PixelData for one in sent
    }
    assert set(peer.came.values()) == {1}
    assert (bench.states(), bench.messages()) == (["sent"], [("completed", 1, "ok")])
    (event,) = [one for one in bench.api.journal.events if one["action"] == "forward"]
    assert event["detail"]["to"] == "PEER"
    assert event["detail"]["study"] == str(sent[0].StudyInstanceUID)
    assert event["patient"] == ("KIM-1", "HOSPITAL")


def test_what_is_told_twice_is_sent_once(bench: Bench, peer: Peer) -> None:
    sent = images(2)
    with peer.up():
        bench.arrived(*sent)
        bench.work()
        bench.told(sent[0])
        bench.work(300)
    assert set(peer.came.values()) == {1}
    assert bench.states() == ["sent"]


def test_a_late_image_goes_alone(bench: Bench, peer: Peer) -> None:
    sent = images(4)
    with peer.up():
        bench.arrived(*sent[:3])
        bench.work()
        bench.arrived(sent[3])
        bench.work()
    assert peer.came == dict.fromkeys(uids(sent), 1)
    assert bench.states() == ["sent", "sent"]


def test_a_destination_that_is_down_is_waited_for(bench: Bench, peer: Peer) -> None:
    sent = images(2)
    bench.arrived(*sent)
    bench.work(120)
    assert bench.breaker() == "open"
    assert bench.states() == ["queued"]
    ((state, _, verdict),) = bench.messages()
    assert (state, verdict) == ("failed", "target_down")
    assert "TCP" in (bench.rows()[0].detail or "")
    (shown,) = json_of(bench.api.client.get("/api/v1/outbox/targets", headers=bench.api.admin()))["targets"]
    assert (shown["target"], shown["own"], shown["waiting"], shown["breaker"]) == ("dicom:PEER", True, 1, "open")
    with peer.up():
        bench.work(600)
    assert peer.came == dict.fromkeys(uids(sent), 1)
    assert (bench.states(), bench.messages()) == (["sent"], [("completed", 1, "ok")])
    assert bench.breaker() == "closed"


@pytest.mark.parametrize(
    ("status", "said"),
    [(REFUSED_SOP_CLASS, "0x0122: it refuses the SOP class"), (CANNOT_UNDERSTAND, "0xC000")],
    ids=["refused-sop-class", "cannot-understand"],
)
def test_what_is_refused_for_good_is_a_dead_letter_until_a_person_decides(
    bench: Bench, peer: Peer, status: int, said: str
) -> None:
    sent = images(1)
    peer.status = status
    with peer.up():
        bench.arrived(*sent)
        bench.work(300)
        assert (bench.states(), bench.messages()) == (["failed"], [("dead_letter", 1, "permanent")])
        assert said in (bench.rows()[0].detail or "")
        assert bench.breaker() == "closed"
        peer.status = SUCCESS
        with bench.api.service.database.writing() as session:
            operations.retry(session, session.scalars(select(Message.number)).one(), bench.api.clock())
        bench.work()
    assert bench.states() == ["sent"]
    assert peer.held.keys() == uids(sent)


def test_a_sop_class_that_is_not_negotiated_is_refused_for_good(bench: Bench, port: int) -> None:
    with Peer(port, classes=(MRImageStorage,)).up() as peer:
        bench.arrived(*images(2))
        bench.work(60)
    assert (bench.states(), bench.messages()) == (["failed"], [("dead_letter", 1, "permanent")])
    assert "SOP class or transfer syntax" in (bench.rows()[0].detail or "")
    assert not peer.came


def test_a_destination_that_is_full_is_waited_for(bench: Bench, peer: Peer) -> None:
    sent = images(2)
    peer.status = OUT_OF_RESOURCES
    with peer.up():
        bench.arrived(*sent)
        bench.work(60)
        assert bench.states() == ["queued"]
        assert "0xA700" in (bench.rows()[0].detail or "")
        peer.status = SUCCESS
        bench.work(600)
    assert bench.states() == ["sent"]
    assert peer.held.keys() == uids(sent)


def test_who_may_not_store_is_sent_nothing(bench: Bench, peer: Peer) -> None:
    bench.allow(Operation.FIND)
    with peer.up():
        bench.arrived(*images(1))
        bench.work(60)
    assert not peer.came
    assert bench.states() == ["failed"]
    assert bench.rows()[0].detail == "PEER is no modality that may store"


def test_what_a_rule_does_not_send_any_more_is_dropped(bench: Bench, peer: Peer) -> None:
    sent = images(2)
    first = bench.arrived(sent[0])
    bench.arrived(sent[1], sent=())
    other = bench.arrived(*images(1))
    tell(bench.api, replace(gone(), orthanc=other.orthanc))
    with peer.up():
        bench.work(60)
    assert first.orthanc != other.orthanc
    assert bench.states() == ["superseded", "superseded"]
    assert not peer.came
