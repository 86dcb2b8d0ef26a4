"""A server that holds to what is known of OpenEMR's two interfaces, and to no more; it is not OpenEMR."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

from tests.serving import serving

SITE = "/apis/default"
_KEPT = {"PT", "SS"}  # types of identifiers
_WRITTEN = ("Patient", "Practitioner", "Organization")


@dataclass
class OpenEmr:
    """What it holds; of each method in `losing` an answer is lost after its request was carried out."""

    url: str = ""
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)  # by uuid
    pids: dict[int, str] = field(default_factory=dict)
    documents: list[tuple[int, str, str, bytes]] = field(default_factory=list)  # pid, path, name, content
    losing: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)  # headers that it would not have understood

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.resources.values() if one["resourceType"] == kind]

    def kept(self, uuid_: str, body: dict[str, Any]) -> None:
        identifiers = [one for one in body.get("identifier", []) if _codes(one) & _KEPT]
        self.resources[uuid_] = body | {"id": uuid_, "identifier": identifiers}

    def answer(self, body: Any, status: int) -> tuple[Response, int]:
        if request.method in self.losing:
            self.losing.remove(request.method)
            return jsonify({}), 502
        return jsonify(body), status


def _codes(identifier: dict[str, Any]) -> set[str]:
    return {one.get("code", "") for one in identifier.get("type", {}).get("coding", [])}


def _app(emr: OpenEmr) -> Flask:
    app = Flask(__name__)

    @app.before_request
    def note() -> None:
        emr.conditions += [one for one in ("If-None-Exist", "If-Match") if one in request.headers]

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> tuple[Response, int]:
        return jsonify({"error": error.name}), error.code or 500

    _fhir(app, emr)
    _standard(app, emr)
    return app


def _fhir(app: Flask, emr: OpenEmr) -> None:
    @app.post(f"{SITE}/fhir/<kind>")
    def create(kind: str) -> tuple[Response, int]:
        body = request.get_json(force=True)
        if kind not in _WRITTEN:
            return jsonify({"error": "no such route"}), 404
        if kind == "Patient" and not any(one.get("use") == "official" for one in body.get("name", [])):
            return jsonify({"validationErrors": {"name": "required"}}), 400
        made = str(uuid.uuid4())
        emr.kept(made, body)
        if kind != "Patient":
            return emr.answer({"uuid": made}, 201)
        pid = len(emr.pids) + 1
        emr.pids[pid] = made
        return emr.answer({"pid": pid, "uuid": made}, 201)

    @app.put(f"{SITE}/fhir/<kind>/<uuid_>")
    def update(kind: str, uuid_: str) -> tuple[Response, int]:
        if kind not in _WRITTEN or uuid_ not in emr.resources:
            return jsonify({"error": "no such resource"}), 404
        emr.kept(uuid_, request.get_json(force=True))
        return emr.answer({"uuid": uuid_}, 200)

    @app.get(f"{SITE}/fhir/<kind>/<uuid_>")
    def read(kind: str, uuid_: str) -> tuple[Response, int]:
        found = emr.resources.get(uuid_)
        return emr.answer(found, 200) if found and found["resourceType"] == kind else (jsonify({}), 404)

    @app.get(f"{SITE}/fhir/<kind>")
    def search(kind: str) -> tuple[Response, int]:
        wanted = request.args.get("identifier", "").rpartition("|")[2]
        found = [one for one in emr.of(kind) if wanted in [known.get("value") for known in one["identifier"]]]
        entries = [{"resource": one} for one in found]
        return emr.answer({"resourceType": "Bundle", "type": "searchset", "entry": entries}, 200)


def _standard(app: Flask, emr: OpenEmr) -> None:
    @app.get(f"{SITE}/api/patient/<uuid_>")
    def patient(uuid_: str) -> tuple[Response, int]:
        pids = [pid for pid, one in emr.pids.items() if one == uuid_]
        return emr.answer({"data": {"pid": pids[0], "uuid": uuid_}}, 200) if pids else (jsonify({}), 404)

    @app.get(f"{SITE}/api/patient/<int:pid>/document")
    def listed(pid: int) -> tuple[Response, int]:
        found = [name for whose, path, name, _ in emr.documents if (whose, path) == (pid, request.args["path"])]
        return emr.answer([{"filename": one} for one in found], 200) if found else (jsonify({}), 404)

    @app.post(f"{SITE}/api/patient/<int:pid>/document")
    def upload(pid: int) -> tuple[Response, int]:
        given = request.files["document"]
        if pid not in emr.pids or given.mimetype != "application/pdf":
            return jsonify({"error": "Invalid pid"}), 400
        emr.documents.append((pid, request.args["path"], str(given.filename), given.read()))
        return emr.answer(True, 200)


@contextmanager
def openemr() -> Iterator[OpenEmr]:
    """Run one for the length of a block."""
    emr = OpenEmr()
    server = make_server("127.0.0.1", 0, _app(emr), threaded=True)
    emr.url = f"http://127.0.0.1:{server.server_port}{SITE}/fhir"
    with serving(server):
        yield emr
