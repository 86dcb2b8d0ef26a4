"""The people of the load, whom locust runs; PROOF_ARCHIVE is the file that `archive.py` wrote."""

from __future__ import annotations

import json
import os
import random
import time
from collections import deque
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from locust import FastHttpUser, between, task

from proof.load.targets import CLERKS, DONE, FIRST_IMAGE, FRAME, LOGIN, METADATA, ORDER, REPORT, SEARCH, SIMPLE

STUDIES: list[dict[str, Any]] = json.loads(Path(os.environ["PROOF_ARCHIVE"]).read_text())
PASSWORD = os.environ["PROOF_PASSWORD"]
PACE = float(os.environ.get("PROOF_PACE", "1"))  # how many times slower than on a busy morning
JPHC = 'multipart/related; type="image/jphc"'
_FHIR = {"Content-Type": "application/fhir+json"}
_IMAGING = {"coding": [{"system": "http://snomed.info/sct", "code": "363679005", "display": "Imaging"}]}
_TOO_OLD = 401
_ANOTHER_WAS_FIRST = (412, 428)  # an answer as it should be: the report is another version by now
SCHEDULED = 2  # examinations that each clerk has ordered and that are still to be done
_SCROLL = 0.2  # seconds from image to image
_numbers = count()


class Employee(FastHttpUser):
    """Somebody with an account, who logs in once."""

    abstract = True
    username = "admin"
    token = ""

    def on_start(self) -> None:
        """Log in."""
        body = {"username": self.username, "password": PASSWORD}
        with self.client.post("/api/v1/auth/login", json=body, name=LOGIN, catch_response=True) as answer:
            self.token = answer.json()["access_token"] if answer.status_code == 200 else ""
        self.client.cookiejar.clear()  # else it is taken for a browser

    def ask(self, method: str, path: str, name: str, **more: Any) -> Any:
        """Ask the gateway; log in again, once, where the token is too old."""
        answer = self._asked(method, path, name, (_TOO_OLD, *_ANOTHER_WAS_FIRST), **more)
        if answer.status_code == _TOO_OLD:
            self.on_start()
            answer = self._asked(method, path, name, _ANOTHER_WAS_FIRST, **more)
        return answer

    def _asked(self, method: str, path: str, name: str, expected: Sequence[int], **more: Any) -> Any:
        """Ask once; a status that is `expected` is no failure, as those below 400 are none."""
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        with self.client.request(method, path, name=name, catch_response=True, headers=headers, **more) as answer:
            if answer.status_code in expected:
                answer.success()
        return answer


class Radiologist(Employee):
    """Looks at the lists, opens a study, scrolls through it, looks at its report, and writes one now and then."""

    wait_time = between(10 * PACE, 30 * PACE)  # to read one takes longer: this is four studies a second, of all

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.number = next(_numbers)
        self.username = f"rad{self.number}"

    @task
    def read(self) -> None:
        """Read one study."""
        study = random.choice(STUDIES)
        self.ask("GET", f"/dicom-web/studies?PatientName={study['name']}*&limit=25", SEARCH)
        self.ask("GET", f"/api/v1/reading?text={study['name']}&limit=25", SEARCH)
        self._open(study)
        for instance in study["instances"][1:]:
            time.sleep(_SCROLL * PACE)
            self._frame(study, instance)
        self._report(study)

    def _open(self, study: dict[str, Any]) -> None:
        began = time.perf_counter()
        answer = self.ask("GET", f"/dicom-web/studies/{study['study']}/series/{study['series']}/metadata", METADATA)
        if answer.ok and self._frame(study, study["instances"][0]).ok:
            took = 1000 * (time.perf_counter() - began)
            self.environment.events.request.fire(
                request_type="",
                name=FIRST_IMAGE,
                response_time=took,
                response_length=0,
                exception=None,
                context={},
            )

    def _frame(self, study: dict[str, Any], instance: str) -> Any:
        path = f"/dicom-web/studies/{study['study']}/series/{study['series']}/instances/{instance}/frames/1"
        return self.ask("GET", path, FRAME, headers={"Accept": JPHC})

    def _report(self, study: dict[str, Any]) -> None:
        self.ask("GET", "/api/v1/auth/me", SIMPLE)
        self.ask("GET", f"/api/v1/fhir/Patient/{study['patient']}", SIMPLE)
        opened = self.ask("GET", f"/api/v1/reports/{study['study']}", SIMPLE)
        if not opened.ok or random.random() > 0.25:
            return
        known = opened.json()["report"]
        match = {"If-Match": f'W/"{known["version"]}"'} if known else {}
        body = {"status": "draft", "conclusion": f"No haemorrhage. {time.time()}"}
        self.ask("PUT", f"/api/v1/reports/{study['study']}", REPORT, json=body, headers=match)


class Clerk(Employee):
    """Orders examinations, and says later that they were done: no worklist grows without end."""

    fixed_count = CLERKS
    wait_time = between(1 * PACE, 3 * PACE)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.scheduled: deque[str] = deque()

    @task
    def order(self) -> None:
        """Order one for a known patient."""
        request = {
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "category": [_IMAGING],
            "code": {"text": "CT of head"},
            "subject": {"reference": f"Patient/{random.choice(STUDIES)['patient']}"},
        }
        answer = self.ask("POST", "/api/v1/fhir/ServiceRequest", ORDER, data=json.dumps(request), headers=_FHIR)
        if answer.ok:
            self.scheduled.append(answer.json()["id"])
        if len(self.scheduled) > SCHEDULED:
            path = f"/api/v1/worklist/orders/{self.scheduled.popleft()}"
            self.ask("PUT", path, DONE, json={"performed": "done"})
