"""From JSON to the messages of `inference.py`; whatever is odd is refused with the place of it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from neuronova.contract.inference import (
    DIGEST,
    FORMAT,
    JOB_KEY,
    LONGEST_DEADLINE,
    MOST_FINDINGS,
    MOST_INSTANCES,
    TRACE_ID,
    UID,
    UNITS,
    Code,
    Finding,
    Job,
    Mask,
    Measurement,
    Model,
    Request,
    Result,
    Segment,
    SeriesInput,
    Status,
)
from neuronova.contract.priority import Priority
from neuronova.contract.token import LONGEST as LONGEST_TOKEN

_LONGEST_TEXT = 2000
_LONGEST_LABEL = 64  # characters: LO (PS3.5 6.2)
_CODE_VALUE = re.compile(r"[\x21-\x5b\x5d-\x7e]{1,16}", re.ASCII)  # SH
_T = TypeVar("_T")
Read = Callable[[Any], _T]


class BadMessage(ValueError):
    """A member is missing or odd; `pointer` says where (RFC 6901). The value is not repeated."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer or 'the message'} {detail}")
        self.pointer = pointer
        self.detail = detail


def read_request(message: Any) -> Request:
    """Return the request.

    Raises:
        BadMessage: it is none of this format.
    """
    members = _members(message)
    return Request(
        job_key=_member(members, "job_key", _matching(JOB_KEY)),
        model=_member(members, "model", _model),
        input=_member(members, "input", _series),
        priority=_member(members, "priority", Priority, Priority.ROUTINE),
        deadline=_member(members, "deadline", _number(0.1, LONGEST_DEADLINE)),
        trace_id=_member(members, "trace_id", _matching(TRACE_ID)),
    )


def read_job(message: Any) -> Job:
    """Return the state of a job as a service told it.

    Raises:
        BadMessage: it is none of this format.
    """
    members = _members(message)
    job = Job(
        job_key=_member(members, "job_key", _matching(JOB_KEY)),
        status=_member(members, "status", Status),
        trace_id=_member(members, "trace_id", _matching(TRACE_ID)),
        reason=_member(members, "reason", _text, None),
        detail=_member(members, "detail", _text, None),
        result=_member(members, "result", read_result, None),
    )
    if (job.status is Status.SUCCEEDED) != (job.result is not None):
        raise BadMessage("/result", "belongs to a job that succeeded, and to no other")
    return job


def read_result(message: Any) -> Result:
    """Return what a model said.

    Raises:
        BadMessage: it is none, or a number in it is not finite or has a unit that is not known.
    """
    members = _members(message)
    return Result(
        model=_member(members, "model", _model),
        measurements=_member(members, "measurements", _list(_measurement)),
        findings=_member(members, "findings", _list(_finding)),
        limits=_member(members, "limits", _list(_text)),
        seconds=_member(members, "seconds", _number(0, 24 * 3600)),
        mask=_member(members, "mask", _mask, None),
        confidence=_member(members, "confidence", _number(0, 1), None),
    )


def _model(value: Any) -> Model:
    members = _object(value)
    return Model(
        id=_member(members, "id", _text),
        version=_member(members, "version", _text),
        digest=_member(members, "digest", _matching(DIGEST)),
    )


def _series(value: Any) -> SeriesInput:
    members = _object(value)
    return SeriesInput(
        study=_member(members, "study", _matching(UID)),
        series=_member(members, "series", _matching(UID)),
        dicomweb_root=_member(members, "dicomweb_root", _text),
        instances=_member(members, "instances", _whole(1, MOST_INSTANCES)),
        uids_hash=_member(members, "uids_hash", _matching(DIGEST)),
        token=_member(members, "token", _token),
    )


def _measurement(value: Any) -> Measurement:
    members = _object(value)
    return Measurement(
        name=_member(members, "name", _label),
        value=_member(members, "value", _number(-1e12, 1e12)),
        unit=_member(members, "unit", _unit),
    )


def _finding(value: Any) -> Finding:
    members = _object(value)
    return Finding(
        label=_member(members, "label", _label),
        measurements=_member(members, "measurements", _list(_measurement)),
        position=_member(members, "position", _three(_number(-1e6, 1e6)), None),
        instance=_member(members, "instance", _matching(UID), None),
        critical=_member(members, "critical", _flag, False),
    )


def _mask(value: Any) -> Mask:
    members = _object(value)
    return Mask(
        path=_member(members, "path", _text),
        shape=_member(members, "shape", _three(_whole(1, 1 << 16))),
        segments=_member(members, "segments", _list(_segment)),
    )


def _segment(value: Any) -> Segment:
    members = _object(value)
    return Segment(
        number=_member(members, "number", _whole(1, 255)),
        label=_member(members, "label", _label),
        anatomy=_member(members, "anatomy", _code, None),
        volume=_member(members, "volume", _number(0, 1e6), None),
    )


def _code(value: Any) -> Code:
    members = _object(value)
    return Code(
        value=_member(members, "value", _matching(_CODE_VALUE)),
        scheme=_member(members, "scheme", _matching(_CODE_VALUE)),
        meaning=_member(members, "meaning", _label),
    )


def _members(message: Any) -> Mapping[str, Any]:
    members = _object(message)
    if members.get("format", FORMAT) != FORMAT:
        raise BadMessage("/format", f"is not {FORMAT}, the one that is read here")
    return members


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadMessage("", "is no object")
    return value


_REQUIRED: Any = object()


def _member(members: Mapping[str, Any], name: str, read: Read[_T], default: Any = _REQUIRED) -> Any:
    if name not in members or members[name] is None:
        if default is _REQUIRED:
            raise BadMessage(f"/{name}", "is missing")
        return default
    try:
        return read(members[name])
    except BadMessage as odd:
        raise BadMessage(f"/{name}{odd.pointer}", odd.detail) from None
    except (ValueError, TypeError):
        raise BadMessage(f"/{name}", "is not one of the values that are known") from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_TEXT:
        raise BadMessage("", f"is no text of 1 to {_LONGEST_TEXT} characters")
    return value


def _label(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_LABEL or "\\" in value or not value.isprintable():
        raise BadMessage("", f"is no text of 1 to {_LONGEST_LABEL} printable characters")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadMessage("", "is neither true nor false")
    return value


def _token(value: Any) -> str:
    # It becomes a header.
    if not isinstance(value, str) or not re.fullmatch(r"[\x21-\x7e]+", value) or len(value) > LONGEST_TOKEN:
        raise BadMessage("", "is no token")
    return value


def _unit(value: Any) -> str:
    if value not in UNITS:
        raise BadMessage("", "is no UCUM unit that is known here")
    return str(value)


def _matching(pattern: re.Pattern[str]) -> Read[str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise BadMessage("", "has not the form that it must have")
        return value

    return read


def _number(least: float, most: float) -> Read[float]:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise BadMessage("", "is no finite number")
        if not least <= value <= most:
            raise BadMessage("", f"is not from {least:g} to {most:g}")
        return float(value)

    return read


def _whole(least: int, most: int) -> Read[int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise BadMessage("", f"is no whole number from {least} to {most}")
        return value

    return read


def _list(read: Read[_T]) -> Read[tuple[_T, ...]]:
    def read_all(value: Any) -> tuple[_T, ...]:
        if not isinstance(value, list | tuple) or len(value) > MOST_FINDINGS:
            raise BadMessage("", f"is no list of at most {MOST_FINDINGS}")
        return tuple(_member({str(index): one}, str(index), read) for index, one in enumerate(value))

    return read_all


def _three(read: Read[_T]) -> Read[tuple[_T, _T, _T]]:
    def read_three(value: Any) -> tuple[_T, _T, _T]:
        first, second, third = _list(read)(value)
        return first, second, third

    return read_three
