"""Each role at each route, and each way of having no token."""

from __future__ import annotations

from functools import reduce

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from neuronova.contract.roles import PERMISSIONS, Permission, Role
from tests.accounts.api import Api, code_of
from tests.running import ADMIN_PASSWORD

SOMEBODY = "0" * 32
ARRAY = f"inline-{'0' * 64}"
# What each route asks for; None is anybody with a token. A route that is missing here fails the test below.
ROUTES: dict[tuple[str, str], Permission | None] = {
    ("GET", "/auth/me"): None,
    ("POST", "/auth/password"): None,
    ("PUT", "/auth/language"): None,
    ("POST", "/auth/totp"): None,
    ("POST", "/auth/totp/confirm"): None,
    ("POST", "/auth/totp/disable"): None,
    ("GET", "/users"): Permission.USERS_MANAGE,
    ("POST", "/users"): Permission.USERS_MANAGE,
    ("GET", f"/users/{SOMEBODY}"): Permission.USERS_MANAGE,
    ("PATCH", f"/users/{SOMEBODY}"): Permission.USERS_MANAGE,
    ("POST", f"/users/{SOMEBODY}/password"): Permission.USERS_MANAGE,
    ("DELETE", f"/users/{SOMEBODY}/totp"): Permission.USERS_MANAGE,
    ("GET", f"/users/{SOMEBODY}/grants"): Permission.GRANTS_MANAGE,
    ("POST", f"/users/{SOMEBODY}/grants"): Permission.GRANTS_MANAGE,
    ("DELETE", f"/users/{SOMEBODY}/grants"): Permission.GRANTS_MANAGE,
    ("POST", "/access/break-glass"): Permission.BREAK_GLASS,
    ("GET", "/access/break-glass"): Permission.AUDIT_READ,
    ("POST", "/access/studies/1.2.3/break-glass"): Permission.BREAK_GLASS,
    ("GET", "/audit/records"): Permission.AUDIT_READ,
    ("GET", "/audit/counts"): Permission.AUDIT_READ,
    ("GET", "/imaging/mismatches"): Permission.IMAGING_MATCH,
    ("POST", f"/imaging/mismatches/{SOMEBODY}"): Permission.IMAGING_MATCH,
    ("GET", "/imaging/merges"): Permission.PATIENTS_MERGE,
    ("GET", f"/imaging/merges/{SOMEBODY}"): Permission.PATIENTS_MERGE,
    ("POST", f"/imaging/merges/{SOMEBODY}"): Permission.PATIENTS_MERGE,
    ("GET", "/modalities"): Permission.MODALITIES_MANAGE,
    ("PUT", "/modalities/CT1"): Permission.MODALITIES_MANAGE,
    ("DELETE", "/modalities/CT1"): Permission.MODALITIES_MANAGE,
    ("POST", "/modalities/CT1/echo"): Permission.MODALITIES_MANAGE,
    ("GET", "/forwarding"): Permission.OUTBOX_MANAGE,
    ("GET", "/forwarding/destinations"): Permission.OUTBOX_MANAGE,
    ("GET", "/forwarding/rules"): Permission.OUTBOX_MANAGE,
    ("GET", "/prefetch"): Permission.OUTBOX_MANAGE,
    ("GET", "/prefetch/rules"): Permission.OUTBOX_MANAGE,
    ("POST", "/prefetch/1/again"): Permission.OUTBOX_MANAGE,
    ("GET", "/settings"): Permission.SETTINGS_READ,
    ("GET", "/holds"): Permission.HOLDS_MANAGE,
    ("POST", "/holds"): Permission.HOLDS_MANAGE,
    ("POST", "/holds/1/lift"): Permission.HOLDS_MANAGE,
    ("GET", "/retention/due"): Permission.ARCHIVE_MANAGE,
    ("GET", "/retention/departures"): Permission.ARCHIVE_MANAGE,
    ("GET", "/retention/departures/1/digests"): Permission.ARCHIVE_MANAGE,
    ("GET", "/clients"): Permission.USERS_MANAGE,
    ("POST", "/clients"): Permission.USERS_MANAGE,
    ("PATCH", f"/clients/{SOMEBODY}"): Permission.USERS_MANAGE,
    ("GET", "/reading"): Permission.RECORDS_READ,
    ("GET", "/reports/1.2.3"): Permission.RECORDS_READ,
    ("PUT", "/reports/1.2.3"): Permission.REPORTS_WRITE,
    ("GET", "/reports/1.2.3/versions"): Permission.RECORDS_READ,
    ("GET", "/reports/1.2.3/difference"): Permission.RECORDS_READ,
    ("GET", "/worklist/day"): Permission.RECORDS_READ,
    ("PUT", "/worklist/orders/CT1"): Permission.ORDERS_WRITE,
    ("GET", "/overview"): Permission.PLATFORM_HEALTH,
    ("GET", "/studies"): Permission.ARCHIVE_MANAGE,
    ("POST", f"/studies/{SOMEBODY}/encode"): Permission.ARCHIVE_MANAGE,
    ("GET", "/metrics"): Permission.PLATFORM_HEALTH,
    ("GET", "/metrics/api"): Permission.PLATFORM_HEALTH,
    ("GET", "/outbox/targets"): Permission.OUTBOX_MANAGE,
    ("POST", "/outbox/targets"): Permission.OUTBOX_MANAGE,
    ("PATCH", "/outbox/targets/emr"): Permission.OUTBOX_MANAGE,
    ("DELETE", "/outbox/targets/emr"): Permission.OUTBOX_MANAGE,
    ("GET", "/outbox/messages"): Permission.OUTBOX_MANAGE,
    ("GET", "/outbox/messages/1"): Permission.OUTBOX_MANAGE,
    ("POST", "/outbox/messages/1/retry"): Permission.OUTBOX_MANAGE,
    ("DELETE", "/outbox/messages/1"): Permission.OUTBOX_MANAGE,
    ("GET", "/outbox/conflicts"): Permission.OUTBOX_MANAGE,
    ("GET", "/notifications"): None,
    ("POST", f"/notifications/{SOMEBODY}/read"): None,
    ("POST", "/notifications/read"): None,
    ("GET", "/notifications/settings"): None,
    ("PUT", "/notifications/settings"): None,
    ("GET", "/jobs"): Permission.JOBS_READ,
    ("POST", "/inference"): Permission.INFERENCE_ASK,
    ("GET", f"/inference/{ARRAY}"): Permission.INFERENCE_ASK,
    ("GET", f"/inference/{ARRAY}/mask"): Permission.INFERENCE_ASK,
    ("GET", "/jobs/overview"): Permission.JOBS_MANAGE,
    ("GET", f"/jobs/{SOMEBODY}"): Permission.JOBS_READ,
    ("POST", f"/jobs/{SOMEBODY}/cancel"): Permission.JOBS_MANAGE,
    ("POST", f"/jobs/{SOMEBODY}/retry"): Permission.JOBS_RETRY,
    ("GET", "/results"): Permission.JOBS_READ,
    ("POST", f"/results/{SOMEBODY}/verdict"): Permission.REPORTS_WRITE,
    ("GET", "/links"): Permission.LINKS_MANAGE,
    ("POST", "/links"): Permission.LINKS_MANAGE,
    ("DELETE", f"/links/{SOMEBODY}"): Permission.LINKS_MANAGE,
}
NAMES = (
    *((name, SOMEBODY) for name in ("<account_id>", "<link_id>", "<client_id>", "<mismatch_id>", "<merge_id>")),
    ("<job_key>", SOMEBODY),
    ("<array_key>", ARRAY),
    ("<study_id>", SOMEBODY),
    ("<study>", "1.2.3"),
    ("<title>", "CT1"),
    ("<part>", "api"),
    ("<order>", "CT1"),
    ("<target>", "emr"),
    ("<notification_id>", SOMEBODY),
    ("<int:number>", "1"),
)
OPEN = {
    ("POST", "/auth/login"),
    ("POST", "/auth/refresh"),
    ("POST", "/auth/logout"),
    ("POST", "/auth/exchange"),
    ("POST", "/auth/token"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/health"),
    ("GET", "/health/ready"),
}


def test_every_route_is_in_the_table(api: Api) -> None:
    found = {
        (method, reduce(lambda path, name: path.replace(*name), NAMES, rule.rule.removeprefix("/api/v1")))
        for rule in api.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.endpoint.startswith(("openapi", "swagger", "console", "fhir"))  # tests/fhir has its own
        if not rule.rule.startswith("/api/v1/internal/")
    }
    assert found == set(ROUTES) | OPEN


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
def test_a_role_gets_as_far_as_its_permissions(api: Api, role: Role) -> None:
    bearer = api.admin()
    if role is not Role.ADMIN:
        api.person(role)
        bearer = api.bearer(role.value)
    for (method, path), permission in ROUTES.items():
        answer = api.client.open(f"/api/v1{path}", method=method, headers=bearer)
        allowed = permission is None or permission in PERMISSIONS[role]
        refused = answer.status_code == 403 and code_of(answer) == "forbidden"
        assert refused is not allowed, f"{method} {path}: {answer.status_code}"
        assert answer.status_code != 401


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("none", "token_missing"),
        ("garbage", "token_invalid"),
        ("unsigned", "token_invalid"),
        ("foreign", "token_invalid"),
        ("audience", "token_invalid"),
        ("expired", "token_expired"),
        ("revoked", "token_revoked"),
    ],
)
def test_no_token_is_a_challenge_whatever_is_asked(api: Api, kind: str, code: str) -> None:
    headers = _headers(api, kind)
    for method, path in ROUTES:
        answer = api.client.open(f"/api/v1{path}", method=method, headers=headers)
        assert (answer.status_code, code_of(answer)) == (401, code), f"{method} {path}"
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="neuronova"')
        assert answer.headers["Cache-Control"] == "no-store"


def _headers(api: Api, kind: str) -> dict[str, str]:
    tokens = api.tokens("admin", ADMIN_PASSWORD)
    token = tokens["access_token"]
    payload = jwt.decode(token, options={"verify_signature": False})
    kid, other = jwt.get_unverified_header(token)["kid"], Ed25519PrivateKey.generate()
    if kind == "none":
        return {}
    if kind == "expired":
        api.clock.time += 606
    if kind == "revoked":
        api.client.post("/api/v1/auth/logout", json={"refresh_token": tokens["refresh_token"]})
    forged = {
        "garbage": "abc.def",
        "unsigned": jwt.encode(payload, "", "none", headers={"kid": kid}),
        "foreign": jwt.encode(payload, other, "EdDSA", headers={"kid": kid}),
        "audience": jwt.encode(payload | {"aud": "other"}, other, "EdDSA", headers={"kid": kid}),
    }
    return {"Authorization": f"Bearer {forged.get(kind, token)}"}


def test_the_interface_needs_nobody_elses_files(api: Api) -> None:
    page = api.client.get("/api/v1/swagger")
    assert page.status_code == 200
    assert "//" not in page.text.replace("// ", "")
    with api.client.get("/api/v1/swagger/js/swagger-ui-bundle.js") as script:
        assert script.status_code == 200
