"""How long to wait: after the message's own failures, after the target's, and where the target says so itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

Random = Callable[[], float]  # from 0 up to 1

LONGEST_NAMED = 3600.0
_WITHOUT_NAME = 1.0  # a target that is full and does not say until when
_SECONDS = re.compile(r"\d{1,9}")
# `"default";r=0;t=30`, and before that `limit=100, remaining=0, reset=30` (draft-ietf-httpapi-ratelimit-headers).
_REMAINING = re.compile(r"(?:^|[;,\s])(?:r|remaining)\s*=\s*(\d{1,9})")
_RESET = re.compile(r"(?:^|[;,\s])(?:t|reset)\s*=\s*(\d{1,9})")
_SPEAK_OF_WAITING = frozenset({408, 425, 429, 503})


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers by which the outbox waits and gives up; times are in seconds."""

    attempts: int = 5
    first_wait: float = 60.0
    jitter: float = 0.2
    target_wait: float = 5.0  # of a message whose target failed while its breaker is closed
    failures: int = 5  # one after the other, until a breaker opens
    first_pause: float = 5.0
    longest_pause: float = 300.0
    # A request ends within 45 s, so what a dead worker asked last has ended when another takes over.
    lease: float = 50.0
    renewal: float = 5.0  # between two renewals of a lease, while its worker delivers
    longest_batch: float = 60.0  # none of the messages that were claimed together is begun later
    longest_delivery: float = 600.0  # what takes longer hangs: its lease is renewed no more

    def backoff(self, attempts: int, random: Random) -> float:
        """Return how long a message waits that failed `attempts` times."""
        return self._spread(self.first_wait * 2 ** (attempts - 1), random)

    def pause(self, openings: int, random: Random) -> float:
        """Return how long a breaker stays open the `openings`-th time in a row."""
        doublings = min(openings - 1, 32)  # an outage of weeks must not overflow a float
        return self._spread(min(self.first_pause * 2**doublings, self.longest_pause), random)

    def held(self, random: Random) -> float:
        """Return how long a message waits whose target failed."""
        return self._spread(self.target_wait, random)

    def _spread(self, wait: float, random: Random) -> float:
        # Never shorter than promised: what failed together is spread over what follows.
        return wait * (1 + self.jitter * random())


def named_wait(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that an answer asks to wait for; None where it does not.

    `Retry-After` (RFC 9110 10.2.3) leads; RateLimit counts for 429 alone, since other answers
    carry it without being about it.
    """
    if status not in _SPEAK_OF_WAITING:
        return None
    named = {name.lower(): value for name, value in headers.items()}
    wait = _retry_after(named.get("retry-after", ""), now)
    if wait is None and status == 429:
        wait = _rate_limit(named)
        wait = _WITHOUT_NAME if wait is None else wait
    return None if wait is None else min(max(wait, 0.0), LONGEST_NAMED)


def _retry_after(value: str, now: float) -> float | None:
    value = value.strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        # A date without a zone is GMT, the only one that HTTP knows.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return None


def _rate_limit(named: Mapping[str, str]) -> float | None:
    value = named.get("ratelimit", "")
    # The newer form lists one policy an item, the older one item a number.
    policies = value.split(",") if _REMAINING.search(value) and ";" in value else [value]
    spent = [wait for policy in policies if _left(policy) == 0 and (wait := _reset(policy)) is not None]
    if spent:
        return max(spent)
    stated = [wait for policy in policies if (wait := _reset(policy)) is not None]
    if stated:
        return max(stated)
    separate = named.get("ratelimit-reset", "").strip()
    return float(separate) if _SECONDS.fullmatch(separate) else None


def _left(policy: str) -> int | None:
    found = _REMAINING.search(policy)
    return int(found[1]) if found else None


def _reset(policy: str) -> float | None:
    found = _RESET.search(policy)
    return float(found[1]) if found else None
