"""`neuronova doctor` as a person types it, on an installation that does not run, with real peers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from cdss_api import modalities
from cdss_api.accounts.recording import Actor
from cdss_api.outbox.administration import add_target
from cdss_api.outbox.configured_targets import Wanted
from cdss_api.outbox.credentials import Credentials
from cdss_api.outbox.profiles import Kind
from cdss_api.starting import open_service, prepare
from neuronova.contract.grants import ModalityChange, Operation
from neuronova.contract.settings import Settings
from neuronova.platform.layout import Layout, make_folders
from tests.audit.collector import make_certificate
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD, NEURONOVA, ambient
from tests.server import free_ports, settings_for

ANSWERS, REFUSES, SILENT, DESTINATION = "CT1", "CT2", "CT3", "ARCHIVE"
Found = dict[str, dict[str, Any]]


@contextmanager
def modality(title: str) -> Iterator[int]:
    """Give the port of a modality that answers a C-ECHO to who calls it by this title."""
    entity = AE(ae_title=title)
    entity.add_supported_context(Verification)
    entity.require_called_aet = True
    server = entity.start_server(("127.0.0.1", 0), block=False)
    assert server is not None
    try:
        assert server.socket is not None
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


def doctor(settings: Settings, *words: str, cwd: Path, code: int) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [NEURONOVA, "doctor", *words],
        env=ambient() | settings.environment() | {"COLUMNS": "200"},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def by_name(done: subprocess.CompletedProcess[str]) -> Found:
    return {one["name"]: one for one in json.loads(done.stdout)}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """What the doctor says of an installation with several things wrong."""
    folder = tmp_path_factory.mktemp("doctor")
    expired = make_certificate(folder, lasts=timedelta(days=-3))
    nobody = free_ports(3)
    settings = settings_for(
        folder / "data",
        NEURONOVA_ADMIN_PASSWORD=ADMIN_PASSWORD,
        NEURONOVA_SYSLOG=f"127.0.0.1:{nobody[0]}",
        NEURONOVA_SYSLOG_CA=str(expired),
        NEURONOVA_SMTP=f"smtp://127.0.0.1:{nobody[1]}",
        NEURONOVA_SMTP_FROM="pacs@example.org",
    )
    make_folders(Layout(settings.data))
    service = open_service(settings)
    prepare(service, lambda _: None)
    (settings.data / "keys" / "plugin.key").chmod(0o644)
    (folder / ".env").write_text("NEURONOVA_AET=NEURONOVA\n")
    (folder / ".env").chmod(0o644)
    with ExitStack() as stack:
        answering, other = (stack.enter_context(modality(title)) for title in (ANSWERS, "SOMEBODY"))
        with service.work(Actor(subject="test")) as work:
            for title, port, operation in (
                (ANSWERS, answering, Operation.STORE),
                (REFUSES, other, Operation.STORE),
                (SILENT, nobody[2], Operation.STORE),
                (DESTINATION, nobody[2], Operation.MOVE),
            ):
                modalities.put(work, ModalityChange(title=title, host="127.0.0.1", port=port, operations=(operation,)))
            url = f"http://127.0.0.1:{nobody[2]}/fhir"
            wanted = Wanted(
                target="emr", profile=Kind.FHIR_R4, url=url, kinds=["Patient"], credentials=Credentials(), polled=[]
            )
            add_target(work, settings.data, wanted)
        service.database.close()
        yield by_name(doctor(settings, "--json", cwd=folder, code=1))


@pytest.mark.parametrize(
    ("name", "outcome", "told"),
    [
        (f"modality {ANSWERS}", "ok", "answers a C-ECHO"),
        (f"modality {REFUSES}", "warning", "refuses the association"),
        (f"modality {SILENT}", "warning", "does not answer"),
        (f"modality {DESTINATION}", "failed", "does not answer"),
        ("NEURONOVA_SYSLOG_CA", "failed", "expired on"),
        ("syslog collector", "failed", "refused"),
        ("mail server", "failed", "refused"),
        ("target emr", "failed", "cannot be reached"),
        ("keys", "failed", "plugin.key"),
        ("folders", "ok", "alone"),
        ("NEURONOVA_ADMIN_PASSWORD", "warning", "still set"),
        ("NEURONOVA_HTTP_PORT", "ok", "free"),
        ("database", "ok", "SQLite"),
        ("fsync", "ok", "ms"),
        ("Python", "ok", "embeds too"),
        ("backup", "warning", "none"),
        ("health", "skipped", "does not run"),
    ],
)
def test_it_finds_what_is_wrong(found: Found, name: str, outcome: str, told: str) -> None:
    assert found[name]["outcome"] == outcome, found[name]
    assert told in found[name]["found"]
    assert bool(found[name]["advice"]) == (outcome in ("failed", "warning"))


def test_a_file_of_settings_that_others_read_is_named(found: Found) -> None:
    (one,) = (one for name, one in found.items() if name.endswith("/.env"))
    assert (one["outcome"], one["advice"].split()[0]) == ("failed", "chmod")


def test_no_secret_is_told(found: Found) -> None:
    assert ADMIN_PASSWORD not in json.dumps(found)


def test_a_machine_on_which_nothing_was_started_is_no_failure(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data")
    said = doctor(settings, cwd=tmp_path, code=0).stdout
    assert "What to do" in said
    assert "modalities and targets" in said
    assert not settings.data.exists()


def test_an_odd_setting_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NEURONOVA_COLOUR=blue\n")
    (tmp_path / ".env").chmod(0o600)
    found = by_name(doctor(settings_for(tmp_path / "data"), "--json", cwd=tmp_path, code=1))
    assert "NEURONOVA_COLOUR" in found["settings"]["found"]
