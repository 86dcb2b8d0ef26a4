"""Signing keys: made at the first start, replaced without logging anybody out."""

from __future__ import annotations

import stat
from pathlib import Path

import jwt
import pytest
from sqlalchemy import delete

from cdss_api.accounts.models import SigningKey
from cdss_api.accounts.service_tokens import token
from cdss_api.errors import Unavailable
from cdss_api.starting import plugin_key_file, prepare
from neuronova.contract.grants import KeyChange
from neuronova.contract.roles import Permission, Role
from neuronova.contract.token import verify
from tests.accounts.api import TESTER, Api, json_of
from tests.running import ADMIN_PASSWORD


def files(api: Api) -> list[Path]:
    return sorted((api.service.settings.data / "keys" / "signing").iterdir())


def published(api: Api) -> list[str]:
    return [key["kid"] for key in json_of(api.client.get("/api/v1/.well-known/jwks.json"))["keys"]]


def rotate(api: Api) -> str:
    with api.service.work(TESTER) as work:
        return api.service.keyring.rotate(work)


def test_secrets_are_their_owners_alone(api: Api) -> None:
    for file in (*files(api), plugin_key_file(api.service.settings)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [file.stem for file in files(api)] == published(api)
    assert len(plugin_key_file(api.service.settings).read_text()) >= 32


def test_a_second_start_changes_nothing(api: Api) -> None:
    before = (published(api), plugin_key_file(api.service.settings).read_text(), api.update())
    prepare(api.service, api.said.append)
    assert (published(api), plugin_key_file(api.service.settings).read_text(), api.update()) == before
    assert api.said == []


def test_a_lost_key_is_replaced(api: Api) -> None:
    (lost,) = files(api)
    lost.unlink()
    prepare(api.service, api.said.append)
    assert [file.stem for file in files(api)] == published(api)[:1]
    assert lost.stem in published(api)[1:]


def test_who_lacks_the_newest_key_is_told_so(api: Api) -> None:
    (lost,) = files(api)
    lost.unlink()
    with pytest.raises(Unavailable, match="copy keys/signing"):
        token(api.service, "ai", (Permission.IMAGES_READ,))


def test_rotating_logs_nobody_out(api: Api) -> None:
    before = api.tokens("admin", ADMIN_PASSWORD)
    version = api.update().version
    new = rotate(api)
    assert published(api)[0] == new
    assert [type(change) for change in api.update(version).changes] == [KeyChange]
    after = api.tokens("admin", ADMIN_PASSWORD)
    assert jwt.get_unverified_header(after["access_token"])["kid"] == new
    assert jwt.get_unverified_header(before["access_token"])["kid"] != new
    assert api.me(before["access_token"]).status_code == api.me(after["access_token"]).status_code == 200
    assert api.refresh(before["refresh_token"]).status_code == 200
    assert "key-rotate done" in api.journal.actions()


def test_an_old_key_goes_when_its_last_token_has_expired(api: Api) -> None:
    (old,) = published(api)
    rotate(api)
    api.clock.time += 600
    assert old in published(api)
    api.clock.time += 61
    assert old not in published(api)
    version = api.update().version
    rotate(api)
    assert KeyChange(key_id=old, x=None) in api.update(version).changes
    assert old not in [file.stem for file in files(api)]


def test_an_old_key_stays_as_long_as_a_link_that_it_signed(api: Api) -> None:
    (old,) = published(api)
    body = {"studies": ["1.2.3"], "expires_in": 7200}
    assert api.client.post("/api/v1/links", json=body, headers=api.admin()).status_code == 201
    rotate(api)
    api.clock.time += 7200
    assert old in published(api)
    api.clock.time += 61
    assert old not in published(api)


def test_a_token_that_is_remembered_ends_with_its_key(api: Api) -> None:
    made = token(api.service, "health", [Permission.PLATFORM_HEALTH])
    assert api.me(made).status_code == 200
    with api.service.database.writing() as session:
        session.execute(delete(SigningKey))
    refused = api.me(made)
    assert (refused.status_code, json_of(refused)["code"]) == (401, "token_revoked")


def test_a_service_makes_its_own_tokens(api: Api) -> None:
    made = token(api.service, "health", [Permission.PLATFORM_HEALTH])
    with api.service.database.reading() as session:
        claims = verify(made, api.service.keyring.public_keys(session, api.clock()), api.clock())
    assert (claims.subject, claims.role) == ("service:health", Role.SERVICE)
    assert claims.permissions == {Permission.PLATFORM_HEALTH}
    assert claims.expires_at - claims.issued_at == 60
    assert json_of(api.me(made))["permissions"] == ["platform:health"]
