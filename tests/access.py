"""What a test shows to be let in: tokens of a key that the servers of this test run know."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cdss_api.accounts.changes import read_update
from cdss_api.starting import open_service, prepare
from neuronova.contract.grants import (
    AccountChange,
    Change,
    GrantChange,
    Ground,
    KeyChange,
    ModalityChange,
    Operation,
    Patient,
    Update,
)
from neuronova.contract.roles import Permission, Role
from neuronova.contract.settings import Settings
from neuronova.contract.token import Claims, sign
from orthanc_plugins.access.store import Store
from tests.patience import PATIENCE

HEADER = "X-Neuronova-Token"
KEY, KEY_ID = Ed25519PrivateKey.generate(), "tests"
DAY = 86400
SENDERS = ("MODALITY", "BENCH", "STORESCU")


def key_change() -> KeyChange:
    raw = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return KeyChange(key_id=KEY_ID, x=base64.urlsafe_b64encode(raw).rstrip(b"=").decode())


def token(role: Role, account: str = "", *, key: Ed25519PrivateKey = KEY, key_id: str = KEY_ID, **changed: Any) -> str:
    """Return a token of a day for an account, by default one that is named as its role."""
    now = int(time.time())
    fields: dict[str, Any] = {
        "subject": account or role.value,
        "role": role,
        "token_id": uuid4().hex,
        "session": uuid4().hex,
        "issued_at": now,
        "expires_at": now + DAY,
    }
    return sign(Claims(**(fields | changed)), key, key_id)


def everything() -> str:
    """Return a token of a service that may do all."""
    return token(Role.SERVICE, "service:tests", scopes=frozenset(Permission))


def modality(title: str, *operations: Operation, issuer: str | None = None) -> ModalityChange:
    """Return a modality on this machine, by default one that stores."""
    allowed = operations or (Operation.STORE,)
    return ModalityChange(title=title, host="127.0.0.1", port=104, operations=allowed, issuer=issuer)


def accounts(**patients: list[Patient]) -> list[Change]:
    """Return an account of each role, named as the role; those named here see these patients."""
    changes: list[Change] = [AccountChange(account=role.value, role=role, enabled=True) for role in Role]
    changes += [modality(title) for title in SENDERS]
    for name, seen in patients.items():
        ground = Ground.OWN if name == Role.PATIENT else Ground.CARE_TEAM
        changes += [
            GrantChange(account=name, patient_id=one.patient_id, issuer=one.issuer, ground=ground, granted=True)
            for one in seen
        ]
    return changes


def changes_of_api(settings: Settings) -> list[Change]:
    """Make the API's database and return what it tells of accounts, its own key included."""
    service = open_service(settings)
    prepare(service, lambda _said: None)
    with service.database.reading() as session:
        update = read_update(session, 0, time.time())
    service.database.close()
    return list(update.changes)


def seed(data: Path, changes: list[Change] | None = None, heard: float | None = None) -> None:
    """Write down what the API would have told Orthanc before it was started."""
    folder = data / "journal"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    store = Store(folder / "access.db")
    known = accounts() if changes is None else changes
    store.save(Update(version=1, full=True, changes=(key_change(), *known)), heard or time.time())
    store.close()


class Http:
    """`requests` with a token, unless the request has one of its own."""

    def __init__(self) -> None:
        self.token = everything()

    def request(
        self, method: str, url: str, *, headers: dict[str, str] | None = None, **more: Any
    ) -> requests.Response:
        return requests.request(method, url, headers={HEADER: self.token, **(headers or {})}, timeout=PATIENCE, **more)

    def get(self, url: str, **more: Any) -> requests.Response:
        return self.request("GET", url, **more)

    def post(self, url: str, **more: Any) -> requests.Response:
        return self.request("POST", url, **more)

    def delete(self, url: str, **more: Any) -> requests.Response:
        return self.request("DELETE", url, **more)


http = Http()
