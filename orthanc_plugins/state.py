"""What the plugin says of its encoding, and what it can be asked to encode."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from orthanc_plugins.answer import Answer, error, json_answer, send
from orthanc_plugins.journal import Journal
from orthanc_plugins.processes import Crew
from orthanc_plugins.sdk import Output

MOST_INSTANCES = 10_000  # of one request
_POST_ONLY = Answer(b"", "", HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "POST"})
_TOO_MANY = error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {MOST_INSTANCES} instances at once")
_IDENTIFIER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")


class State:
    """Answers `/neuronova/health`, `/neuronova/encode` and `/neuronova/outcomes`, on Orthanc's own port only."""

    def __init__(self, journal: Journal, crew: Crew, received: Callable[[], Mapping[str, int]]) -> None:
        self._journal = journal
        self._crew = crew
        self._received = received  # bytes of today, by AE title

    def on_health(self, output: Output, _uri: str, **_given: Any) -> None:
        """Answer how workers, backlog and outcomes stand, and the bytes of today by sender; ages in seconds."""
        send(output, json_answer(self._health(time.time())))

    def _health(self, now: float) -> dict[str, Any]:
        running, wanted = self._crew.encoders()
        backlog, oldest = self._journal.waiting()
        return {
            "status": "ok" if running == wanted else "degraded",
            "workers": running,
            "workers_wanted": wanted,
            "backlog": backlog,
            "oldest_age": None if oldest is None else round(now - oldest, 3),
            "outcomes": self._journal.report(),
            "received_today": self._received(),
        }

    def on_encode(self, output: Output, _uri: str, **given: Any) -> None:
        """Note instances that have no outcome yet, by Orthanc's identifiers; answer how many there were."""
        send(output, self._encode(given))

    def _encode(self, given: dict[str, Any]) -> Answer:
        if given["method"] != "POST":
            return _POST_ONLY
        try:
            asked = json.loads(given["body"])
            instances, retry_failed = _identifiers(asked["instances"]), bool(asked.get("retry_failed", False))
        except (ValueError, KeyError, TypeError, AttributeError) as odd:
            return error(HTTPStatus.BAD_REQUEST, f"POST a JSON object with `instances`: {odd}")
        if len(instances) > MOST_INSTANCES:
            return _TOO_MANY
        noted = self._journal.note_unencoded(instances, time.time(), retry_failed=retry_failed)
        self._crew.call()
        return json_answer({"noted": noted})

    def on_outcomes(self, output: Output, _uri: str, **given: Any) -> None:
        """Answer what became of the instances of some studies, which the caller names as it likes."""
        send(output, self._outcomes(given))

    def _outcomes(self, given: dict[str, Any]) -> Answer:
        if given["method"] != "POST":
            return _POST_ONLY
        try:
            studies = {name: _identifiers(some) for name, some in json.loads(given["body"])["studies"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as odd:
            return error(HTTPStatus.BAD_REQUEST, f"POST a JSON object with `studies`, names to instances: {odd}")
        if sum(map(len, studies.values())) > MOST_INSTANCES:
            return _TOO_MANY
        return json_answer({"studies": {name: self._summed(instances) for name, instances in studies.items()}})

    def _summed(self, instances: Sequence[str]) -> dict[str, Any]:
        rows = self._journal.outcomes(instances)
        by_status = Counter(status for status, *_ in rows)
        encoded = [row for row in rows if row[0] == "encoded"]
        return {
            **{status: by_status[status] for status in ("encoded", "skipped", "failed")},
            "pending": len(set(instances)) - len(rows),
            "reasons": Counter(reason for status, reason, *_ in rows if status != "encoded"),
            "bytes_before": sum(before for _, _, before, _ in encoded),
            "bytes_after": sum(after for *_, after in encoded),
        }


def _identifiers(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(_IDENTIFIER.fullmatch(one) for one in given):
        raise ValueError("an instance is not an identifier of Orthanc")
    return given
