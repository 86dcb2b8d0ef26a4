from __future__ import annotations

from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from neuronova.contract.grants import AccountChange, GrantChange, Ground, KeyChange, Revocation, Update
from neuronova.contract.grants import from_json as grants_from_json
from neuronova.contract.grants import to_json as grants_to_json
from neuronova.contract.roles import PERMISSIONS, REACH, Permission, Role
from neuronova.contract.token import BadToken, Claims, ExpiredToken, sign, verify

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KEYS = {"k1": KEY.public_key()}
CLAIMS = Claims(subject="a1", role=Role.DOCTOR, token_id="t1", session="s1", issued_at=1000, expires_at=1600)
SERVICE = replace(CLAIMS, role=Role.SERVICE, scopes=frozenset({Permission.IMAGES_READ}))
LINK = replace(CLAIMS, studies=frozenset({"1.2.3"}), may_store=False)


def payload(**changed: Any) -> dict[str, Any]:
    whole = jwt.decode(sign(CLAIMS, KEY, "k1"), options={"verify_signature": False}, audience="neuronova")
    return {name: value for name, value in (whole | changed).items() if value is not None}


def forged(key: Any = KEY, algorithm: str = "EdDSA", kid: str = "k1", **changed: Any) -> str:
    return jwt.encode(payload(**changed), key, algorithm, headers={"kid": kid})


@pytest.mark.parametrize("claims", [CLAIMS, SERVICE, LINK], ids=["account", "service", "link"])
def test_a_token_says_what_was_signed(claims: Claims) -> None:
    assert verify(sign(claims, KEY, "k1"), KEYS, 1100) == claims


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "한글",
        "a" * 9000,
        forged(OTHER),
        forged(kid="k2"),
        forged(kid=""),
        forged(None, "none"),
        forged("k" * 64, "HS256"),
        forged(aud="other"),
        forged(aud=None),
        forged(iss="other"),
        forged(sub=None),
        forged(sub=""),
        forged(jti=None),
        forged(exp=None),
        forged(exp="soon"),
        forged(role="root"),
        forged(role=None),
        forged(scope="everything"),
        forged(studies="1.2.3"),
        forged(studies=[""]),
        forged(iat=2000),
        forged() + "x",
        forged()[:-2],
    ],
)
def test_what_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(BadToken) as refused:
        verify(token, KEYS, 1100)
    assert not token or token not in str(refused.value)


@pytest.mark.parametrize(("now", "valid"), [(995, True), (994, False), (1600, True), (1605, True), (1606, False)])
def test_a_token_has_its_time(now: float, valid: bool) -> None:
    token = sign(CLAIMS, KEY, "k1")
    if valid:
        assert verify(token, KEYS, now) == CLAIMS
    else:
        with pytest.raises(ExpiredToken if now > 1600 else BadToken):
            verify(token, KEYS, now)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_any_text_is_refused_and_never_fails_otherwise(text: str) -> None:
    with pytest.raises(BadToken):
        verify(text, KEYS, 1100)


@given(st.integers(0, 400), st.characters(codec="ascii"))
def test_a_changed_token_is_refused_or_the_same(position: int, letter: str) -> None:
    token = sign(LINK, KEY, "k1")
    changed = token[: position % len(token)] + letter + token[position % len(token) + 1 :]
    try:
        assert verify(changed, KEYS, 1100) == LINK  # base64 has bits that say nothing
    except BadToken:
        assert changed != token


def test_a_narrowed_token_does_nothing_but_read() -> None:
    assert LINK.permissions == {Permission.IMAGES_QUERY, Permission.IMAGES_READ}
    assert replace(LINK, may_store=True).permissions == LINK.permissions | {Permission.IMAGES_STORE}
    assert replace(LINK, role=Role.ADMIN).permissions == LINK.permissions


def test_a_service_has_its_scopes() -> None:
    assert SERVICE.permissions == {Permission.IMAGES_READ}
    assert replace(SERVICE, scopes=frozenset()).permissions == frozenset()


def test_each_role_is_in_each_table() -> None:
    assert set(PERMISSIONS) == set(REACH) == set(Role)


UPDATE = Update(
    version=7,
    full=True,
    changes=(
        AccountChange(account="a1", role=Role.DOCTOR, enabled=True),
        GrantChange(account="a1", patient_id="P^1", issuer="", ground=Ground.BREAK_GLASS, granted=True, until=5.0),
        Revocation(ended="t1", until=9.0),
        KeyChange(key_id="k1", x="AAAA"),
    ),
)


def test_grants_survive_the_wire() -> None:
    assert grants_from_json(grants_to_json(UPDATE)) == UPDATE


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"format": 2},
        grants_to_json(UPDATE) | {"changes": [{"change": "account", "account": "a", "role": "king", "enabled": True}]},
        grants_to_json(UPDATE) | {"changes": [{"change": "other"}]},
        grants_to_json(UPDATE) | {"changes": [{"change": "key", "key_id": "k"}]},
    ],
)
def test_odd_grants_are_refused(odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"grants|king"):
        grants_from_json(odd)
