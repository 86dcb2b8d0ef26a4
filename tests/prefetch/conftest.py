"""The service with rules on both databases, one Orthanc, and the archive that it knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from neuronova.contract.grants import ModalityChange, Operation
from neuronova.contract.modalities import name_in_orthanc
from neuronova.contract.settings import Settings, read_settings
from tests.access import accounts
from tests.fhir.asking import Fhir
from tests.fhir.conftest import api, fhir, journal
from tests.prefetch.archive import TITLE, OtherArchive
from tests.prefetch.working import Bench
from tests.server import Server, free_ports, running, settings_for, until

__all__ = ["api", "fhir", "journal"]
RULES = f"""rules:
  - name: ct
    from: {TITLE}
    orders:
      modality: CT
    priors:
      modality: CT
      years: 5
      most: 2
"""


@pytest.fixture
def settings(variables: dict[str, str], tmp_path: Path) -> Settings:
    rules = tmp_path / "prefetch.yaml"
    rules.write_text(RULES)
    return read_settings(variables | {"NEURONOVA_PREFETCH_RULES": str(rules)})


@pytest.fixture(scope="module")
def port() -> int:
    """Where the archive listens when it is up."""
    return free_ports(1)[0]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Server]:
    """An Orthanc that knows the archive."""
    known = ModalityChange(title=TITLE, host="127.0.0.1", port=port, operations=(Operation.STORE,), issuer=None)
    made = Server(settings_for(tmp_path_factory.mktemp("prefetch") / "data"), known=[*accounts(), known])
    with running(made):
        until(lambda: name_in_orthanc(TITLE) in made.get("/modalities"), "Orthanc has the table")
        yield made


@pytest.fixture
def archive(server: Server, port: int) -> OtherArchive:
    """An archive that is down."""
    return OtherArchive(port, (server.settings.aet, server.settings.dicom_port))


@pytest.fixture
def bench(fhir: Fhir, server: Server) -> Bench:
    return Bench(fhir, server)
