"""What the plugin tells the API of a series that its rules have judged: `POST /api/v1/internal/series`.

A message says what the rules say of the series as it now is: of several the last one is enough. `writer` and
`sequence` name it as they do an event of `neuronova.contract.studies`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from neuronova.contract.batch import read_batch
from neuronova.contract.inference import DIGEST, MOST_INSTANCES, UID
from neuronova.contract.priority import Priority

FORMAT = 1
MOST_SERIES = 50  # of one request
MOST_RULES = 200
MOST_REASONS = 50
LONGEST_NAME = 64  # characters of a rule's name and of a model's
LONGEST_TITLE = 16  # of an application entity, PS3.5 6.2
LONGEST_KEY = 255  # of an identifier
LONGEST_REASON = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A rule that is meant for the series: `reasons` is empty where it fires, else why its model cannot."""

    rule: str
    model: str
    priority: Priority
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A rule for forwarding that sends the series to an AE title."""

    rule: str
    to: str
    priority: Priority


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesJudged:
    """A series as Orthanc has it now; one that is gone has no instances, no hashes and nothing asked.

    `input_hash` is `input_hash` below, over the stored files; `uids_hash` that of `neuronova.contract.inference`.
    """

    writer: str
    sequence: int
    orthanc: str
    study: str
    series: str
    patient_id: str
    issuer: str
    accession_number: str
    modality: str
    instances: int
    input_hash: str
    uids_hash: str
    asked: tuple[Asked, ...]
    sent: tuple[Sent, ...] = ()
    traceparent: str = ""  # in which trace it was judged

    @property
    def is_gone(self) -> bool:
        """Whether Orthanc has no image of it any more."""
        return self.instances == 0


def input_hash(files: Iterable[tuple[str, str]]) -> str:
    """Return the SHA-256, as hexadecimal digits, over (SOPInstanceUID, MD5 of the stored file) of a series' images.

    Another image, an overwritten one and a missing one all give another hash; their order gives the same.
    """
    lines = "\n".join(f"{uid} {md5}" for uid, md5 in sorted(files))
    return hashlib.sha256(lines.encode("ascii")).hexdigest()


def to_json(judged: Sequence[SeriesJudged]) -> dict[str, Any]:
    """Return the JSON value of a request."""
    return {"format": FORMAT, "series": [asdict(one) for one in judged]}


def from_json(value: Any) -> tuple[SeriesJudged, ...]:
    """Read what `to_json` made.

    Raises:
        ValueError: it is of another format, odd, or has too many series.
    """
    return read_batch(value, "series", format=FORMAT, most=MOST_SERIES, read=series_from_json)


def series_from_json(value: Any) -> SeriesJudged:
    """Read one series.

    Raises:
        ValueError: it is odd.
    """
    try:
        fields = dict(value)
        asked, sent = fields.pop("asked"), fields.pop("sent", ())
        if not isinstance(asked, list | tuple) or len(asked) > MOST_RULES:
            raise ValueError(f"a series is asked for by at most {MOST_RULES} rules")
        if not isinstance(sent, list | tuple) or len(sent) > MOST_RULES:
            raise ValueError(f"a series is sent by at most {MOST_RULES} rules")
        read = SeriesJudged(**fields, asked=tuple(map(_asked, asked)), sent=tuple(map(_sent, sent)))
        return _checked(read)
    except (KeyError, TypeError) as odd:
        raise ValueError(f"odd series: {odd!r}") from odd


def _asked(value: Any) -> Asked:
    fields = dict(value)
    reasons = fields.pop("reasons", ())
    if not isinstance(reasons, list | tuple) or len(reasons) > MOST_REASONS:
        raise ValueError(f"a rule has at most {MOST_REASONS} reasons")
    asked = Asked(priority=Priority(fields.pop("priority")), reasons=tuple(reasons), **fields)
    for name in (asked.rule, asked.model):
        _require_text(name, "a name", LONGEST_NAME, least=1)
    for reason in asked.reasons:
        _require_text(reason, "a reason", LONGEST_REASON, least=1)
    return asked


def _sent(value: Any) -> Sent:
    fields = dict(value)
    sent = Sent(priority=Priority(fields.pop("priority")), **fields)
    _require_text(sent.rule, "a name", LONGEST_NAME, least=1)
    _require_text(sent.to, "an AE title", LONGEST_TITLE, least=1)
    return sent


def _checked(judged: SeriesJudged) -> SeriesJudged:
    for name in ("writer", "orthanc", "patient_id", "issuer", "accession_number", "modality", "traceparent"):
        _require_text(getattr(judged, name), name, LONGEST_KEY)
    for name in ("study", "series"):
        if not UID.fullmatch(getattr(judged, name)):
            raise ValueError(f"{name} is no UID")
    if type(judged.sequence) is not int or not 0 <= judged.sequence < 2**53:
        raise ValueError("sequence is no number")
    if type(judged.instances) is not int or not 0 <= judged.instances <= MOST_INSTANCES:
        raise ValueError(f"instances is no number of at most {MOST_INSTANCES}")
    if judged.is_gone:
        if judged.input_hash or judged.uids_hash or judged.asked or judged.sent:
            raise ValueError("a series that is gone has no hash, and no rule asks for it")
    elif not (DIGEST.fullmatch(judged.input_hash) and DIGEST.fullmatch(judged.uids_hash)):
        raise ValueError("a hash is no SHA-256")
    return judged


def _require_text(value: Any, name: str, longest: int, least: int = 0) -> None:
    if not isinstance(value, str) or not least <= len(value) <= longest or "\0" in value:
        raise ValueError(f"{name} is no text of {least} to {longest} characters")
