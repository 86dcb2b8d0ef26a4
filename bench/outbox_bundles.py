"""The outbox before Medplum's FHIR router: new patients one request each, and the same in Bundles."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from bench.report import Row
from cdss_api.database import Database, database_url, migrate, open_database
from cdss_api.outbox import configured_targets
from cdss_api.outbox.configured_targets import Wanted
from cdss_api.outbox.credentials import Credentials
from cdss_api.outbox.dispatching import Dispatcher
from cdss_api.outbox.enqueueing import enqueue
from cdss_api.outbox.following import PUT
from cdss_api.outbox.profiles import Kind
from cdss_api.outbox.worker import Worker
from neuronova.contract.settings import read_settings
from tests.emr.peer import emr


def bundles(messages: int) -> list[Row]:
    """Return how much faster Bundles are, for the profiles with 50 and with 8 entries, on SQLite."""
    with emr() as url:
        _rate(url, Kind.FHIR_R4, messages // 4, together=False)  # the server warms up
        alone = _rate(url, Kind.FHIR_R4, messages, together=False)
        rows = []
        for kind in (Kind.FHIR_R4, Kind.MEDPLUM):
            rate = _rate(url, kind, messages, together=True)
            what = f"outbox: new patients per second to Medplum's router, Bundles of profile {kind}"
            rows.append(
                Row(what=what, against="one request each", ours=rate, peer=alone, unit="/s", ratio=rate / alone)
            )
        return rows


def _rate(url: str, kind: Kind, messages: int, *, together: bool) -> float:
    with TemporaryDirectory(prefix="nnb", dir="/var/tmp") as folder:
        (Path(folder) / "api").mkdir()
        settings = read_settings({"NEURONOVA_DATA": folder})
        made = Database(database_url(settings))
        migrate(made)
        made.close()
        database = open_database(settings)
        dispatcher = Dispatcher(database, settings.data, time.time)
        try:
            with database.writing() as session:
                wanted = Wanted(target="emr", profile=kind, url=url, kinds=["Patient"], credentials=Credentials())
                configured_targets.add(session, settings.data, wanted, time.time())
                for _ in range(messages):
                    payload = {"resourceType": "Patient", "id": str(uuid4()), "meta": {"versionId": "1"}}
                    aggregate = f"Patient/{payload['id']}"
                    enqueue(
                        session,
                        target="emr",
                        aggregate=aggregate,
                        kind=PUT,
                        payload=json.dumps(payload),
                        now=time.time(),
                    )
            worker = Worker(database, dispatcher, time.time, random.random, together=dispatcher if together else None)
            started, sent = time.perf_counter(), 0
            while begun := worker.step():
                sent += begun
            if sent != messages:
                raise RuntimeError(f"{sent} of {messages} messages were sent")
            return messages / (time.perf_counter() - started)
        finally:
            dispatcher.close()
            database.close()
