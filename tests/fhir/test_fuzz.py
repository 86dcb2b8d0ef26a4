"""Odd questions, made up by Hypothesis: never an error of the server, always an OperationOutcome where it is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from cdss_api.fhir.definitions import parameters
from neuronova.audit.access import AccessRecorder
from neuronova.audit.journal import AuditJournal
from neuronova.contract.settings import read_settings
from tests import postgres
from tests.accounts.api import Api, Clock
from tests.clients.program import registered
from tests.databases import named
from tests.fhir.asking import JSON, ROOT, patient
from tests.running import ADMIN_PASSWORD

KINDS = sorted(parameters())
CODES = sorted({code for known in parameters().values() for code in known})
ODD = st.one_of(
    st.sampled_from(
        ["", "0", "-1", "ne", "gt2020", "2020-02-30", "9" * 40, "1e999", "|", "a|b|c|d", "\\", "\x00", "NaN"]
    ),
    st.sampled_from(["Patient/p", "Patient/", "/", "..", "%", "%00", "true", "urn:oid:1.2", "김", "😀"]),
    st.text(max_size=40),
)
NAMES = st.one_of(
    st.sampled_from(CODES),
    st.builds("{}:{}".format, st.sampled_from(CODES), st.sampled_from(["missing", "exact", "not", "Patient", "x", ""])),
    st.builds("{}.{}".format, st.sampled_from(CODES), st.sampled_from(CODES)),
    st.builds("_has:{}:{}:{}".format, st.sampled_from(KINDS), st.sampled_from(CODES), st.sampled_from(CODES)),
    st.sampled_from(
        ["_count", "_offset", "_sort", "_include", "_revinclude", "_total", "_summary", "_since", "_format"]
    ),
    st.text(max_size=20),
)
BUNDLES = ["batch", "transaction"]
BELOW = [*KINDS, "p", "_history", "_search", "$everything", "$validate", ".well-known"]
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(allow_nan=False), ODD),
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(ODD, below, max_size=3)),
    max_leaves=8,
)
BUDGET = examples(
    max_examples=40,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Asked:
    """The service with one patient, asked by a client that may everything."""

    def __init__(self, api: Api) -> None:
        self.api, self._bearer = api, registered(api).bearer()
        self.ask("PUT", "/Patient/p", json.dumps(patient("P1", id="p")))

    def ask(self, method: str, path: str, body: str | bytes | None = None, kind: str = JSON, **more: Any) -> int:
        """Ask, and return the status of what is a proper answer."""
        address = f"{ROOT}{path}"
        answer = self.api.client.open(
            address, method=method, data=body, content_type=kind, headers=self._bearer | more.pop("headers", {}), **more
        )
        assert answer.status_code < 500, f"{method} {path} {body!r}: {answer.text}"
        if answer.status_code >= 400:
            assert answer.content_type == JSON, f"{method} {path}: {answer.content_type}"
            told = answer.get_json(force=True)
            assert told["resourceType"] == "OperationOutcome"
            assert told["issue"][0]["diagnostics"]
        return answer.status_code


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """One service for all the questions, which change it."""
    data = tmp_path_factory.mktemp("fuzzed")
    (data / "api").mkdir()
    ours = {"NEURONOVA_DATA": str(data), "NEURONOVA_ADMIN_PASSWORD": ADMIN_PASSWORD}
    if request.param == "postgresql":
        address = request.getfixturevalue("postgres_address")
        postgres.execute(address, "CREATE DATABASE fuzzed TEMPLATE template_neuronova")
        ours["NEURONOVA_DATABASE_URL"] = named(address, "fuzzed")
    clock = Clock()
    with closing(AuditJournal(data / "api.db", "api")) as journal:
        api = Api(read_settings(ours), clock=clock, accesses=AccessRecorder(journal, clock))
        yield Asked(api)
        api.service.database.close()


def test_odd_searches(asked: Asked) -> None:
    statuses = set()

    @BUDGET
    @given(st.sampled_from(KINDS), st.lists(st.tuples(NAMES, ODD), max_size=3), st.booleans())
    def ask(kind: str, pairs: list[tuple[str, str]], strict: bool) -> None:
        headers = {"Prefer": "handling=strict"} if strict else {}
        statuses.add(asked.ask("GET", f"/{kind}", query_string=pairs, headers=headers))

    ask()
    assert {200, 400} <= statuses


def test_odd_bodies(asked: Asked) -> None:
    members = st.dictionaries(st.one_of(st.sampled_from(["id", "meta", "subject", "identifier", "name"]), ODD), VALUES)
    statuses = set()

    @BUDGET
    @given(st.sampled_from(KINDS), members, st.sampled_from(["POST", "PUT", "$validate"]))
    def ask(kind: str, body: dict[str, Any], how: str) -> None:
        text = json.dumps({"resourceType": kind, **body})
        path = f"/{kind}/p" if how == "PUT" else f"/{kind}/$validate" if how == "$validate" else f"/{kind}"
        statuses.add(asked.ask("PUT" if how == "PUT" else "POST", path, text))

    ask()
    assert statuses & {400, 422}


def test_bodies_that_are_no_resource(asked: Asked) -> None:
    @BUDGET
    @given(st.one_of(st.binary(max_size=60), VALUES.map(lambda value: json.dumps(value).encode())))
    def ask(body: bytes) -> None:
        assert asked.ask("POST", "/Patient", body) in (400, 422)
        assert asked.ask("POST", "", body) == 400
        kind = "application/json-patch+json"
        assert asked.ask("PATCH", "/Patient/p", body, kind) in (200, 400, 409, 422)

    ask()


def test_odd_patches_and_bundles(asked: Asked) -> None:
    pointer = st.one_of(st.sampled_from(["/name", "/id", "", "/-", "/identifier/0", "/~"]), ODD)
    operation = st.fixed_dictionaries(
        {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x"])},
        optional={"path": pointer, "from": pointer, "value": VALUES},
    )
    request = st.fixed_dictionaries({}, optional={"method": ODD | st.just("GET"), "url": ODD | st.just("Patient/p")})
    entry = st.fixed_dictionaries({}, optional={"request": request, "resource": VALUES, "fullUrl": ODD})

    @BUDGET
    @given(
        st.lists(operation, max_size=3), st.lists(entry | VALUES, max_size=3), st.sampled_from(["batch", "transaction"])
    )
    def ask(operations: list[Any], entries: list[Any], kind: str) -> None:
        asked.ask("PATCH", "/Patient/p", json.dumps(operations), "application/json-patch+json")
        asked.ask("POST", "", json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}))

    ask()


def test_odd_addresses(asked: Asked) -> None:
    part = st.one_of(
        ODD, st.sampled_from([*KINDS, "p", "_history", "_search", "$everything", "$validate", ".well-known"])
    )

    @BUDGET
    @given(st.lists(part, min_size=1, max_size=4), st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]), ODD)
    def ask(parts: list[str], method: str, match: str) -> None:
        safe = "/".join(one.replace("?", "").replace("#", "") for one in parts)
        headers = {"If-Match": match} if match.isascii() and match.isprintable() else {}
        asked.ask(method, f"/{safe}".replace("//", "/"), "{}" if method in ("POST", "PUT") else None, headers=headers)

    ask()
