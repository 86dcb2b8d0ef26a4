"""What an attempt to deliver means: pure functions over an HTTP status, or over an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cdss_api.errors import Unavailable
from cdss_api.outbox.waits import named_wait
from neuronova.trying import is_passing, is_unreachable


class Verdict(StrEnum):
    """What became of an attempt, and so what happens next."""

    OK = "ok"
    TRANSIENT = "transient"  # the message's own failure; another attempt may do
    PERMANENT = "permanent"  # the message's own failure, and none will
    TARGET_DOWN = "target_down"  # not the message's failure: it waits, and spends no attempt
    CONFLICT = "conflict"  # the target has another version than the message was made from
    DUPLICATE = "duplicate"  # the target has several resources where one was meant
    REAUTHORIZE = "reauthorize"  # the token was refused: once more with a new one
    AGAIN = "again"  # the target works on it: due again after `wait`, in its place, and no attempt is spent


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict; `wait` is how many seconds the target asked for, `detail` one line for a person."""

    verdict: Verdict
    detail: str | None = None
    wait: float | None = None


_OWN_AND_PASSING = frozenset({408, 409, 425})


def of_answer(status: int, headers: Mapping[str, str], now: float, *, if_match: bool = False) -> Outcome:
    """Return what an answer means; `if_match` tells that the request named the version it was made from.

    409 is what a server says of two transactions that met, and passes. 429 speaks of the sender as a whole, and 5xx
    usually does: whether it is one message's after all shows when the target takes others meanwhile.
    """
    detail = f"HTTP {status}"
    if 200 <= status < 300:
        return Outcome(Verdict.OK, detail)
    if status == 401:
        return Outcome(Verdict.REAUTHORIZE, detail)
    if status == 412:
        return Outcome(Verdict.CONFLICT if if_match else Verdict.DUPLICATE, detail)
    if status in _OWN_AND_PASSING:
        return Outcome(Verdict.TRANSIENT, detail, named_wait(status, headers, now))
    if is_passing(status):
        return Outcome(Verdict.TARGET_DOWN, detail, named_wait(status, headers, now))
    return Outcome(Verdict.PERMANENT, detail)


def of_exception(error: Exception) -> Outcome:
    """Return what it means that there was no answer; the exception's text is not kept, it may quote what was sent."""
    name = type(error).__name__
    if isinstance(error, Unavailable):
        return Outcome(Verdict.TARGET_DOWN, str(error))  # this worker lacks something, which it says itself
    if is_unreachable(error):
        return Outcome(Verdict.TARGET_DOWN, name)
    return Outcome(Verdict.TRANSIENT, name)
