"""The workers of one process: a thread for each target, so that one that answers slowly holds up no other."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from cdss_api.database import Database
from cdss_api.outbox.claiming import targets
from cdss_api.outbox.configured_targets import polled
from cdss_api.outbox.delivery import Deliver
from cdss_api.outbox.dispatching import Dispatcher
from cdss_api.outbox.heartbeats import EVERY, beat, leave
from cdss_api.outbox.listening import Alarms, Listen
from cdss_api.outbox.pruning import prune
from cdss_api.outbox.waits import Policy
from cdss_api.outbox.worker import Worker

_LOG = logging.getLogger(__name__)
_LOOK_EVERY = 1.0  # seconds, for new targets and paused ones
LOOK = 0.75  # seconds between two looks of a worker that nobody wakes: what a lost wake-up costs
_PRUNE_EVERY = 3600.0


_Task = Callable[[str, threading.Event], None]


@dataclass(slots=True)
class _Member:
    thread: threading.Thread
    stop: threading.Event
    woken: threading.Event

    def end(self) -> None:
        self.stop.set()
        self.woken.set()


@dataclass(slots=True)
class Crew:
    """Serves every target that is not paused, until it is stopped; `days` are how long what is completed is kept.

    `listen` hears of messages that were written; each worker looks by itself every `look` seconds, too.
    """

    database: Database
    data: Path
    clock: Callable[[], float]
    name: str
    days: int
    policy: Policy = field(default_factory=Policy)
    poll: Callable[[str, threading.Event], None] | None = (
        None  # asks a target for what others wrote, until it is stopped
    )
    own: Mapping[str, Deliver] = field(default_factory=dict)  # what the platform delivers itself (see Dispatcher)
    serves: Callable[[str], bool] | None = None  # which targets, where others serve the rest
    listen: Listen | None = None
    look: float = LOOK
    _alarms: Alarms = field(default_factory=Alarms)
    _members: dict[tuple[str, _Task], _Member] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop`; what is begun is finished."""
        next_beat = next_prune = 0.0
        hearing = self._hearing(stop)
        while not stop.is_set():
            now = self.clock()
            try:
                if now >= next_beat:
                    self._beat(now)
                    next_beat = now + EVERY
                self._serve()
                if now >= next_prune:
                    next_prune = now + _PRUNE_EVERY
                    self._prune(now, stop)
            except SQLAlchemyError as error:
                _LOG.warning("the outbox waits for its database (%s)", type(error).__name__)
            stop.wait(_LOOK_EVERY)
        self._end()
        if hearing is not None:
            hearing.join()

    def _hearing(self, stop: threading.Event) -> threading.Thread | None:
        if self.listen is None:
            return None
        hearing = threading.Thread(target=self.listen, args=(self._alarms, stop), name="outbox wake-ups", daemon=True)
        hearing.start()
        return hearing

    def _serve(self) -> None:
        with self.database.reading() as session:
            served = [one for one in targets(session) if self.serves is None or self.serves(one)]
            wanted = {(target, self._work) for target in served}
            if self.poll is not None:
                wanted |= {(target, self._polled) for target in polled(session)}
        for key, member in list(self._members.items()):
            if key not in wanted:
                member.end()
            if not member.thread.is_alive():
                del self._members[key]
        for target, work in wanted - set(self._members):
            stop = threading.Event()
            thread = threading.Thread(target=work, args=(target, stop), name=f"outbox {target}", daemon=True)
            # A thread that polls waits for its time alone.
            woken = self._alarms.of(target) if work == self._work else stop
            self._members[target, work] = _Member(thread, stop, woken)
            thread.start()

    def _polled(self, target: str, stop: threading.Event) -> None:
        assert self.poll is not None  # noqa: S101 - for the type checker
        self.poll(target, stop)

    def _work(self, target: str, stop: threading.Event) -> None:
        dispatcher = Dispatcher(self.database, self.data, self.clock, self.own)
        try:
            worker = Worker(
                self.database,
                dispatcher,
                self.clock,
                random.random,
                self.policy,
                only=[target],
                together=dispatcher,
            )
            worker.run(stop, self.look, self._alarms.of(target))
        except Exception:
            _LOG.exception("the worker of %s ended; another one is started", target)
        finally:
            dispatcher.close()

    def _beat(self, now: float) -> None:
        with self.database.writing() as session:
            beat(session, self.name, now)

    def _prune(self, now: float, stop: threading.Event) -> None:
        after: int | None = 0
        while after is not None and not stop.is_set():
            with self.database.writing() as session:
                after = prune(session, now - self.days * 86400.0, after)

    def _end(self) -> None:
        for member in self._members.values():
            member.end()
        for member in self._members.values():
            member.thread.join()
        try:
            with self.database.writing() as session:
                leave(session, self.name)
        except SQLAlchemyError as error:
            _LOG.warning("the database does not answer at the end (%s)", type(error).__name__)
