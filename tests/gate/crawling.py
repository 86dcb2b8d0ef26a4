"""Asks a server thousands of questions in a minute and sees what it answers, records and keeps."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from neuronova.audit.reading import Reader
from neuronova.contract.audit import Event, Outcome, read_event
from tests.access import HEADER, everything
from tests.gate.routes import LEVELS, words
from tests.server import STOCK_ROOT, Server

AT_ONCE = 4
TIMEOUT = 60.0  # seconds
REFUSED = frozenset({400, 401, 403, 404})
# How Orthanc is set, and what it holds.
SETTINGS = words("""
    /tools/default-encoding /tools/log-level /tools/log-level-dicom /tools/log-level-generic /tools/log-level-http
    /tools/log-level-jobs /tools/log-level-lua /tools/log-level-plugins /tools/log-level-sqlite /tools/metrics
    /tools/unknown-sop-class-accepted /tools/accepted-transfer-syntaxes /modalities?expand /peers?expand /system
""")
CONTENT = ("/statistics", "/exports", "/jobs", "/queries", *(f"/{level}" for level in LEVELS))
BY_TIME = ("Stable", "UpdatedAttachment")
Headers = tuple[tuple[str, str], ...]


def bearing(*tokens: str) -> Headers:
    """Return the headers that show these tokens, of which an empty one is none."""
    return tuple((HEADER, shown) for shown in tokens if shown)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: with which token, as whom the journal may know them, and the code of their 401, where it is one."""

    name: str
    token: str
    subjects: tuple[str, ...]
    code: str | None = None
    sees_all: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A request, the statuses that it may be answered with, and whether the audit journal has to hold it.

    `recorded` is None where Orthanc may find the request too odd to ask anybody.
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""
    intended: frozenset[int]
    recorded: bool | None = None

    def __str__(self) -> str:
        shown = ", ".join(f"{name}: {value[:40]}" for name, value in self.headers if name != HEADER)
        return f"{self.method} {self.target}" + (f" ({shown})" if shown else "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and the address of its client, by which the audit journal knows each request."""

    question: Question
    client: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def shown(self, secrets: Iterable[str]) -> list[str]:
        """Return those of these texts that the answer holds and the request did not."""
        told = (self.body + repr(self.headers.items()).encode()).lower()
        asked = self.question.target.lower()
        return [secret for secret in secrets if secret.lower().encode() in told and secret.lower() not in asked]


@dataclass(frozen=True, slots=True)
class Door:
    """A port that is asked: Orthanc's own is told whom it answers, the gateway sees for itself."""

    port: int
    is_gateway: bool = False

    def ask_all(self, questions: Sequence[Question]) -> list[Answer]:
        """Ask over a few connections; return the answers in the order of the questions."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            parts = list(pool.map(self._ask_part, [questions[start::AT_ONCE] for start in range(AT_ONCE)]))
        return [parts[at % AT_ONCE][at // AT_ONCE] for at in range(len(questions))]

    def _ask_part(self, questions: Sequence[Question]) -> list[Answer]:
        if self.is_gateway:
            return [self._ask_from(_next_client(), question) for question in questions]
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, TIMEOUT)) as connection:
            return [_ask(connection, question, client := _next_client(), _told(client)) for question in questions]

    def _ask_from(self, client: str, question: Question) -> Answer:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, TIMEOUT, (client, 0))) as connection:
            return _ask(connection, question, client, _told("203.0.113.9"))


_numbers = count(1 << 16)


def _next_client() -> str:
    """Return another address of this machine."""
    number = next(_numbers)
    return f"127.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def _told(client: str) -> Headers:
    return (("X-Neuronova-Client", client),)


def _ask(connection: http.client.HTTPConnection, question: Question, client: str, told: Headers) -> Answer:
    try:
        answer = _exchange(connection, question, told)
    except (http.client.RemoteDisconnected, ConnectionError):
        # Orthanc closes a connection that was idle for a second, which a busy machine may well let pass.
        connection.close()
        answer = _exchange(connection, question, told)
    return Answer(question, client, answer.status, answer.headers, answer.read())


def _exchange(connection: http.client.HTTPConnection, question: Question, told: Headers) -> http.client.HTTPResponse:
    connection.putrequest(question.method, question.target, skip_accept_encoding=True)
    for name, value in (*told, *question.headers):
        connection.putheader(name, value)
    if question.body:
        connection.putheader("Content-Length", str(len(question.body)))
    connection.endheaders(question.body or None)
    return connection.getresponse()


def state(server: Server, names: dict[str, str]) -> dict[str, Any]:
    """Return what Orthanc holds and how it is set; not what time alone changes: a minute makes a series stable.

    The platform then writes its metadata once more.
    """
    resources = [f"/{level}/{names[one]}" for level, one in LEVELS.items()]
    below = [f"{resource}/{kind}" for resource in resources for kind in ("metadata?expand", "attachments")]
    paths = [*SETTINGS, *CONTENT, *below, f"{STOCK_ROOT}/servers", f"/patients/{names['patient']}/protected"]
    kept: dict[str, Any] = {answer.question.target: answer.body for answer in read(server, paths)}
    changes = server.get("/changes?limit=10000")["Changes"]
    return kept | {"/changes": [one for one in changes if not one["ChangeType"].startswith(BY_TIME)]}


def read(server: Server, paths: Sequence[str]) -> list[Answer]:
    """Return what these paths answer to whoever may see all."""
    shown = bearing(everything())
    questions = [Question(method="GET", target=path, headers=shown, intended=REFUSED) for path in paths]
    return Door(server.settings.orthanc_port).ask_all(questions)


@dataclass
class Crawler:
    """Asks a server, and sees what it answers, records and keeps."""

    server: Server
    names: dict[str, str]  # what the placeholders of routes stand for
    stranger: str  # the PatientID of whom the placeholders name
    secrets: list[str]
    before: dict[str, Any]

    def ask(self, asker: Asker, questions: Sequence[Question], door: Door | None = None) -> None:
        """Ask, at Orthanc's own port by default, and fail with all that should not be, one line each."""
        last = self._last_record()
        answers = (door or Door(self.server.settings.orthanc_port)).ask_all(questions)
        recorded = self._recorded(last)
        found = [
            f"{answer.question}: {complaint}"
            for answer in answers
            for complaint in self._complaints(asker, answer, recorded.get(answer.client, []))
        ]
        kept = state(self.server, self.names)
        found += [f"{part}: {self.before[part]} -> {kept[part]}" for part in kept if kept[part] != self.before[part]]
        assert not found, "\n".join((f"with {asker}:", *found))

    def _complaints(self, asker: Asker, answer: Answer, events: Sequence[Event]) -> Iterator[str]:
        question = answer.question
        if answer.status not in question.intended:
            yield f"{answer.status} where {sorted(question.intended)} is intended: {answer.body[:200]!r}"
        yield from (f"it tells {secret!r}" for secret in answer.shown(self.secrets))
        if answer.status == 401:
            if not answer.headers.get("WWW-Authenticate", "").startswith("Bearer"):
                yield "it is not challenged"
            if asker.code is not None and json.loads(answer.body)["code"] != asker.code:
                yield f"the reason is wrong: {answer.body!r}"
        if len(events) != (answer.status not in (400, 500) if question.recorded is None else question.recorded):
            yield f"{answer.status}, and {len(events)} records"
        for event in events:
            # Below one's own study nothing is decided but that it is one's own.
            allowed = answer.status == 200 or event.study == self.names["own_study_uid"] or asker.sees_all
            strange = event.study == self.names["study_uid"]
            if (event.outcome is Outcome.ALLOWED and not allowed) or (strange and event.patient_id != self.stranger):
                yield f"{answer.status}, and recorded as {event}"
            if event.subject not in asker.subjects:
                yield f"recorded as asked by {event.subject!r}"

    def _last_record(self) -> int:
        with Reader(self._journal) as journal:
            last = journal.last()
        return 0 if last is None else last.sequence

    def _recorded(self, after: int) -> dict[str, list[Event]]:
        """Return the decisions since then, by their clients."""
        found: dict[str, list[Event]] = {}
        with Reader(self._journal) as journal:
            for entry in journal.entries(after):
                event = read_event(entry.event)
                if event.refers_to is None:
                    found.setdefault(event.address, []).append(event)
        return found

    @property
    def _journal(self) -> Path:
        return self.server.settings.data / "audit" / "orthanc.db"
