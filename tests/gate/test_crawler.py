"""A crawler asks every route for a stranger's study, with tokens that are none and with a patient's."""

from __future__ import annotations

import json
import os
import pwd
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from neuronova.contract.grants import Revocation
from neuronova.contract.modalities import name_in_orthanc
from neuronova.contract.roles import Role
from neuronova.platform.layout import Layout
from neuronova.platform.parts import answers_tcp
from neuronova.platform.programs import find_programs
from neuronova.platform.render import GATEWAY_TEMPLATE, commands, gateway_config
from tests import debian13
from tests.access import DAY, HEADER, accounts, http, token
from tests.gate.crawling import REFUSED, Asker, Crawler, Door, Headers, Question, bearing, read, state
from tests.gate.people import KIM, SEEN, of
from tests.gate.routes import AREAS, DICOM_WEB, EXPLORER, MIXED, ORTHANC, STRANGERS_WADO, WADO, words
from tests.gate.test_access import signed
from tests.patience import PATIENCE
from tests.server import STOCK_ROOT, Server, running, settings_for, until
from tests.synthetic import part10

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")


@dataclass(frozen=True, slots=True)
class Row:
    """What is intended for a route: the answer to nobody, the answer to a patient, and whether it is recorded."""

    methods: str
    route: str
    nobody: int
    patient: int
    recorded: bool = True


RESOURCE = r"/dicom-web/studies/[^/]+(/series/[^/]+(/instances/[^/]+)?)?"
VIEW = r"(/(metadata|rendered|thumbnail|series|instances|frames(/[^/]+){0,2}|bulk/.+))?"
# The first row that fits says what is intended. Orthanc's filter can say no more than 403 where Python does not answer.
INTENDED = (
    # Orthanc's HTTP server knows no such method and asks nobody.
    Row("PATCH TRACE", ".*", 400, 400, recorded=False),
    # It takes these for WebDAV's, and there is no WebDAV at what Python answers: nothing is looked at.
    Row("HEAD OPTIONS", "/dicom-web/.+|/wado|/neuronova/refusal", 404, 404, recorded=False),
    # Open to all: it tells why something was refused, which was recorded then.
    Row("GET POST PUT DELETE", "/neuronova/refusal", 401, 403, recorded=False),
    # A list shows one's own, and nothing of a stranger's series below one's own study.
    Row("GET", "/dicom-web/(studies|series|instances)", 401, 200),
    Row("GET", "/dicom-web/studies/{own_study_uid}/series/{series_uid}/instances", 401, 200),
    # A stranger's study is as one that does not exist.
    Row("GET", RESOURCE + VIEW, 401, 404),
    Row("GET", "/wado", 401, 404),
    # Patients neither store nor delete, and what is left of DICOMweb is for nobody.
    Row("GET POST PUT DELETE", "/dicom-web/.+|/wado", 401, 403),
    # Orthanc itself, the stock plugin and what does not exist.
    Row("GET HEAD POST PUT DELETE OPTIONS", ".*", 403, 403),
)


# What the gateway makes of it: it asks Orthanc for the reason of a 403, and does not lead to the stock plugin.
AT_GATEWAY = (
    Row("GET POST DELETE", "(/orthanc)?/_stock-.*", 404, 404, recorded=False),
    Row("GET POST DELETE", "/orthanc/", 301, 301, recorded=False),
    Row("GET POST DELETE", "/orthanc/neuronova/refusal", 401, 403, recorded=False),
    Row("GET POST DELETE", "/orthanc/.+", 401, 403),
    *INTENDED,
)


def row_of(method: str, route: str, rows: Sequence[Row]) -> Row:
    path = route.partition("?")[0]
    return next(row for row in rows if method in row.methods.split() and re.fullmatch(row.route, path))


ENDED = "ended"
NOW = int(time.time())
# Each is an admin's, were it not for what the name says.
NOBODIES = tuple(
    Asker(name, shown, ("",), code)
    for name, shown, code in (
        ("no token", "", "no-token"),
        ("expired", token(Role.ADMIN, issued_at=NOW - 2 * DAY, expires_at=NOW - DAY), "token-expired"),
        ("foreign key", token(Role.ADMIN, key=Ed25519PrivateKey.generate()), "bad-token"),
        ("alg none", signed(None, "none", exp=NOW + DAY), "bad-token"),
        ("wrong audience", signed(aud="elsewhere", exp=NOW + DAY), "bad-token"),
        ("revoked", token(Role.ADMIN, token_id=ENDED), "token-revoked"),
    )
)
PATIENT = Asker("patient", token(Role.PATIENT), ("patient",))
ADMIN = Asker("admin", token(Role.ADMIN), ("admin",), sees_all=True)
ASKERS = (*NOBODIES, PATIENT)
SOME = (NOBODIES[0], NOBODIES[-1], PATIENT)

HUSHED = {"PatientName": "Mallory^Secret", "AccessionNumber": "HUSH-42", "InstitutionName": "Elsewhere Clinic"}
STRANGER = of("STRANGER-7731", "stranger", **HUSHED)
OTHER = of("STRANGER-7731", "stranger, never asked for", **HUSHED)
STORED = (KIM, STRANGER, OTHER)
TO_STORE = part10(of("STRANGER-7731", "stranger", InstanceNumber="2"))
SECRETS = [
    *("STRANGER-7731", "Mallory", "HUSH-42", "Elsewhere Clinic"),
    *(str(one[f"{level}InstanceUID"].value) for one in (STRANGER, OTHER) for level in ("Study", "Series", "SOP")),
]


@pytest.fixture(scope="module")
def crawler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawler]:
    settings = settings_for(tmp_path_factory.mktemp("crawled") / "data")
    known = [*accounts(patient=[SEEN]), Revocation(ended=ENDED, until=NOW + DAY)]
    with running(Server(settings, known=known)) as server:
        instance = [server.upload(part10(one)) for one in STORED][STORED.index(STRANGER)]
        server.until_settled(len(STORED))
        until(
            lambda: all(server.get(f"/series/{one}/attachments") for one in server.get("/series")),
            "the metadata of each series is kept",
        )
        names = {"instance": instance} | {
            one: server.get(f"/instances/{instance}/{one}")["ID"] for one in ("patient", "study", "series")
        }
        secrets = [*SECRETS, *names.values()]
        archive = http.post(f"{server.url}/studies/{names['study']}/archive", json={"Asynchronous": True})
        for path in ("/peers/NEIGHBOUR", f"{STOCK_ROOT}/servers/NEIGHBOUR"):
            neighbour = {"Url": "http://127.0.0.1:1/"}
            http.request("PUT", server.url + path, json=neighbour).raise_for_status()
        names |= {
            "patient_id": STRANGER.PatientID,
            "study_uid": STRANGER.StudyInstanceUID,
            "series_uid": STRANGER.SeriesInstanceUID,
            "instance_uid": STRANGER.SOPInstanceUID,
            "own_study_uid": KIM.StudyInstanceUID,
            "own_series_uid": KIM.SeriesInstanceUID,
            "attachment": "dicom",
            "metadata": "LastUpdate",
            "label": "crawled",
            "tag": "0010-0010",
            "frame": "0",
            "job": archive.json()["ID"],
            "output": "archive",
            "modality": name_in_orthanc("MODALITY"),
            "peer": "NEIGHBOUR",
            "server": "NEIGHBOUR",
            "plugin": "dicom-web",
            "query": names["study"],
            "answer": "0",
            "commitment": STRANGER.SOPInstanceUID,
        }
        yield Crawler(server, names, STRANGER.PatientID, secrets, state(server, names))
        assert server.process is not None
        assert server.process.poll() is None


def question(crawler: Crawler, asker: Asker, method: str, route: str, rows: Sequence[Row] = INTENDED) -> Question:
    row = row_of(method, route, rows)
    kind, body = content(method, route, crawler.names)
    return Question(
        method=method,
        target=route.format(**crawler.names),
        headers=bearing(asker.token) + kind,
        body=body,
        intended=frozenset({row.patient if asker is PATIENT else row.nobody}),
        recorded=row.recorded,
    )


def content(method: str, route: str, names: dict[str, str]) -> tuple[Headers, bytes]:
    """Return what would be obeyed if the route were open: an object to store, or an order that fits most routes."""
    if method not in ("POST", "PUT"):
        return (), b""
    if route == "/instances":
        return (), TO_STORE
    if "dicom-web/studies" in route:
        kind = ("Content-Type", 'multipart/related; type="application/dicom"; boundary=x')
        return (kind,), b"--x\r\nContent-Type: application/dicom\r\n\r\n" + TO_STORE + b"\r\n--x--\r\n"
    if route == "/tools/execute-script":
        return (), b'print("Mallory")'
    order = {"Resources": [names["study"]], "Level": "Study", "Query": {}, "Force": True, "Expand": True}
    return (("Content-Type", "application/json"),), json.dumps(order).encode()


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("asker", ASKERS, ids=str)
def test_nothing_but_the_intended_answers(crawler: Crawler, asker: Asker, area: str) -> None:
    crawler.ask(asker, [question(crawler, asker, method, route) for route in AREAS[area] for method in METHODS])


@pytest.fixture(scope="module")
def gateway(crawler: Crawler) -> Iterator[Door]:
    """Return nginx before the same Orthanc; there is no API."""
    settings = crawler.server.settings
    layout, programs = Layout(settings.data), find_programs()
    user = pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() == 0 else None
    config = gateway_config(GATEWAY_TEMPLATE.read_text(), settings, layout, user=user)
    layout.gateway_config.write_text(config)
    command = commands(settings, layout, programs, Path(sys.executable))["gateway"]
    with (
        (settings.data / "gateway.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as nginx,
    ):
        try:
            until(lambda: answers_tcp("127.0.0.1", settings.http_port), "the gateway answers")
            yield Door(settings.http_port, is_gateway=True)
        finally:
            nginx.terminate()


# What only the gateway may say; it has to overwrite each, whatever a client claims.
FORGED = (
    *bearing(ADMIN.token),
    ("X-Neuronova-Query", f"studyUID={KIM.StudyInstanceUID}"),
    ("X-Original-Method", "GET"),
    ("X-Original-Path", "/dicom-web/studies"),
)


def through_gateway(route: str) -> tuple[str, ...]:
    """Return the ways to a route of Orthanc's."""
    if re.match("/dicom-web/|/wado", route):
        return (route,)
    return (route, f"/orthanc{route}") if route.startswith("/_stock-") else (f"/orthanc{route}",)


def forging(one: Question, asker: Asker) -> Question:
    """Return a question to the gateway, that claims to come from it."""
    shown = (("Authorization", f"Bearer {asker.token}"),) if asker.token else ()
    return replace(one, headers=(*FORGED, *shown, *(header for header in one.headers if header[0] != HEADER)))


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("asker", SOME, ids=str)
def test_the_gateway_gives_nothing_else_away(crawler: Crawler, gateway: Door, asker: Asker, area: str) -> None:
    questions = [
        forging(question(crawler, asker, method, way, AT_GATEWAY), asker)
        for route in AREAS[area]
        for way in through_gateway(route)
        for method in ("GET", "POST", "DELETE")
    ]
    crawler.ask(asker, questions, gateway)


NEVER = ("POST /tools/reset", "POST /tools/shutdown", "POST /tools/execute-script")
SPELT = (
    *NEVER,
    "GET /system",
    "GET /studies/{study}",
    "DELETE /studies/{study}",
    "GET /instances/{instance}/file",
    "GET /dicom-web/studies/{study_uid}/metadata",
    "GET /dicom-web/studies/{study_uid}/series",
    "POST /dicom-web/studies/{study_uid}",
    "DELETE /dicom-web/studies/{study_uid}",
    "GET /_stock-dicom-web/studies/{study_uid}/metadata",
    "GET /neuronova/holdings?study={study_uid}",
    f"GET {STRANGERS_WADO}",
)
BEFORE = words("""
    / /. /x/.. /%2e /%2e%2e /.. /app/.. /app/..; /dicom-web /dicom-web/ /dicom-web/.. /dicom-web/../. /dicom-web/.%2e
    /dicom-web/%2e%2e /dicom-web/%2E%2E /dicom-web/%252e%252e /dicom-web/..; /dicom-web/..%00 /dicom-web/%00/..
    /dicom-web/..%5c /dicom-web\\.. /dicom-web/studies/../.. /dicom-web/x%2f..%2f.. /dicom-web/x%2f.. /dicom-web%2f..
    /dicom-web/..%2f /dicom-web/%3f/.. /dicom-web/%23/.. /dicom-web/servers/.. /dicom-web/studies/{own_study_uid}/../..
    /dicom-web/studies/{own_study_uid}/bulk/../../.. /dicom-web/studies/{own_study_uid}/bulk/%2e%2e/%2e%2e
    /wado /wado/.. /wado/..; /wado%00/.. /neuronova/refusal /neuronova/refusal/.. /neuronova/refusal/../..
    /neuronova/refusal/%2e%2e/%2e%2e
""")
AFTER = words("/ // /. /./ ; ;x=y %00 %00.js %0a %0d%0aX:%20y %20 %09 %3f %23 #x /x/.. /%2e")
FULLWIDTH = "%ef%bc%8f"
SLASHES = ("\\", "%5c", "%2f", "%2F", "%252f", "//", "/./", "/;/", FULLWIDTH)


def spellings(path: str, names: dict[str, str]) -> Iterator[str]:
    """Yield what a careless server may take for `path`."""
    yield from (before.format(**names) + path for before in BEFORE)
    yield from (path + after for after in AFTER)
    yield from ("/" + path[1:].replace("/", slash) for slash in SLASHES)
    yield from (path.replace("/", "//"), path.replace("/", "\\"), path.upper(), path.title())
    encoded = "".join(f"%{byte:02x}" for byte in path[1:].encode())
    yield from (f"/{encoded}", f"/{quote(encoded)}")


def spelt(crawler: Crawler, asker: Asker, request: str) -> Iterator[Question]:
    method, route = request.split(" ", 1)
    path, mark, query = route.format(**crawler.names).partition("?")
    kind, body = content(method, route, crawler.names)
    for target in (path, *spellings(path, crawler.names)):
        yield Question(
            method=method,
            target=target + mark + query,
            headers=bearing(asker.token) + kind,
            body=body,
            intended=REFUSED | ({405} if asker is ADMIN else set()),  # Explorer's files can only be read
        )


@pytest.mark.parametrize("asker", SOME, ids=str)
def test_no_spelling_opens_a_route(crawler: Crawler, asker: Asker) -> None:
    crawler.ask(asker, [one for request in SPELT for one in spelt(crawler, asker, request)])


def test_no_spelling_lets_an_admin_stop_orthanc(crawler: Crawler) -> None:
    crawler.ask(ADMIN, [one for request in NEVER for one in spelt(crawler, ADMIN, request)])


@pytest.mark.parametrize("asker", SOME, ids=str)
def test_what_is_no_utf_8_is_not_answered(crawler: Crawler, asker: Asker) -> None:
    """Orthanc's Python cannot be told of such a path: an error, and nothing is looked at."""
    paths = [f"/{odd}{path}" for odd in ("%ff", "%c0%ae%c0%ae/", "dicom-web/%ff/../..") for path in ("", "/system")]
    crawler.ask(
        asker,
        [Question(method="GET", target=path, headers=bearing(asker.token), intended=REFUSED | {500}) for path in paths],
    )


@pytest.mark.parametrize("asker", SOME, ids=str)
def test_the_reason_of_a_refusal_tells_no_more(crawler: Crawler, asker: Asker) -> None:
    """What would be allowed is not told either: that is for who asks for it."""

    def reason(method: str, route: str) -> Question:
        original = (("X-Original-Method", method), ("X-Original-Path", route.format(**crawler.names)))
        return Question(
            method="GET",
            target="/neuronova/refusal",
            headers=bearing(asker.token) + original,
            intended=frozenset({403, 404} if asker is PATIENT else {401}),
            recorded=False,
        )

    routes = (*ORTHANC, *DICOM_WEB, *MIXED)
    crawler.ask(asker, [reason(method, route) for route in routes for method in ("GET", "DELETE")])


OVERRIDING = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
OVERRIDDEN = words("""
    /dicom-web/studies/{own_study_uid} /dicom-web/studies/{study_uid} /studies/{study} /instances/{instance}
    /tools/reset /peers/{peer} /tools/default-encoding
""")


@pytest.mark.parametrize("asker", SOME, ids=str)
def test_no_override_changes_the_method(crawler: Crawler, asker: Asker) -> None:
    def asked(method: str, route: str, query: str, header: Headers) -> Question:
        kind, body = content(method, route, crawler.names)
        own = "{own_study_uid}" in route and asker is PATIENT
        return Question(
            method=method,
            target=route.format(**crawler.names) + query,
            headers=bearing(asker.token) + kind + header,
            body=body,
            intended=REFUSED | ({200} if own else set()),  # to read it
        )

    overrides: list[tuple[str, Headers]] = [
        override
        for meant in ("GET", "POST", "PUT", "DELETE", "delete", "PATCH", "HEAD")
        for override in ((f"?_method={meant}", ()), *(("", ((name, meant),)) for name in OVERRIDING))
    ]
    crawler.ask(
        asker,
        [
            asked(method, route, query, header)
            for method in ("GET", "POST", "PUT")
            for route in OVERRIDDEN
            for query, header in overrides
        ],
    )


# What does not count: an admin's token in the wrong place, a name without one, and tokens that are none.
IN_QUERY = ("token", "access_token", "jwt", "authorization", HEADER, HEADER.lower(), "headers[x-neuronova-token]")
IN_HEADER = words("""
    X_Neuronova_Token X-Neuronova-Tokens Neuronova-Token X-Neuronova-Session X-Neuronova-Secret X-Neuronova-Query
    X-Auth-Token X-Access-Token Token Authorization Proxy-Authorization
""")
NAMED = words("X-Remote-User X-Forwarded-User Remote-User X-Neuronova-Subject X-Neuronova-Role X-Neuronova-Account")
ELSEWHERE = words("X-Original-URL X-Rewrite-URL X-Original-Path X-Forwarded-Prefix X-Forwarded-Host X-Neuronova-Query")
SMUGGLED: tuple[tuple[str, Headers], ...] = (
    *((f"&{name}={ADMIN.token}", ()) for name in IN_QUERY),
    *(("", ((name, ADMIN.token),)) for name in IN_HEADER),
    *(("", (("Authorization", f"{scheme} {ADMIN.token}"),)) for scheme in ("Bearer", "Basic", "Token")),
    *(("", (("Cookie", f"{name}={ADMIN.token}"),)) for name in ("neuronova_session", HEADER, "token")),
    *(("", ((name, ADMIN.subjects[0]),)) for name in NAMED),
    *(("", ((name, place),)) for name in ELSEWHERE for place in ("/dicom-web/studies", "/neuronova/refusal")),
    *(("", bearing(nobody.token)) for nobody in NOBODIES),
    ("", bearing(*(nobody.token for nobody in NOBODIES))),
    *(("", bearing(odd)) for odd in (f"Bearer {ADMIN.token}", f"{ADMIN.token}x", f"{PATIENT.token}, {ADMIN.token}")),
)
SOUGHT = (
    "/system",
    "/studies/{study}",
    "/instances/{instance}/file",
    "/dicom-web/studies/{study_uid}/metadata",
    "/dicom-web/studies/{study_uid}/series",
    STRANGERS_WADO,
)


@pytest.mark.parametrize("shown", ((), (PATIENT.token,)), ids=("nothing else", "a patient's token"))
def test_a_token_counts_in_its_header_alone(crawler: Crawler, shown: tuple[str, ...]) -> None:
    asker = Asker("a smuggled token", "", ("", "patient"))
    crawler.ask(
        asker,
        [
            Question(
                method="GET",
                target=target + (query if "?" in target else query.replace("&", "?", 1)),
                headers=headers,
                intended=REFUSED,
            )
            for target in (route.format(**crawler.names) for route in SOUGHT)
            for query, smuggled in SMUGGLED
            for headers in (bearing(*shown) + smuggled, smuggled + bearing(*shown))
        ],
    )


def test_the_list_of_routes_is_complete(tmp_path: Path) -> None:
    """It has every route that this Orthanc knows of, those included that it has no documentation for."""
    described = tmp_path / "openapi.json"
    # It would ask a server at its makers' for examples.
    command, environment = [find_programs().orthanc, f"--openapi={described}"], {"ALL_PROXY": "http://127.0.0.1:1"}
    if debian13.is_chosen():
        command, environment = debian13.inside(command, environment)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=True)
    undocumented = re.findall(r"Ignoring URI without API documentation: [A-Z]+ (\S+)", done.stderr)
    known = {re.sub(r"\{\w+\}", "{}", path) for path in (*json.loads(described.read_text())["paths"], *undocumented)}
    assert len(known) > 200
    assert not known - {re.sub(r"\{\w+\}", "{}", route) for route in (*ORTHANC, *EXPLORER)}


def test_the_crawl_would_find_a_leak(crawler: Crawler) -> None:
    """Last, for it makes jobs: whoever may see all is shown the stranger by most of these routes."""
    routes = [route for route in (*ORTHANC, *DICOM_WEB, *WADO) if "{" in route]
    answers = read(crawler.server, [route.format(**crawler.names) for route in routes])
    answered = [answer for answer in answers if answer.status == 200]
    telling = [answer for answer in answered if answer.shown(crawler.secrets)]  # the others are pixels, archives, ..
    assert len(answered) > 120
    assert len(telling) > 50
