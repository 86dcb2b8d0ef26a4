"""Forwarding to a collector over TLS: verified, in order, each record at least once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from neuronova.audit import forward
from neuronova.audit.forward import Collector, Forwarder
from neuronova.audit.journal import AuditJournal
from neuronova.audit.positions import lag, read_position
from neuronova.audit.syslog import framed, host_name, syslog_message
from neuronova.audit.trail import Trail
from neuronova.contract.audit import Outcome, genesis, link
from tests.audit.collector import Listener, listening, make_certificate, sequences
from tests.audit.events import NOON, event, filled, spoilt


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def listener(certificate: Path) -> Iterator[Listener]:
    with listening(certificate) as one:
        yield one


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    return Trail(tmp_path / "data")


@pytest.fixture
def journal(trail: Trail) -> Iterator[AuditJournal]:
    journal = AuditJournal(trail.journal("api"), "api")
    yield journal
    journal.close()


def forwarder(trail: Trail, port: int, certificate: Path, clock: Clock) -> Forwarder:
    collector = Collector(host="127.0.0.1", port=port, authority=certificate)
    return Forwarder(trail, collector, clock, host="pacs", server="https://pacs.example.org")


def test_a_message_is_as_rfc_5424_says() -> None:
    record = link("api", 3, genesis("api", "j"), event(outcome=Outcome.DENIED))
    header, _, body = syslog_message(record, "päcs 1", "pacs").partition(b"\xef\xbb\xbf")
    assert header == b'<84>1 2027-01-15T08:00:00.000000Z pcs1 neuronova api DICOM+RFC3881 [meta sequenceId="3"] '
    assert fromstring(body.decode()).tag == "AuditMessage"
    assert framed(b"abc") == b"3 abc"
    assert host_name("") == "-"


def test_records_arrive_in_order_and_once(
    trail: Trail, journal: AuditJournal, listener: Listener, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward, "AT_ONCE", 50)
    journal.append(*(event(number) for number in range(120)))
    other = AuditJournal(trail.journal("orthanc"), "orthanc")
    other.append(event())
    other.close()
    sending = forwarder(trail, listener.port, certificate, Clock())
    assert [sending.step() for _ in range(4)] == [51, 50, 20, 0]
    messages = listener.messages(121)
    assert sequences([one for one in messages if " api " in one]) == list(range(1, 121))
    assert len([one for one in messages if " orthanc " in one]) == 1
    sending.close()
    again = forwarder(trail, listener.port, certificate, Clock())
    assert again.step() == 0
    journal.append(event())
    assert again.step() == 1
    again.close()
    assert sequences(listener.messages(122))[-1] == 121


def test_after_an_interruption_it_waits_and_goes_on(
    trail: Trail, journal: AuditJournal, listener: Listener, certificate: Path
) -> None:
    clock = Clock()
    sending = forwarder(trail, listener.port, certificate, clock)
    journal.append(event())
    assert sending.step() == 1
    listener.messages(1)
    listener.hang_up()
    journal.append(event(), event())
    until = time.monotonic() + 10
    while sending.problem is None and time.monotonic() < until:
        sending.step()
    assert sending.problem
    assert sending.step() == 0  # it waits
    clock.now += 1
    assert sending.step() >= 2
    assert sending.problem is None
    sending.close()
    listener.messages(3)
    assert set(sequences(listener.found())) == {1, 2, 3}


def test_a_collector_that_is_away_is_tried_ever_more_rarely(
    trail: Trail, journal: AuditJournal, certificate: Path
) -> None:
    clock = Clock()
    with listening(certificate) as gone:
        port = gone.port
    sending = forwarder(trail, port, certificate, clock)
    journal.append(event())
    pauses = []
    for _ in range(8):
        assert sending.step() == 0
        began = clock.now
        while sending._not_before > clock.now:
            assert sending.step() == 0
            clock.now += 0.5
        pauses.append(clock.now - began)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    with listening(certificate, port) as back:
        assert sending.step() == 1
        back.messages(1)
        sending.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_nothing_is_sent_to_a_collector_that_is_not_verified(
    trail: Trail, journal: AuditJournal, listener: Listener, certificate: Path, host: str
) -> None:
    journal.append(event())
    authority = None if host == "127.0.0.1" else certificate  # an authority we do not know, or another name
    collector = Collector(host=host, port=listener.port, authority=authority)
    sending = Forwarder(trail, collector, Clock(), host="pacs", server="pacs")
    assert sending.step() == 0
    assert "CERTIFICATE_VERIFY_FAILED" in (sending.problem or "")
    assert not listener.found()


def test_a_damaged_journal_keeps_no_other_back(
    trail: Trail, journal: AuditJournal, listener: Listener, certificate: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = spoilt(filled(trail.journal("a-first"), "a-first", 500))
    journal.append(event())
    sending = forwarder(trail, listener.port, certificate, Clock())
    for _ in range(3):
        sending.step()
    listener.messages(1)
    sending.close()
    assert [" api " in message for message in listener.found()] == [True]
    assert caplog.text.count("not forwarded") == 1
    sent = read_position(trail.forwarded / f"127.0.0.1-{listener.port}.json")
    assert lag([journal.path], sent).records == 0
    assert lag([damaged], sent).records == 0  # that can be seen


def test_a_damaged_cursor_sends_everything_again(
    trail: Trail, journal: AuditJournal, listener: Listener, certificate: Path
) -> None:
    journal.append(event())
    for text in ("", "[]", '{"api": 1}', '{"sent": {"api": "x"}, "problem": null}'):
        trail.forwarded.mkdir(exist_ok=True)
        (trail.forwarded / f"127.0.0.1-{listener.port}.json").write_text(text)
        sending = forwarder(trail, listener.port, certificate, Clock())
        assert sending.step() == 1
        sending.close()
