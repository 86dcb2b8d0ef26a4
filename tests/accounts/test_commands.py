"""`neuronova users` and `neuronova keys`, as a person types them, on the database of a service that runs."""

from __future__ import annotations

import re
import time

import pytest

from neuronova.contract.grants import AccountChange, GrantChange, ModalityChange, Operation, Revocation
from neuronova.contract.roles import Role
from tests.accounts.api import Api, json_of
from tests.commands import Command, command

__all__ = ["command"]


def test_an_account_by_commands(api: Api, command: Command) -> None:
    api.clock.time = time.time()
    before = api.update().version
    made = command("users", "add", "Kim", "--role", "doctor", "--name", "Dr Kim").stdout
    password = made.split()[-1]
    token = api.tokens("kim", password)["access_token"]
    assert re.search(r"kim.*Dr Kim.*doctor.*yes.*no", command("users", "list").stdout)
    command("users", "grant", "kim", "P-1", "--issuer", "HOSPITAL")
    command("users", "revoke", "kim", "P-1", "--issuer", "HOSPITAL")
    command("users", "disable", "kim")
    assert api.me(token).status_code == 401
    command("users", "enable", "kim")
    command("users", "reset-password", "kim", "--password-stdin", given="a brand new password\n")
    assert api.log_in("kim", password).status_code == 401
    assert api.log_in("kim", "a brand new password").status_code == 200
    kinds = [type(change) for change in api.update(before).changes]
    assert kinds == [AccountChange, GrantChange, GrantChange, AccountChange, Revocation, AccountChange]


def test_a_patient_by_command(api: Api, command: Command) -> None:
    command(
        "users", "add", "p", "--role", "patient", "--patient-id", "P-1", "--password-stdin", given="twelve letters\n"
    )
    assert [c.patient_id for c in api.update().changes if isinstance(c, GrantChange)] == ["P-1"]
    assert api.log_in("p", "twelve letters").status_code == 200


def test_keys_by_command(api: Api, command: Command) -> None:
    said = command("keys", "rotate").stdout
    assert json_of(api.client.get("/api/v1/.well-known/jwks.json"))["keys"][0]["kid"] in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("users", "disable", "nobody"), "there is no account nobody"),
        (("users", "disable", "admin"), "nobody would be left"),
        (("users", "add", "admin", "--role", "nurse"), "there is an account admin already"),
        (("users", "add", "a b", "--role", "nurse"), "is not a username"),
        (("users", "add", "x", "--role", "service"), "services have no account"),
        (("users", "add", "x", "--role", "nurse", "--password-stdin"), "12 to 256"),
        (("users", "grant", "admin", " x"), "is not a PatientID"),
        (("users", "revoke", "admin", "x"), "was not granted"),
    ],
)
@pytest.mark.parametrize("variables", ["sqlite"], indirect=True)  # a process each, and nothing of the database
def test_what_cannot_be_done_is_one_line(api: Api, command: Command, words: tuple[str, ...], said: str) -> None:
    done = command(*words, code=1)
    assert said in done.stderr
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert [user.role for user in api.update().changes if isinstance(user, AccountChange)] == [Role.ADMIN]


def test_what_a_modality_may_do_is_said_together_or_one_by_one(api: Api, command: Command) -> None:
    for words in (("--allow", "store,worklist"), ("--allow", "store", "--allow", "worklist")):
        since = api.update().version
        assert "may store, worklist" in command("modality", "add", "CT1", "192.0.2.10", *words).stdout
        (told,) = api.update(since).changes
        assert isinstance(told, ModalityChange)
        assert told.operations == (Operation.STORE, Operation.WORKLIST)
    since = api.update().version
    assert "may store." in command("modality", "add", "CT2", "192.0.2.11", "--daily-mib", "200").stdout
    (told,) = api.update(since).changes
    assert isinstance(told, ModalityChange)
    assert told.daily_mib == 200
    assert "daily_mib" in command("modality", "add", "CT2", "192.0.2.11", "--daily-mib", "0", code=1).stderr
    assert "operations" in command("modality", "add", "CT3", "192.0.2.12", "--allow", "fly", code=1).stderr
