"""What fails for now, said once, and the same call again for whoever waits for its end.

What nobody waits for is tried again by rows in a database, which outlast the process: messages, jobs, encodings.
"""

from __future__ import annotations

import math
import socket
import sqlite3
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import requests

T = TypeVar("T")

_PASSING = frozenset({408, 425, 429})
_UNREACHABLE = (
    ConnectionError,
    TimeoutError,
    socket.gaierror,
    ssl.SSLError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,  # the answer broke off
)
_SQLSTATES = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected


def is_passing(status: int) -> bool:
    """Tell whether an HTTP status speaks of this moment (RFC 9110 15.5.9 and 15.6, RFC 8470 5.2, RFC 6585 4)."""
    return status in _PASSING or status >= 500


def is_unreachable(error: BaseException) -> bool:
    """Tell whether an exception says that nobody answered, or not wholly, or not in time."""
    return isinstance(error, _UNREACHABLE)


def met_another(error: BaseException) -> bool:
    """Tell whether a transaction failed since others wrote meanwhile; the same one may do once they have ended.

    PostgreSQL ends one of two that wait for each other; SQLite lets nobody wait longer than its `busy_timeout`.
    """
    said = getattr(error, "orig", error)  # SQLAlchemy's errors keep the driver's there
    if isinstance(said, sqlite3.Error):
        return getattr(said, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(said, "sqlstate", None) in _SQLSTATES


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """When and how often the same call is made again.

    No try begins later than `within` seconds after the first, but for the pause before it. Pauses double from `first`
    to `longest` seconds, and are spread, so that those that failed together do not come back together.
    """

    when: Callable[[BaseException], bool]
    tries: float = math.inf
    within: float = math.inf
    first: float
    longest: float


def again(call: Callable[[], T], rule: Rule, sleep: Callable[[float], None] = time.sleep) -> T:
    """Return what `call` returns, made again by the rule; raises what its last try raised."""
    # 20 ms of a start, for what a start does not need.
    from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

    def over(state: RetryCallState) -> bool:
        return state.attempt_number >= rule.tries or (state.seconds_since_start or 0.0) >= rule.within

    retrying = Retrying(
        retry=retry_if_exception(rule.when),
        stop=over,
        wait=wait_exponential_jitter(multiplier=rule.first, max=rule.longest, jitter=rule.first),
        sleep=sleep,
        reraise=True,
    )
    return retrying(call)
