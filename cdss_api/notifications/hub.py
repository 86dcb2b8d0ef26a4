"""The open connections of one process, and what wakes them: all in one thread, that of the event loop."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from neuronova.contract.verified import Verified
from neuronova.web.problems import Problem


@dataclass(slots=True, eq=False)
class Listener:
    """A connection: whose it is, and up to which number they have seen; `beat_at` is when it says that it lives."""

    bearer: Verified
    last: int
    beat_at: float
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    ended: bool = False
    has_news: bool = False

    @property
    def account(self) -> str:
        """Whose it is."""
        return self.bearer.claims.subject

    def tell(self) -> None:
        """Have it look for what is new."""
        self.has_news = True
        self.woken.set()

    def end(self) -> None:
        """Have it end."""
        self.ended = True
        self.woken.set()


@dataclass(slots=True)
class Hub:
    """The listeners by account; `most` of all, `most_of_one` of one account."""

    most: int = 2000
    most_of_one: int = 20
    closing: bool = False
    _by_account: defaultdict[str, set[Listener]] = field(default_factory=lambda: defaultdict(set))
    _count: int = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Listener]:
        for listeners in list(self._by_account.values()):
            yield from list(listeners)

    def accounts(self) -> list[str]:
        """Return who listens."""
        return list(self._by_account)

    def add(self, listener: Listener) -> None:
        """Take one in.

        Raises:
            Problem: there are too many, or the process ends.
        """
        if self.closing or self._count >= self.most:
            raise Problem(503, "too_many_streams", "No more streams can be opened.", {"Retry-After": "10"})
        if len(self._by_account.get(listener.account, ())) >= self.most_of_one:
            detail = f"An account has at most {self.most_of_one} streams."
            raise Problem(429, "too_many_streams", detail, {"Retry-After": "30"})
        self._by_account[listener.account].add(listener)
        self._count += 1

    def remove(self, listener: Listener) -> None:
        """Let one go; nothing where it is not in."""
        mine = self._by_account.get(listener.account, set())
        if listener in mine:
            mine.remove(listener)
            self._count -= 1
        if not mine:
            self._by_account.pop(listener.account, None)

    def tell(self, account: str) -> None:
        """Have an account's connections look for what is new."""
        for listener in list(self._by_account.get(account, ())):
            listener.tell()

    def tell_all(self) -> None:
        """Have all of them look."""
        for listener in self:
            listener.tell()

    def behind(self, last: dict[str, int]) -> None:
        """Have those look whose account's inbox is further than they are."""
        for listener in self:
            if last.get(listener.account, 0) > listener.last:
                listener.tell()

    def close(self) -> None:
        """End all of them, and take in no more."""
        self.closing = True
        for listener in self:
            listener.end()


@dataclass(frozen=True, slots=True)
class Ringing:
    """What a listening thread tells (`outbox.listening.Rings`), handed over to the event loop."""

    hub: Hub
    loop: asyncio.AbstractEventLoop

    def ring(self, target: str, /) -> None:
        """Tell an account's connections."""
        self.loop.call_soon_threadsafe(self.hub.tell, target)

    def ring_all(self) -> None:
        """Tell all of them."""
        self.loop.call_soon_threadsafe(self.hub.tell_all)
