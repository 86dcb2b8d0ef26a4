"""Orthanc, the API and the keeper are killed while clients are answered: each answer is in a chain that verifies."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from itertools import product
from pathlib import Path

import pytest
import requests

from neuronova.audit.access import MINUTE
from neuronova.audit.checkpoints import Checkpoint, read_checkpoints
from neuronova.audit.search import Query, every
from neuronova.audit.signing import read_keys
from neuronova.audit.trail import Trail
from neuronova.contract.audit import Action, Event, Outcome
from tests.audit.events import NOON, event
from tests.gate.people import KIM, LEE, SEEN
from tests.patience import PATIENCE
from tests.running import ADMIN_PASSWORD, NEURONOVA, Platform
from tests.server import until
from tests.synthetic import part10, uid

SEED = 5  # of the moments at which something is killed
KILLED = (*("Orthanc", "cdss_api.wsgi") * 3, "neuronova.audit.keeper")
ANSWERS = 3  # that each client gets between two kills, at least
PAUSE = 0.3  # seconds between two questions of the API
MISTAKEN = frozenset(range(0, 24, 4))  # logins: ten failures stop an account, whatever is killed meanwhile
OUTCOMES = {
    HTTPStatus.OK: Outcome.ALLOWED,
    HTTPStatus.CREATED: Outcome.ALLOWED,
    HTTPStatus.UNAUTHORIZED: Outcome.DENIED,
    HTTPStatus.FORBIDDEN: Outcome.DENIED,
    HTTPStatus.NOT_FOUND: Outcome.DENIED,
}


@dataclass(frozen=True, kw_only=True)
class Answered:
    """An access that was answered, and from when until when its record may be of."""

    action: Action
    outcome: Outcome
    subject: str
    study: str = ""
    patient_id: str = ""
    since: float
    until: float

    def is_told_by(self, told: Event) -> bool:
        """Tell whether a record stands for it."""
        same = (told.action, told.outcome, told.subject) == (self.action, self.outcome, self.subject)
        where = told.study == self.study if self.study else self.patient_id in ("", told.patient_id)
        return same and where and told.refers_to is None and self.since <= told.time <= self.until


def read(answer: Answered, deaths: Sequence[float]) -> Answered:
    """Widen a read's time: the first of its minute stands for all, as long as the process that counts them lives."""
    began = max([death for death in deaths if death <= answer.since], default=0.0)
    return replace(answer, since=max(began, answer.since // MINUTE * MINUTE))


def unrecorded(answers: Sequence[Answered], events: Sequence[Event]) -> list[Answered]:
    """Return what no record stands for."""
    return [answer for answer in answers if not any(map(answer.is_told_by, events))]


@pytest.mark.parametrize(
    ("told", "stands"),
    [
        ({}, True),
        ({"time": NOON + 1.0}, False),  # after the answer
        ({"time": NOON - 1.0}, False),  # by a process that was killed before
        ({"outcome": Outcome.DENIED}, False),
        ({"subject": "lee"}, False),
        ({"study": "1.2.3"}, False),
        ({"refers_to": 1}, False),  # written after a minute, and so after the answer
    ],
)
def test_what_stands_for_an_access(told: dict[str, object], stands: bool) -> None:
    common = {"action": Action.READ, "outcome": Outcome.ALLOWED, "subject": "kim", "study": "1.2"}
    asked = Answered(**common, since=NOON + 0.2, until=NOON + 0.5)  # type: ignore[arg-type]
    widened = read(asked, [NOON - 0.5, NOON + 0.3])
    found = event(**common | {"time": NOON + 0.1} | told)
    assert unrecorded([widened], [found]) == ([] if stands else [widened])


@dataclass
class Client:
    """Somebody who asks again and again; what was answered is kept."""

    platform: Platform
    username: str
    subject: str
    answers: list[Answered] = field(default_factory=list)
    token: str = ""

    def ask(self, asking: Callable[[], requests.Response], action: Action, study: str = "", patient: str = "") -> None:
        """Ask once, and keep the answer if there was one."""
        since = time.time()
        try:
            status = asking().status_code
        except requests.RequestException:
            return
        if outcome := OUTCOMES.get(HTTPStatus(status)):
            self.answers.append(
                Answered(
                    action=action,
                    outcome=outcome,
                    subject=self.subject,
                    study=study,
                    patient_id=patient,
                    since=since,
                    until=time.time(),
                )
            )

    def log_in(self, password: str = ADMIN_PASSWORD) -> requests.Response:
        body = {"username": self.username, "password": password}
        answer = requests.post(f"{self.platform.url}/api/v1/auth/login", json=body, timeout=PATIENCE)
        self.token = answer.json()["access_token"] if answer.ok else self.token
        return answer

    def read(self, path: str) -> requests.Response:
        answer = requests.get(self.platform.url + path, headers=self._bearer(), timeout=PATIENCE)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            self.ask(self.log_in, Action.LOGIN)
            raise requests.RequestException("the token had to be made anew")
        return answer

    def grant(self, account: str, patient_id: str) -> requests.Response:
        url = f"{self.platform.url}/api/v1/users/{account}/grants"
        return requests.post(url, json={"patient_id": patient_id}, headers=self._bearer(), timeout=PATIENCE)

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def reads_what_exists(client: Client, number: int) -> None:
    study = (KIM, LEE)[number % 2].StudyInstanceUID
    client.ask(partial(client.read, f"/dicom-web/studies/{study}/metadata"), Action.READ, study)


def reads_all_sorts(client: Client, number: int) -> None:
    """Read what one may see and what one may not, what is not there, and what nobody of this role may."""
    reads_what_exists(client, number)
    # Nobody asked for this study before: it is a record of its own, which a kill may meet while it is written.
    study = uid(f"none {number}")
    client.ask(partial(client.read, f"/dicom-web/studies/{study}/metadata"), Action.READ, study)
    if not number % 10:
        client.ask(partial(client.read, "/orthanc/system"), Action.READ)


def logs_in(client: Client, number: int) -> None:
    client.ask(partial(client.log_in, "mistaken" if number in MISTAKEN else ADMIN_PASSWORD), Action.LOGIN)
    time.sleep(PAUSE)


def grants(client: Client, number: int) -> None:
    patient = f"P{number}"
    client.ask(partial(client.grant, client.subject, patient), Action.GRANT, patient=patient)
    time.sleep(PAUSE)


@contextmanager
def asking(*work: tuple[Callable[[Client, int], None], Client]) -> Iterator[None]:
    """Have each client do its work, a thread each, for the length of a block."""
    over = threading.Event()

    def keep_on(one: Callable[[Client, int], None], client: Client) -> None:
        number = 0
        while not over.is_set():
            one(client, number)
            number += 1

    threads = [threading.Thread(target=keep_on, args=(one, client)) for one, client in work]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def kill(platform: Platform, program: str) -> float:
    """Kill a part with what it started; return when nothing of it was left."""
    first = platform.pid_of(program)
    assert first is not None
    its = [first, *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]
    for pid in its:
        with suppress(ProcessLookupError):  # a worker of Orthanc's ends with it
            os.kill(pid, signal.SIGKILL)
    until(lambda: not any(map(runs, its)), f"the end of {program}")
    return time.time()


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_was_answered_is_in_chains_that_hold(start_platform: Callable[..., Platform]) -> None:
    platform = start_platform()
    doctor, radiologist, nurse, admin = clients = hospital(platform)
    deaths = []
    moments = random.Random(SEED)
    with asking((reads_all_sorts, doctor), (reads_what_exists, radiologist), (logs_in, nurse), (grants, admin)):
        for program in KILLED:
            until_answered(clients)
            time.sleep(moments.uniform(0, 1))
            died = kill(platform, program)
            deaths += [died] if program == "Orthanc" else []
        until_answered(clients)
    given = [answer for client in clients for answer in client.answers]
    ways = {(answer.action, answer.outcome) for answer in given}
    assert ways == {(Action.GRANT, Outcome.ALLOWED), *product((Action.READ, Action.LOGIN), OUTCOMES.values())}
    trail = Trail(platform.settings.data)
    events = [record.event for record in every(trail.journals(), Query())]
    widened = [read(answer, deaths) if answer.action is Action.READ else answer for answer in given]
    assert unrecorded(widened, events) == []
    verified = subprocess.run(
        [NEURONOVA, "audit", "verify"], env=platform.environment, capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "The trail is whole; the last checkpoint is of" in verified.stdout
    until(lambda: len(checkpoints(trail)) > 1, "a checkpoint of the keeper's next life")
    assert all(tip.sequence for tip in checkpoints(trail)[-1].tips if tip.writer in ("api", "orthanc"))


def checkpoints(trail: Trail) -> tuple[Checkpoint, ...]:
    found = read_checkpoints(trail.checkpoints, read_keys(trail.keys / "key.pub"))
    assert not found.faults
    return found.valid


def hospital(platform: Platform) -> list[Client]:
    """Store two patients' studies, of whom the doctor sees one; return who asks."""
    for dataset in (KIM, LEE):
        headers = {"Authorization": f"Bearer {platform.login()['access_token']}"}
        stored = f"{platform.url}/orthanc/instances"
        requests.post(stored, data=part10(dataset), headers=headers, timeout=PATIENCE).raise_for_status()
    roles = ("doctor", "radiologist", "nurse", "admin")
    people = [Client(platform, f"one-{role}", platform.add_user(f"one-{role}", role)) for role in roles]
    platform.post(f"/api/v1/users/{people[0].subject}/grants", SEEN._asdict())
    people[3].log_in()
    return people


def until_answered(clients: Sequence[Client]) -> None:
    """Wait until each client has had some more answers."""
    before = [len(client.answers) for client in clients]
    until(
        lambda: all(len(client.answers) >= had + ANSWERS for client, had in zip(clients, before, strict=True)),
        "answers to everybody",
    )
