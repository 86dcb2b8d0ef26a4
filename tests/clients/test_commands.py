"""`neuronova clients`, as a person types it, on the database of a service that runs."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from tests.accounts.api import Api
from tests.clients.program import Program, error_of, key_set
from tests.commands import Command, command

__all__ = ["command"]


def test_a_client_by_commands(api: Api, command: Command, tmp_path: Path) -> None:
    api.clock.time = time.time()
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(key_set("ES384")))
    added = command("clients", "add", "Registry", "--scope", "system/Patient.rs", "--jwks", str(keys)).stdout
    found = re.search(r"is client (\S+) and may ask for system/Patient\.rs", added)
    assert found is not None, added
    client = Program(api, found[1])
    token = client.bearer("system/Patient.rs")
    assert api.client.get("/api/v1/fhir/Patient", headers=token).status_code == 200
    listed = command("clients", "list").stdout
    assert "Registry" in listed
    assert "enabled" in listed

    command("clients", "disable", "Registry")
    assert api.client.get("/api/v1/fhir/Patient", headers=token).status_code == 401
    assert error_of(client.ask("system/Patient.rs")) == "invalid_client"
    assert "disabled" in command("clients", "list").stdout
    command("clients", "enable", client.client_id)
    assert client.ask("system/Patient.rs").status_code == 200


REFUSED = [
    ("no-keys", ("--scope", "system/Patient.rs"), "keys"),
    ("no-https", ("--scope", "system/Patient.rs", "--jwks-url", "http://client.test/jwks"), "https"),
    ("no-file", ("--scope", "system/Patient.rs", "--jwks", "missing.json"), "missing.json is no file of JSON"),
    ("odd-scope", ("--scope", "everything", "--jwks-url", "https://client.test/jwks"), "scope"),
]


@pytest.mark.parametrize("variables", ["sqlite"], indirect=True)  # a process each, and nothing of the database
@pytest.mark.parametrize(("words", "told"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_wrong_is_said_in_one_line(api: Api, command: Command, words: tuple[str, ...], told: str) -> None:
    said = command("clients", "add", "Registry", *words, code=1).stderr
    assert told in said
    assert len(said.strip().splitlines()) == 1
    assert "there is no client Registry" in command("clients", "disable", "Registry", code=1).stderr
