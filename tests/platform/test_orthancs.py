"""Two Orthancs on one PostgreSQL index and one folder of files, behind one gateway: either is killed under load."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, build_context

from neuronova.contract.settings import read_settings
from neuronova.platform.errors import PlatformError
from neuronova.platform.layout import Layout
from neuronova.platform.orthanc_index import check_index
from neuronova.platform.programs import find_programs
from tests import debian13, postgres
from tests.databases import named
from tests.patience import PATIENCE
from tests.running import Platform, running_platform
from tests.server import free_ports, until
from tests.signals import kill
from tests.synthetic import ct_slice

TITLE = "MODALITY"
ROUNDS = 2  # in which each Orthanc is killed once
needs_several_writers = pytest.mark.skipif(
    not debian13.is_chosen(), reason="Debian 12's plugin for PostgreSQL has one writer; ORTHANC_UNDER_TEST=debian13"
)


@pytest.fixture(scope="module")
def platform(postgres_address: str) -> Iterator[Platform]:
    postgres.execute(postgres_address, "CREATE DATABASE orthancs TEMPLATE template_neuronova STRATEGY FILE_COPY")
    postgres.execute(postgres_address, "CREATE DATABASE orthancs_index")
    http, dicom = free_ports(2)
    several = {
        "NEURONOVA_API_PROCESSES": "2",
        "NEURONOVA_ENCODE_WORKERS": "2",
        "NEURONOVA_DATABASE_URL": named(postgres_address, "orthancs"),
        "NEURONOVA_ORTHANC_INDEX_URL": named(postgres_address, "orthancs_index"),
        "NEURONOVA_MORE_ORTHANCS": f"{http}:{dicom}",
    }
    with TemporaryDirectory(prefix="nn") as folder, running_platform(Path(folder) / "data", **several) as running:
        running.allow(TITLE)
        running.bearer()
        yield running


@dataclass
class Modality:
    """Sends images of studies of its own to one Orthanc until it is told to end; what is not taken is sent again."""

    platform: Platform
    port: int
    study: str
    ending: threading.Event
    taken: list[str] = field(default_factory=list)

    def work(self) -> None:
        entity = AE(ae_title=TITLE)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 10
        contexts = [build_context(CTImageStorage, ExplicitVRLittleEndian)]
        number = 1
        while not self.ending.is_set():
            association = entity.associate(
                "127.0.0.1", self.port, contexts=contexts, ae_title=self.platform.settings.aet
            )
            try:
                while association.is_established and not self.ending.is_set():
                    image = ct_slice(number, study=self.study, series=self.study)
                    if association.send_c_store(image).get("Status") != 0x0000:
                        break
                    self.taken.append(str(image.SOPInstanceUID))
                    number += 1
                    time.sleep(0.02)
            except (RuntimeError, ValueError):  # the association was lost meanwhile
                pass
            finally:
                association.release() if association.is_established else association.kill()
            time.sleep(0.1)

    def until_taken(self, more: int = 5) -> None:
        """Wait until some more images were taken."""
        wanted = len(self.taken) + more
        until(lambda: len(self.taken) >= wanted, "images are taken")


@dataclass
class Reader:
    """Searches again and again; keeps what was answered with anything but a list."""

    platform: Platform
    ending: threading.Event
    failed: list[str] = field(default_factory=list)
    answered: int = 0

    def work(self) -> None:
        headers = {"Authorization": f"Bearer {self.platform.bearer()}"}
        while not self.ending.is_set():
            try:
                answer = requests.get(f"{self.platform.url}/dicom-web/studies", headers=headers, timeout=PATIENCE)
            except requests.RequestException as error:
                self.failed.append(repr(error))
                continue
            if answer.status_code not in (200, 204):
                self.failed.append(f"{answer.status_code} {answer.text[:200]}")
            self.answered += 1


def instances(platform: Platform, port: int) -> set[str]:
    """Return the SOPInstanceUIDs that one Orthanc answers with."""
    headers = {"X-Neuronova-Token": platform.bearer()}
    url = f"http://127.0.0.1:{port}/dicom-web/instances?limit=100000"
    answer = requests.get(url, headers=headers, timeout=PATIENCE)
    answer.raise_for_status()
    return {one["00080018"]["Value"][0] for one in answer.json()} if answer.content else set()


def told(platform: Platform) -> int:
    """Return how many instances the API knows of."""
    answer = platform.get("/api/v1/studies", Authorization=f"Bearer {platform.bearer()}")
    return sum(int(one["instances"]) for one in answer.json()["studies"])


@needs_several_writers
def test_either_is_killed_under_load_and_nothing_is_lost(platform: Platform) -> None:
    ending = threading.Event()
    settings = platform.settings
    modalities = [Modality(platform, one.dicom, f"of-{n}", ending) for n, one in enumerate(settings.orthancs)]
    reader = Reader(platform, ending)
    works = [*(one.work for one in modalities), reader.work]
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    try:
        for _ in range(ROUNDS):
            for doors, modality in zip(settings.orthancs, modalities, strict=True):
                modality.until_taken()
                found = orthanc_at(platform, doors.http)
                assert found is not None
                kill([found])
                until_another(platform, doors.http, found)
                modality.until_taken()
    finally:
        ending.set()
        for thread in threads:
            thread.join()
    acknowledged = {uid for one in modalities for uid in one.taken}
    assert reader.answered > 10
    assert reader.failed == []
    for doors in settings.orthancs:  # each knows what the other stored
        assert instances(platform, doors.http) >= acknowledged
    headers = {"X-Neuronova-Token": platform.bearer()}

    def encoded() -> bool:
        state = requests.get(f"{settings.orthanc_url}/neuronova/health", headers=headers, timeout=PATIENCE).json()
        done = sum(row["count"] for row in state["outcomes"] if row["status"] == "encoded")
        return bool(state["backlog"] == 0 and done >= len(acknowledged))

    until(encoded, "all of it is HTJ2K")
    kept = len(instances(platform, settings.orthanc_port))
    until(lambda: told(platform) == kept, "the API was told of what each stored")
    verified = platform.command("audit", "verify")
    assert "The trail is whole" in verified
    assert "orthanc-2" in verified


def until_another(platform: Platform, port: int, old: int) -> None:
    """Wait until another process is the Orthanc on a port."""
    until(lambda: orthanc_at(platform, port) not in (None, old), "it is started again")


def orthanc_at(platform: Platform, port: int) -> int | None:
    """Return the process of the Orthanc on a port."""
    mark = f"ORTHANC_HTTP_PORT={port}".encode()
    for pid, command in platform.pids().items():
        try:
            if "Orthanc" in command.split(" ")[0] and mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                return pid
        except OSError:
            continue
    return None


@pytest.mark.skipif(debian13.is_chosen(), reason="Debian 13's has several writers")
def test_an_orthanc_whose_plugin_has_one_writer_is_refused(tmp_path: Path) -> None:
    given = {"NEURONOVA_MORE_ORTHANCS": "8143:4343", "NEURONOVA_ORTHANC_INDEX_URL": "postgresql://h/d"}
    settings = read_settings({"NEURONOVA_DATA": str(tmp_path), **given})
    with pytest.raises(PlatformError, match=r"MORE_ORTHANCS is set, and Orthanc 1\.10\.1 .* has one writer"):
        check_index(settings, find_programs(), Layout(tmp_path))
