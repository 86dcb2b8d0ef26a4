"""Who may do what, as a table of roles, what they ask for, and whose it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neuronova.contract.grants import Patient
from neuronova.contract.roles import Permission, Role
from neuronova.contract.token import Claims
from orthanc_plugins.access.address import Address, read_address
from orthanc_plugins.access.decision import Bearer, Holding, Reason, decide, decide_store

KIM, LEE = Patient("KIM", "A"), Patient("LEE", "A")
NOW = 1000.0
OWN, FOREIGN = (Holding(KIM, NOW),), (Holding(LEE, 0.0),)
SHARED = (*OWN, Holding(LEE, NOW))  # one StudyInstanceUID under two patients
UNKNOWN: tuple[Holding, ...] = ()
GROUNDS = {Role.DOCTOR: Reason.CARE_TEAM, Role.NURSE: Reason.CARE_TEAM, Role.PATIENT: Reason.OWN}
STUDY = "/dicom-web/studies/1.2"
ROUTES = {
    "list": ("GET", "/dicom-web/studies"),
    "series": ("GET", f"{STUDY}/series"),
    "read": ("GET", f"{STUDY}/metadata"),
    "store": ("POST", "/dicom-web/studies"),
    "delete": ("DELETE", STUDY),
    "orthanc": ("GET", "/system"),
    "health": ("GET", "/neuronova/health"),
    "unknown": ("GET", "/unknown"),
}


def bearer(role: Role, *, scopes: frozenset[Permission] = frozenset(Permission)) -> Bearer:
    claims = Claims(subject="a", role=role, token_id="t", session="s", issued_at=0, expires_at=9, scopes=scopes)
    return Bearer(claims, lambda patient: GROUNDS.get(role) if patient == KIM else None, NOW - 10)


def asked(name: str) -> Address:
    return read_address(*ROUTES[name])


# route -> role -> (own, foreign, unknown, shared), as the reason; allowed reasons are told apart below
Reasons = tuple[str, ...]
FULL: Reasons = ("role",) * 4
HIDES: Reasons = ("not-found",) * 3
NO: Reasons = ("role-forbidden",) * 4
NEVER: Reasons = ("route-unknown",) * 4
CARING: Reasons = ("care-team", *HIDES)
LIST: Reasons = ("listed",) * 4
TABLE: dict[str, dict[Role, tuple[str, ...]]] = {
    "list": dict.fromkeys((Role.ADMIN, Role.RADIOLOGIST, Role.SERVICE), FULL)
    | dict.fromkeys((Role.DOCTOR, Role.NURSE, Role.TECHNOLOGIST, Role.PATIENT), LIST),
    "read": dict.fromkeys((Role.ADMIN, Role.RADIOLOGIST, Role.SERVICE), FULL)
    | dict.fromkeys((Role.DOCTOR, Role.NURSE), CARING)
    | {Role.PATIENT: ("own", *HIDES), Role.TECHNOLOGIST: ("recent", "not-found", "not-found", "recent")},
    "store": dict.fromkeys((Role.ADMIN, Role.RADIOLOGIST, Role.SERVICE), FULL)
    | dict.fromkeys((Role.DOCTOR, Role.TECHNOLOGIST), LIST)
    | dict.fromkeys((Role.NURSE, Role.PATIENT), NO),
    "delete": dict.fromkeys((Role.ADMIN, Role.SERVICE), FULL)
    | dict.fromkeys((Role.RADIOLOGIST, Role.DOCTOR, Role.NURSE, Role.TECHNOLOGIST, Role.PATIENT), NO),
    "unknown": dict.fromkeys(Role, NEVER),
}
TABLE["series"] = TABLE["read"]
TABLE["orthanc"] = TABLE["health"] = TABLE["delete"]
ALLOWED = {"role", "listed", "care-team", "own", "recent", "break-glass"}
ROWS = [
    (route, role, holdings, reason)
    for route, roles in TABLE.items()
    for role, reasons in roles.items()
    for holdings, reason in zip((OWN, FOREIGN, UNKNOWN, SHARED), reasons, strict=True)
]


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(ROUTES)
    assert all(set(roles) == set(Role) for roles in TABLE.values())


@pytest.mark.parametrize(("route", "role", "holdings", "reason"), ROWS)
def test_a_row(route: str, role: Role, holdings: tuple[Holding, ...], reason: str) -> None:
    decision = decide(asked(route), bearer(role), holdings)
    assert (decision.reason.value, decision.allowed) == (reason, reason in ALLOWED)
    assert decision.status == (200 if decision.allowed else 404 if reason == "not-found" else 403)


def test_a_service_without_the_scope_is_refused() -> None:
    weak = bearer(Role.SERVICE, scopes=frozenset({Permission.IMAGES_QUERY}))
    assert decide(asked("read"), weak, OWN).reason is Reason.FORBIDDEN
    assert decide(asked("list"), weak, OWN).allowed


@pytest.mark.parametrize(
    ("role", "studies", "route", "holdings", "reason"),
    [
        (Role.RADIOLOGIST, {"1.2"}, "read", FOREIGN, "role"),
        (Role.RADIOLOGIST, {"1.2"}, "list", FOREIGN, "listed"),
        (Role.RADIOLOGIST, {"1.3"}, "read", OWN, "not-found"),
        (Role.RADIOLOGIST, set(), "read", OWN, "not-found"),
        (Role.DOCTOR, {"1.2"}, "read", OWN, "care-team"),
        (Role.DOCTOR, {"1.2"}, "read", FOREIGN, "not-found"),
        (Role.ADMIN, {"1.2"}, "orthanc", OWN, "role-forbidden"),
        (Role.ADMIN, {"1.2"}, "delete", OWN, "role-forbidden"),
    ],
)
def test_a_narrowed_token(
    role: Role, studies: set[str], route: str, holdings: tuple[Holding, ...], reason: str
) -> None:
    whole = bearer(role)
    narrowed = whole._replace(claims=replace(whole.claims, studies=frozenset(studies)))
    assert decide(asked(route), narrowed, holdings).reason == reason


@pytest.mark.parametrize("path", [f"{STUDY},1.3/metadata", "/dicom-web/studies/*/series", "/dicom-web/studies/1\\2"])
def test_an_odd_uid_is_nothing_to_those_of_limited_reach(path: str) -> None:
    address = read_address("GET", path)
    assert decide(address, bearer(Role.DOCTOR), OWN).reason is Reason.HIDDEN
    assert decide(address, bearer(Role.RADIOLOGIST), ()).allowed


@pytest.mark.parametrize(
    ("role", "patient", "holdings", "reason"),
    [
        (Role.DOCTOR, "KIM", OWN, "care-team"),
        (Role.DOCTOR, "LEE", OWN, "patient-not-permitted"),
        (Role.DOCTOR, "LEE", FOREIGN, "patient-not-permitted"),
        (Role.DOCTOR, "KIM", SHARED, "patient-not-permitted"),
        (Role.DOCTOR, "KIM", UNKNOWN, "patient-not-permitted"),
        (Role.TECHNOLOGIST, "NEW", UNKNOWN, "recent"),
        (Role.TECHNOLOGIST, "KIM", OWN, "recent"),
        (Role.TECHNOLOGIST, "LEE", FOREIGN, "patient-not-permitted"),
        (Role.NURSE, "KIM", OWN, "patient-not-permitted"),
    ],
)
def test_what_is_stored_joins_a_study_that_one_sees(
    role: Role, patient: str, holdings: tuple[Holding, ...], reason: str
) -> None:
    assert decide_store(bearer(role), "1.2", patient, holdings).reason == reason
