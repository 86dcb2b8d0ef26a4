"""Who gets what from a real server: roles, patients, lists, storing, and tokens that are none."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydicom import Dataset

from neuronova.contract.grants import AccountChange, GrantChange, Ground, Revocation
from neuronova.contract.roles import Permission, Role
from tests.access import DAY, HEADER, KEY, KEY_ID, accounts, http, seed, token
from tests.gate.people import ALL, KIM, KIM_MR, LEE, NAMESAKE, SEEN, SHARED, of
from tests.patience import PATIENCE
from tests.server import Server, running, settings_for, until
from tests.synthetic import part10, uid

ALL_SEEING = (Role.ADMIN, Role.RADIOLOGIST)
LIMITED = (Role.DOCTOR, Role.NURSE, Role.PATIENT)


def ask(server: Server, path: str, role: Role, method: str = "GET", **more: Any) -> requests.Response:
    headers = {HEADER: more.pop("token", token(role)), **more.pop("headers", {})}
    return requests.request(method, server.url + path, headers=headers, timeout=PATIENCE, **more)


def paths(dataset: Dataset) -> dict[str, str]:
    """Return each way to read an instance."""
    study = f"/dicom-web/studies/{dataset.StudyInstanceUID}"
    series = f"{study}/series/{dataset.SeriesInstanceUID}"
    instance = f"{series}/instances/{dataset.SOPInstanceUID}"
    wado = (
        f"/wado?requestType=WADO&studyUID={dataset.StudyInstanceUID}&seriesUID={dataset.SeriesInstanceUID}"
        f"&objectUID={dataset.SOPInstanceUID}&contentType=application/dicom"
    )
    return {
        "study": study,
        "study metadata": f"{study}/metadata",
        "study's series": f"{study}/series",
        "study's instances": f"{study}/instances",
        "series": series,
        "series metadata": f"{series}/metadata",
        "series' instances": f"{series}/instances",
        "instance": instance,
        "frame": f"{instance}/frames/1",
        "rendered": f"{instance}/rendered",
        "thumbnail": f"{instance}/thumbnail",
        "bulk": f"{instance}/bulk/7fe00010",
        "wado": wado,
    }


def shown(answer: requests.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "Date"}


WAYS = tuple(paths(KIM))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("role", Role)
def test_own_and_foreign_patients(hospital: Server, role: Role, way: str) -> None:
    """A patient that one may not see answers exactly as one that does not exist."""
    bearer = token(role) if role is not Role.SERVICE else token(role, "service:x", scopes=frozenset(Permission))
    answers = {
        name: ask(hospital, paths(dataset)[way], role, token=bearer)
        for name, dataset in {
            "own": KIM,
            "foreign": LEE,
            "namesake": NAMESAKE,
            "shared": SHARED[0],
            "unknown": of("NOBODY", "nobody"),
        }.items()
    }
    if role in LIMITED:
        assert answers["own"].status_code == 200, answers["own"].text
        for name in ("foreign", "namesake", "shared"):
            assert answers[name].status_code == answers["unknown"].status_code == 404
            assert answers[name].content == answers["unknown"].content
            assert shown(answers[name]) == shown(answers["unknown"])
    else:
        assert answers["own"].status_code == answers["foreign"].status_code == 200, answers["foreign"].text


@pytest.mark.parametrize(
    "path", ["/", "/system", "/instances", "/patients", "/app/explorer.html", "/changes", "/tools/now"]
)
@pytest.mark.parametrize("role", Role)
def test_orthanc_itself_is_for_admins(hospital: Server, role: Role, path: str) -> None:
    expected = 200 if role is Role.ADMIN else 403
    assert ask(hospital, path, role).status_code == expected


def uids(answer: requests.Response, tag: str = "0020000D") -> list[str]:
    assert answer.status_code == 200, answer.text
    return [entry[tag]["Value"][0] for entry in answer.json()]


OWN = {KIM.StudyInstanceUID, KIM_MR.StudyInstanceUID}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", OWN),
        ("?PatientID=KIM", OWN),
        ("?PatientID=LEE", set()),
        ("?PatientID=*", OWN),
        ("?00100020=kim", OWN),
        ("?PatientName=김*", {KIM.StudyInstanceUID}),
        ("?PatientName=%EA%B9%80%5E*", {KIM.StudyInstanceUID}),
        ("?PatientName=kim*", {KIM_MR.StudyInstanceUID}),
        ("?StudyDescription=head [ct]", {KIM.StudyInstanceUID}),
        ("?StudyDate=20260301", {KIM_MR.StudyInstanceUID}),
        ("?StudyDate=20260302-", {KIM.StudyInstanceUID}),
        ("?StudyDate=-20260331", {KIM_MR.StudyInstanceUID}),
        ("?StudyDate=20260301-20260401", OWN),
        ("?ModalitiesInStudy=MR", {KIM_MR.StudyInstanceUID}),
        ("?ModalitiesInStudy=MR,US", {KIM_MR.StudyInstanceUID}),
        ("?AccessionNumber=A-1*", {KIM.StudyInstanceUID}),
        (f"?StudyInstanceUID={LEE.StudyInstanceUID}", set()),
        (f"?StudyInstanceUID={LEE.StudyInstanceUID},{KIM.StudyInstanceUID}", {KIM.StudyInstanceUID}),
        (f"?StudyInstanceUID={SHARED[0].StudyInstanceUID}", set()),
        ("?limit=0", OWN),
        ("?fuzzymatching=false&includefield=all", OWN),
        ("?BodyPartExamined=none", set()),
    ],
)
def test_a_list_shows_permitted_patients_only(hospital: Server, query: str, expected: set[str]) -> None:
    found = uids(ask(hospital, f"/dicom-web/studies{query}", Role.DOCTOR))
    assert set(found) == expected
    assert len(found) == len(expected)


def test_a_list_has_pages_and_every_level(hospital: Server) -> None:
    pages = [uids(ask(hospital, f"/dicom-web/studies?limit=1&offset={offset}", Role.DOCTOR)) for offset in range(4)]
    assert [len(page) for page in pages] == [1, 1, 0, 0]
    assert {uid for page in pages for uid in page} == OWN
    series = ask(hospital, "/dicom-web/series", Role.DOCTOR)
    assert set(uids(series)) == OWN
    assert uids(ask(hospital, "/dicom-web/series?Modality=MR", Role.DOCTOR)) == [KIM_MR.StudyInstanceUID]
    instances = ask(hospital, "/dicom-web/instances", Role.DOCTOR)
    assert set(uids(instances, "00080018")) == {KIM.SOPInstanceUID, KIM_MR.SOPInstanceUID}
    assert len(uids(ask(hospital, "/dicom-web/instances?limit=1&offset=1", Role.DOCTOR))) == 1
    foreign = ask(hospital, f"/dicom-web/instances?SOPInstanceUID={LEE.SOPInstanceUID}", Role.DOCTOR)
    assert uids(foreign) == []


def test_others_see_all(hospital: Server) -> None:
    everything = {one.StudyInstanceUID for one in ALL}
    for role in (*ALL_SEEING, Role.TECHNOLOGIST):
        found = set(uids(ask(hospital, "/dicom-web/studies", role)))
        assert found == everything


def test_a_path_and_an_argument_cannot_name_two_studies(hospital: Server) -> None:
    path = f"/dicom-web/studies/{KIM.StudyInstanceUID}/series?StudyInstanceUID={LEE.StudyInstanceUID}"
    assert ask(hospital, path, Role.DOCTOR).status_code == 400
    mixed = f"/dicom-web/studies/{KIM.StudyInstanceUID}/series/{LEE.SeriesInstanceUID}/instances/{LEE.SOPInstanceUID}"
    for suffix in ("", "/metadata", "/frames/1", "/rendered", "/bulk/7fe00010"):
        assert ask(hospital, mixed + suffix, Role.DOCTOR).status_code == 404
    for spelt in (
        f"{KIM.StudyInstanceUID}\\{LEE.StudyInstanceUID}",
        f"{KIM.StudyInstanceUID},{LEE.StudyInstanceUID}",
        "*",
    ):
        for below in ("series", "metadata"):
            answer = ask(hospital, f"/dicom-web/studies/{spelt}/{below}", Role.DOCTOR)
            # Orthanc's HTTP server reads a backslash as a slash: then there is no such route at all.
            assert answer.status_code == (403 if "\\" in spelt else 404), (spelt, below)


def payload(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    whole = {"iss": "neuronova", "aud": "neuronova", "sub": "admin", "role": "admin", "jti": "j", "sid": "s"}
    return whole | {"iat": now, "exp": now + DAY} | changed


def signed(key: Any = KEY, algorithm: str = "EdDSA", **changed: Any) -> str:
    return jwt.encode(payload(**changed), key, algorithm, headers={"kid": KEY_ID})


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("", "no-token"),
        ("x", "bad-token"),
        (signed(Ed25519PrivateKey.generate()), "bad-token"),
        (signed(None, "none"), "bad-token"),
        (signed("s" * 64, "HS256"), "bad-token"),
        (signed(aud="elsewhere"), "bad-token"),
        (signed(iss="elsewhere"), "bad-token"),
        (signed(exp=1), "token-expired"),
        (signed(sub="nobody"), "account-disabled"),
        (signed(sub="doctor"), "token-revoked"),
    ],
)
@pytest.mark.parametrize("path", ["/dicom-web/studies", paths(KIM)["frame"], paths(KIM)["wado"], "/dicom-web/nothing"])
def test_a_token_that_is_none_is_challenged(hospital: Server, path: str, bad: str, code: str) -> None:
    answer = requests.get(hospital.url + path, headers={HEADER: bad}, timeout=PATIENCE)
    assert answer.status_code == 401
    # Orthanc of Debian 13 adds a type of its own to what a plugin answers with an error.
    assert answer.headers["Content-Type"].split(", ")[0] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == code
    assert not bad or bad not in answer.text
    # Orthanc's own routes can say no more than 403, and tell why where the gateway asks.
    assert requests.get(f"{hospital.url}/system", headers={HEADER: bad}, timeout=PATIENCE).status_code == 403
    told = requests.get(
        f"{hospital.url}/neuronova/refusal",
        headers={HEADER: bad, "X-Original-Method": "GET", "X-Original-Path": "/system"},
        timeout=PATIENCE,
    )
    assert (told.status_code, told.json()["code"]) == (401, code)


def test_nothing_of_a_token_is_logged(hospital: Server) -> None:
    bearer = signed()
    requests.get(f"{hospital.url}/system", headers={HEADER: bearer}, timeout=PATIENCE)
    requests.get(f"{hospital.url}/dicom-web/studies", headers={HEADER: bearer + "x"}, timeout=PATIENCE)
    log = hospital.log.read_text(errors="replace")
    assert bearer.split(".")[2] not in log
    assert "김" not in log


def stow(server: Server, role: Role, *datasets: Dataset, path: str = "", **more: Any) -> requests.Response:
    body = b"".join(b"--x\r\nContent-Type: application/dicom\r\n\r\n" + part10(one) + b"\r\n" for one in datasets)
    kind = 'multipart/related; type="application/dicom"; boundary=x'
    headers = {"Content-Type": kind, "Accept": "application/dicom+json"}
    return ask(server, f"/dicom-web/studies{path}", role, "POST", data=body + b"--x--\r\n", headers=headers, **more)


def test_a_study_that_one_sees_can_be_added_to(hospital: Server) -> None:
    measured = of("KIM", "kim 1", SeriesInstanceUID=uid("measured"), SOPInstanceUID=uid("measured 1"))
    del measured.IssuerOfPatientID  # as viewers write it
    assert stow(hospital, Role.DOCTOR, measured).status_code == 200
    assert ask(hospital, paths(measured)["frame"], Role.PATIENT).status_code == 200
    assert ask(hospital, paths(KIM)["frame"], Role.DOCTOR).status_code == 200
    http.delete(f"{hospital.url}/instances/{hospital.upload(part10(measured))}")


@pytest.mark.parametrize(
    ("role", "datasets", "path", "status"),
    [
        (Role.NURSE, (KIM,), "", 403),
        (Role.PATIENT, (KIM,), "", 403),
        (Role.DOCTOR, (of("LEE", "lee 1", InstanceNumber="7"),), "", 403),
        (Role.DOCTOR, (of("KIM", "lee 1"),), "", 403),
        (Role.DOCTOR, (of("LEE", "kim 1"),), "", 403),
        (Role.DOCTOR, (of("KIM", "new"),), "", 403),
        (Role.DOCTOR, (of("KIM", "shared", InstanceNumber="7"),), "", 403),
        (Role.DOCTOR, (KIM, of("LEE", "lee 1", InstanceNumber="8")), "", 403),
        (Role.DOCTOR, (of("LEE", "lee 1", InstanceNumber="9"),), f"/{KIM.StudyInstanceUID}", 403),
        (Role.DOCTOR, (KIM_MR,), f"/{KIM.StudyInstanceUID}", 409),
        (Role.DOCTOR, (KIM,), f"/{LEE.StudyInstanceUID}", 404),
        (Role.DOCTOR, (), "", 400),
    ],
)
def test_nothing_else_can_be_stored(
    hospital: Server, role: Role, datasets: tuple[Dataset, ...], path: str, status: int
) -> None:
    before = hospital.get("/statistics")["CountInstances"]
    assert stow(hospital, role, *datasets, path=path).status_code == status
    assert hospital.get("/statistics")["CountInstances"] == before


def test_a_study_link_reads_its_study_and_no_other(hospital: Server) -> None:
    link = token(Role.RADIOLOGIST, studies=frozenset({LEE.StudyInstanceUID}), may_store=False)
    assert ask(hospital, paths(LEE)["frame"], Role.RADIOLOGIST, token=link).status_code == 200
    assert ask(hospital, paths(KIM)["frame"], Role.RADIOLOGIST, token=link).status_code == 404
    assert uids(ask(hospital, "/dicom-web/studies", Role.RADIOLOGIST, token=link)) == [LEE.StudyInstanceUID]
    assert stow(hospital, Role.RADIOLOGIST, LEE, token=link).status_code == 403
    writing = token(Role.RADIOLOGIST, studies=frozenset({LEE.StudyInstanceUID}), may_store=True)
    assert stow(hospital, Role.RADIOLOGIST, LEE, token=writing).status_code == 200
    assert stow(hospital, Role.RADIOLOGIST, KIM, token=writing).status_code == 403


def test_what_a_restart_still_knows(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Grants, revocations and whose each study is outlive Orthanc; what was stored unseen is looked up."""
    settings = settings_for(tmp_path_factory.mktemp("restart") / "data")
    known = [
        *accounts(doctor=[SEEN]),
        GrantChange(
            account="nurse", patient_id="KIM", issuer=SEEN.issuer, ground=Ground.BREAK_GLASS, granted=True, until=1.0
        ),
        AccountChange(account="admin", role=Role.ADMIN, enabled=False),
        Revocation(ended="ended", until=time.time() + 600),
    ]
    with running(Server(settings, known=known)) as server:
        server.upload(part10(KIM))
        server.stop()
        server.start()
        assert ask(server, paths(KIM)["frame"], Role.DOCTOR).status_code == 200
        assert ask(server, paths(KIM)["frame"], Role.NURSE).status_code == 404
        assert ask(server, paths(KIM)["frame"], Role.ADMIN).json()["code"] == "account-disabled"
        for bearer in (token(Role.DOCTOR, token_id="ended"), token(Role.DOCTOR, session="ended")):
            answer = ask(server, paths(KIM)["frame"], Role.DOCTOR, token=bearer)
            assert answer.json()["code"] == "token-revoked"
        server.stop()
        for file in (settings.data / "journal").glob("access.db*"):
            file.unlink()
        seed(settings.data, known)
        server.start()
        until(lambda: ask(server, paths(KIM)["frame"], Role.DOCTOR).status_code == 200, "the study is known again")


def test_old_grants_refuse_everybody(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("stale") / "data"
    settings = settings_for(data, NEURONOVA_GRANTS_HOLD_MINUTES="1")
    seed(data, accounts(), heard=time.time() - 120)
    server = Server(settings)
    server.start()
    try:
        for role in (Role.ADMIN, Role.DOCTOR):
            answer = ask(server, "/dicom-web/studies", role)
            assert (answer.status_code, answer.json()["code"]) == (401, "grants-stale")
    finally:
        server.stop()


def test_a_deleted_study_is_forgotten(hospital: Server) -> None:
    dataset = of("KIM", "short-lived")
    server = hospital
    identifier = server.upload(part10(dataset))
    assert dataset.StudyInstanceUID in uids(ask(server, "/dicom-web/studies", Role.DOCTOR))
    http.delete(f"{server.url}/instances/{identifier}")
    until(lambda: dataset.StudyInstanceUID not in uids(ask(server, "/dicom-web/studies", Role.DOCTOR)), "it is gone")
    assert ask(server, paths(dataset)["study"], Role.DOCTOR).status_code == 404
