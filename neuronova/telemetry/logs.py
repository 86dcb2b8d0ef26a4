"""Log lines, in one of two forms: text for a person at a terminal, JSON for what gathers them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from neuronova.telemetry import current
from neuronova.telemetry.redaction import Redaction

TEXT, JSON = "text", "json"
_QUIET = {
    "urllib3": logging.WARNING,
    # pydicom warns of each odd value in a file; that a modality wrote one is no event of ours.
    "pydicom": logging.ERROR,
}


def handler(part: str, form: str, redact: Redaction) -> logging.Handler:
    """Return what writes a part's lines to standard error, without what `redact` takes out."""
    made = logging.StreamHandler(sys.stderr)
    made.setFormatter(_Text(part, redact) if form == TEXT else json_formatter(part, redact))
    return made


def send_to(one: logging.Handler, level: str) -> None:
    """Have all of this process's lines go to one handler."""
    logging.root.handlers[:] = [one]
    logging.root.setLevel(level)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(least)


def names_now() -> dict[str, str]:
    """Return what a line is about: its trace and span, and the names that it carries."""
    context = current.context()
    named = {} if context is None else {"trace": context.trace_id, "span": context.span_id}
    return {**named, **current.names()}


class _Text(logging.Formatter):
    def __init__(self, part: str, redact: Redaction) -> None:
        super().__init__(f"%(levelname).1s %(asctime)s {part}: %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        named = " ".join(f"{name}={value}" for name, value in names_now().items() if name != "span")
        first, newline, rest = self._redact(super().format(record)).partition("\n")
        return f"{first}{f' [{named}]' if named else ''}{newline}{rest}"


def json_formatter(part: str, redact: Redaction) -> logging.Formatter:
    """Return what makes a line a JSON object: time, level, part, logger, message, names, and an error's traceback."""
    from pythonjsonlogger.json import JsonFormatter

    class Formatter(JsonFormatter):
        def add_fields(
            self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: Mapping[str, Any]
        ) -> None:
            log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            log_data |= {"level": record.levelname, "part": part, "logger": record.name, "message": record.message}
            log_data |= names_now()
            if traceback := message_dict.get("exc_info"):
                log_data["traceback"] = traceback

        def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
            return {name: redact(value) if isinstance(value, str) else value for name, value in log_data.items()}

    return Formatter(json_ensure_ascii=False)
