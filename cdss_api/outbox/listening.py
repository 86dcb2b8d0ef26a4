"""The workers' end of a wake-up: what waits for one, and what hears them."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

from cdss_api.database import UNTIL_LOST, Database
from cdss_api.outbox.waking import LONGEST, OUTBOX, Bell, address, decoded

_LOG = logging.getLogger(__name__)
_PATIENCE = 0.5  # seconds, until a listener looks whether it is to end
_AGAIN = 1.0  # seconds, until a connection that was lost is made again


@dataclass(slots=True)
class Alarms:
    """An event for each target that is served; whoever waits for it clears it before it looks for messages."""

    _events: dict[str, threading.Event] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, target: str) -> threading.Event:
        """Return a target's event."""
        with self._lock:
            return self._events.setdefault(target, threading.Event())

    def ring(self, target: str) -> None:
        """Wake what serves a target; one that nobody serves is passed over."""
        with self._lock:
            found = self._events.get(target)
        if found is not None:
            found.set()

    def ring_all(self) -> None:
        """Wake everything: what was said meanwhile is not known."""
        with self._lock:
            found = list(self._events.values())
        for one in found:
            one.set()


class Rings(Protocol):
    """What is told of the wake-ups that are heard, as `Alarms` is."""

    def ring(self, target: str, /) -> None:
        """Wake what serves a target."""
        ...

    def ring_all(self) -> None:
        """Wake everything."""
        ...


class Listen(Protocol):
    """Hears wake-ups until it is stopped, and rings."""

    def __call__(self, alarms: Rings, stop: threading.Event, /) -> None:
        """Hear; raises nothing."""
        ...


def listener(database: Database, bell: Bell = OUTBOX) -> Listen:
    """Return what hears the wake-ups of a database."""
    if database.engine.dialect.name == "postgresql":
        return _PostgreSQL(database, bell)
    return _Datagrams(Path(str(database.engine.url.database)).parent, bell)


@dataclass(frozen=True, slots=True)
class _PostgreSQL:
    """One connection of its own, outside of any transaction: a notice is not passed on within one."""

    database: Database
    bell: Bell

    def __call__(self, alarms: Rings, stop: threading.Event, /) -> None:
        while not stop.is_set():
            try:
                self._hear(alarms, stop)
            except psycopg.Error as error:
                _LOG.warning("%s: not woken by the database (%s)", self.bell.channel, type(error).__name__)
                stop.wait(_AGAIN)

    def _hear(self, alarms: Rings, stop: threading.Event) -> None:
        _, given = self.database.engine.dialect.create_connect_args(self.database.engine.url)
        with psycopg.connect(**{**given, **UNTIL_LOST}, autocommit=True) as connection:
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self.bell.channel)))
            alarms.ring_all()
            while not stop.is_set():
                for notice in connection.notifies(timeout=_PATIENCE):
                    alarms.ring(notice.payload)


@dataclass(frozen=True, slots=True)
class _Datagrams:
    """The socket beside the database. There is one worker (see `worker`): what is there was left by a dead one."""

    folder: Path
    bell: Bell

    def __call__(self, alarms: Rings, stop: threading.Event, /) -> None:
        while not stop.is_set():
            try:
                with _bound(self.folder, self.bell) as heard:
                    alarms.ring_all()
                    _hear(heard, alarms, stop)
            except OSError as error:
                _LOG.warning("%s: not woken by its socket (%s)", self.bell.channel, type(error).__name__)
                stop.wait(_AGAIN)


@contextmanager
def _bound(folder: Path, bell: Bell) -> Iterator[socket.socket]:
    with address(folder, bell) as at, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        Path(at).unlink(missing_ok=True)
        heard.bind(at)
        Path(at).chmod(0o600)
        heard.settimeout(_PATIENCE)
        try:
            yield heard
        finally:
            Path(at).unlink(missing_ok=True)


def _hear(heard: socket.socket, alarms: Rings, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            named = decoded(heard.recv(LONGEST))
        except TimeoutError:
            continue
        if named is None:
            alarms.ring_all()
        else:
            for target in named:
                alarms.ring(target)
