"""HL7's own validator judges what we hold for good and what we write: one run, most of which is its start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from cdss_api.fhir.document import Document
from neuronova.audit.access import AccessRecorder
from neuronova.audit.journal import AuditJournal
from neuronova.contract.settings import read_settings
from tests.accounts.api import Api, Clock
from tests.databases import KINDS, variables_on
from tests.fhir.asking import Fhir
from tests.fhir.referee import judged
from tests.fhir.resources import everything
from tests.imaging.emitted import emitted
from tests.merging.asking import SOURCE, TARGET, document, merged, two_patients
from tests.reading.emitted import reports, tasks
from tests.results.emitted import results


@pytest.fixture
def services(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[dict[str, Fhir]]:
    """The interface on each database."""
    with ExitStack() as stack:
        made = {}
        for kind in KINDS:
            settings = read_settings(stack.enter_context(variables_on(kind, tmp_path / kind, request)))
            journal = stack.enter_context(closing(AuditJournal(tmp_path / kind / "journal.db", "api")))
            clock = Clock()
            api = Api(settings, clock=clock, accesses=AccessRecorder(journal, clock))
            stack.callback(api.service.database.close)
            made[kind] = Fhir(api, journal.path)
        yield made


def merged_patients(kind: str, fhir: Fhir) -> list[Document]:
    """Return both Patients of a merge, with ids that tell the database."""
    two_patients(fhir)
    merged(fhir)
    found = [document(fhir, address) for address in (SOURCE, TARGET)]
    return [one | {"id": f"merged-{one['id']}-{kind}"} for one in found]


@pytest.mark.timeout(400)
def test_the_referee_finds_no_error(tmp_path: Path, services: dict[str, Fhir]) -> None:
    ours = [*everything(), *emitted(), *reports(), *tasks(), *results()]
    for kind, fhir in services.items():
        ours += merged_patients(kind, fhir)
    files = [f"{one['id']}.json" for one in ours]
    assert len(files) == len(set(files))
    assert judged(tmp_path, ours) == {name: [] for name in files}
