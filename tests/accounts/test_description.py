"""The API's description (OpenAPI 3.1), and whether the API does as it says, asked with made-up input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from neuronova.audit.access import AccessRecorder
from neuronova.audit.journal import AuditJournal
from neuronova.contract.roles import Role
from neuronova.contract.settings import read_settings
from tests.accounts.api import Api, Clock, json_of
from tests.running import ADMIN_PASSWORD

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
# These ask parts that do not run here: 503, or 502, is what they have to say.
ASK_OTHERS = (
    *("/api/v1/health/ready", "/api/v1/access/studies/{study}/break-glass"),
    *("/api/v1/inference", "/api/v1/inference/{array_key}", "/api/v1/inference/{array_key}/mask"),
    "/api/v1/metrics/{part}",
)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One service for all the questions, which change it."""
    data = tmp_path_factory.mktemp("described")
    (data / "api").mkdir()
    clock, journal = Clock(), AuditJournal(data / "api.db", "api")
    settings = read_settings({"NEURONOVA_DATA": str(data), "NEURONOVA_ADMIN_PASSWORD": ADMIN_PASSWORD})
    api = Api(settings, clock=clock, accesses=AccessRecorder(journal, clock))
    api.person(Role.DOCTOR)
    yield api
    api.service.database.close()
    journal.close()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_the_api_does_as_it_says(asked: Api, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", asked.app)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) > 20
    for operation in operations:
        if operation.path in ASK_OTHERS:
            continue
        if mode is GenerationMode.POSITIVE or operation.body or operation.path_parameters or operation.query:
            _ask(asked, operation, mode)


def _ask(api: Api, operation: Any, mode: GenerationMode) -> None:
    @examples(
        max_examples=8,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        # A new login each time: a question may have been the logout.
        case.call_and_validate(headers=api.admin(), checks=list(CHECKS))

    ask()


def test_every_route_is_described(api: Api) -> None:
    described = json_of(api.client.get("/api/v1/openapi.json"))
    assert described["openapi"] == "3.1.0"
    assert {"/api/v1/auth/login", "/api/v1/users", "/api/v1/health/ready"} <= set(described["paths"])
    assert not any("internal" in path for path in described["paths"])
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], f"{method} {path}"
            assert set(operation["responses"]) - {"4XX"}, f"{method} {path}"
