"""Stops on the way of a request, at which the worker that sent it is killed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum

_DEADLINE = 60.0  # seconds, after which a request that nobody lets go is passed on


class Moment(StrEnum):
    """How far a request has come."""

    ASKED = "it has arrived, and nothing of it is passed on"
    TAKEN = "the server has answered, and the answer is not passed back"
    ANSWERED = "the answer is sent"


@dataclass
class Stop:
    """Keeps one request at a moment until it is let go; `earlier` are how many pass before it.

    The one whose answer is sent cannot be kept: what its sender does next is its own affair.
    """

    moment: Moment
    earlier: int
    reached: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def passes(self, moment: Moment) -> None:
        """Be told of every request at every moment, by the thread that has it."""
        if moment is not self.moment:
            return
        with self._lock:
            self.earlier -= 1
            mine = self.earlier == -1
        if mine:
            self.reached.set()
            if moment is not Moment.ANSWERED:
                self.ended.wait(_DEADLINE)

    def let_go(self) -> None:
        """Let the request go on."""
        self.ended.set()
