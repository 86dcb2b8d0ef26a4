"""The keeper of the audit trail: as a process with a real collector, and by the clock."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from neuronova.audit import keeper
from neuronova.audit.checkpoints import read_checkpoints
from neuronova.audit.files import JournalInUse
from neuronova.audit.journal import AuditJournal
from neuronova.audit.keeper import CHECKPOINT_EVERY, RETENTION_EVERY, WRITER, Keeper
from neuronova.audit.retention import DAY, EXPORTS_KEPT, YEAR
from neuronova.audit.signing import signer_of
from neuronova.audit.status import status_of
from neuronova.audit.trail import Trail
from neuronova.audit.verify import verify
from neuronova.contract.audit import Action
from neuronova.contract.settings import Settings, read_settings
from tests.audit.collector import Listener, listening, make_certificate, sequences
from tests.audit.events import NOON, event, records, unguarded
from tests.patience import PATIENCE
from tests.running import ambient
from tests.server import free_ports, until

COUNT = 30  # records, a day between two


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trail(tmp_path: Path) -> Trail:
    return Trail(tmp_path / "data")


@pytest.fixture
def journal(trail: Trail) -> Iterator[AuditJournal]:
    with closing(AuditJournal(trail.journal("api"), "api")) as journal:
        journal.append(*(event(number, time=NOON - YEAR + (number - 19.5) * DAY) for number in range(COUNT)))
        yield journal


def settings(trail: Trail, **more: object) -> Settings:
    return read_settings({"NEURONOVA_DATA": str(trail.data)} | {f"NEURONOVA_{name}": str(more[name]) for name in more})


@pytest.fixture
def keep(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    monkeypatch.setattr(keeper, "PATIENCE", 0.0)

    @contextmanager
    def keeping(clock: Clock, **more: object) -> Iterator[Keeper]:
        with closing(Keeper(settings(trail, **more), clock)) as one:
            yield one

    yield keeping


def checkpoints(trail: Trail) -> int:
    found = read_checkpoints(trail.checkpoints, signer_of(trail.keys).keys)
    assert not found.faults
    return len(found.valid)


def kept(trail: Trail) -> list[int]:
    return [record.sequence for record in records(trail.journal("api"))]


@contextmanager
def process(trail: Trail, **more: object) -> Iterator[subprocess.Popen[bytes]]:
    variables = ambient() | settings(trail, **more).environment()
    with subprocess.Popen([sys.executable, "-m", "neuronova.audit.keeper"], env=variables) as running:
        try:
            yield running
        finally:
            running.kill()


def test_it_signs_at_its_start_now_and_then_and_at_its_end(trail: Trail, journal: AuditJournal, keep: Any) -> None:
    clock = Clock()
    with keep(clock) as one:
        one.step()
        assert checkpoints(trail) == 1
        journal.append(event())
        clock.now += CHECKPOINT_EVERY - 1
        one.step()
        assert checkpoints(trail) == 1
        clock.now += 1
        one.step()
        assert checkpoints(trail) == 2
        journal.append(event())
        assert status_of(trail, None).unsigned.records == 1
    assert checkpoints(trail) == 3
    assert status_of(trail, None).unsigned.records == 0


def test_there_is_one(trail: Trail, keep: Any) -> None:
    with keep(Clock()), pytest.raises(JournalInUse), keep(Clock()):
        pass


def test_without_the_setting_nothing_is_removed(trail: Trail, journal: AuditJournal, keep: Any) -> None:
    with keep(Clock()) as one:
        one.step()
    assert kept(trail) == list(range(1, COUNT + 1))


def test_what_is_too_old_is_removed_once_a_day(trail: Trail, journal: AuditJournal, keep: Any) -> None:
    clock = Clock()
    with keep(clock, AUDIT_YEARS=1) as one:
        one.step()
        assert kept(trail) == list(range(21, COUNT + 1))
        clock.now += RETENTION_EVERY
        one.step()
        assert kept(trail) == list(range(21, COUNT + 1))
        (export,) = trail.removed.iterdir()
        clock.now += DAY
        one.step()
        assert kept(trail) == list(range(22, COUNT + 1))
        cuts = [record.event for record in records(trail.journal(WRITER))]
        assert [(cut.action, cut.subject) for cut in cuts] == [(Action.CUT, "service:keeper")] * 2
        clock.now += EXPORTS_KEPT
        one.step()
        assert not export.exists()
    assert verify(trail, signer_of(trail.keys).keys).sound


def test_a_cut_is_made_after_a_checkpoint_of_what_it_removes(
    trail: Trail, journal: AuditJournal, keep: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Keeper, "checkpoint", lambda _: None)
    with keep(Clock(), AUDIT_YEARS=1) as one:
        one.step()
    assert kept(trail)[0] == 21
    (made,) = read_checkpoints(trail.checkpoints, signer_of(trail.keys).keys).valid
    assert {(tip.writer, tip.sequence) for tip in made.tips} == {("api", COUNT), (WRITER, 1)}


def test_nothing_is_cut_off_a_broken_trail(
    trail: Trail, journal: AuditJournal, keep: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(unguarded(journal.path)) as db:
        db.execute("UPDATE record SET event = replace(event, 'doctor', 'nurse') WHERE sequence = 4")
    with keep(Clock(), AUDIT_YEARS=1) as one:
        one.step()
    assert len(kept(trail)) == COUNT
    assert "broken" in caplog.text


def test_what_a_collector_has_not_had_is_not_removed(
    trail: Trail, journal: AuditJournal, keep: Any, certificate: Path
) -> None:
    clock = Clock()
    (port,) = free_ports(1)
    collector = {"SYSLOG": f"127.0.0.1:{port}", "SYSLOG_CA": certificate, "AUDIT_YEARS": 1}
    with keep(clock, **collector) as one:
        one.step()
        assert len(kept(trail)) == COUNT
        with listening(certificate, port) as listener:
            clock.now += RETENTION_EVERY
            one.step()
            listener.messages(COUNT)
            until(lambda: not one.step() and unsent(trail, one) == 0, "all was confirmed")
            clock.now += RETENTION_EVERY
            one.step()
            assert kept(trail) == list(range(21, COUNT + 1))


def test_a_collector_gets_every_record_of_a_killed_keeper(
    trail: Trail, journal: AuditJournal, certificate: Path
) -> None:
    with listening(certificate) as listener:
        collector = {"SYSLOG": f"127.0.0.1:{listener.port}", "SYSLOG_CA": certificate}
        with process(trail, **collector) as running:
            listener.messages(COUNT)
            running.send_signal(signal.SIGKILL)
        journal.append(*(event() for _ in range(3)))
        with process(trail, **collector) as running:
            until(lambda: set(range(1, COUNT + 4)) <= of_api(listener), "all records")
            running.terminate()
            assert running.wait(PATIENCE) == 0
        before = len(listener.found())
        with process(trail, **collector) as running:
            journal.append(event())
            until(lambda: COUNT + 4 in of_api(listener), "the last record")
            running.terminate()
            assert running.wait(PATIENCE) == 0
        assert len(listener.found()) == before + 1


def unsent(trail: Trail, one: Keeper) -> int:
    lag = status_of(trail, one.collector).unsent
    assert lag is not None
    return lag.records


def of_api(listener: Listener) -> set[int]:
    return set(sequences([message for message in listener.found() if " neuronova api " in message]))


def test_it_ends_at_once_while_a_collector_says_nothing(trail: Trail, journal: AuditJournal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        with process(trail, SYSLOG=f"127.0.0.1:{mute.getsockname()[1]}") as running:
            connection, _ = mute.accept()
            journal.append(event())
            running.terminate()
            assert running.wait(PATIENCE) == 0
        connection.close()
    assert status_of(trail, None).unsigned.records == 0


def test_it_ends_at_once_while_a_collector_reads_nothing(
    trail: Trail, journal: AuditJournal, certificate: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as server:
        collector = {"SYSLOG": f"127.0.0.1:{server.getsockname()[1]}", "SYSLOG_CA": certificate}
        with process(trail, **collector) as running:
            plain, _ = server.accept()
            with context.wrap_socket(plain, server_side=True):
                journal.append(event())
                running.terminate()
                assert running.wait(PATIENCE) == 0
    assert status_of(trail, None).unsigned.records == 0
