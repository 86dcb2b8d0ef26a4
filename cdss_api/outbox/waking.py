"""Telling workers that a message was written, so that they need not ask the database all the time.

A wake-up names targets and nothing else. It may be lost: workers look by themselves from time to time, too.

On PostgreSQL it is a NOTIFY of the very transaction that wrote the message, which the server passes on when that
commits. SQLite has no such thing: after the commit a datagram goes to a socket beside the database.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import event, text
from sqlalchemy.orm import Session

LONGEST = 4096  # bytes of a datagram
_NOTIFY = text("SELECT pg_notify(:channel, :target)")


@dataclass(frozen=True, slots=True)
class Bell:
    """Who is woken: by which channel of PostgreSQL, and by which socket beside a SQLite file."""

    channel: str
    socket: str


OUTBOX = Bell("neuronova_outbox", "outbox.wake")
NOTIFICATIONS = Bell("neuronova_notifications", "notifications.wake")


def wake(session: Session, target: str, bell: Bell = OUTBOX) -> None:
    """Have the workers of a target look for messages as soon as the caller's transaction is committed."""
    if bell in session.info:
        session.info[bell].add(target)
        return
    session.info[bell] = {target}
    if session.get_bind().dialect.name == "postgresql":
        event.listen(session, "before_commit", partial(_notify, bell))
    else:
        event.listen(session, "after_commit", partial(_send, bell))


def encoded(targets: Iterable[str]) -> bytes:
    """Return a datagram that names targets; an empty one means all, where they are too many to name."""
    named = json.dumps(sorted(targets)).encode()
    return named if len(named) <= LONGEST else b""


def decoded(datagram: bytes) -> frozenset[str] | None:
    """Return the targets that a datagram names; None means all of them."""
    try:
        named = json.loads(datagram)
    except ValueError:
        return None
    return frozenset(one for one in named if isinstance(one, str)) if isinstance(named, list) else None


@contextmanager
def address(folder: Path, bell: Bell = OUTBOX) -> Iterator[str]:
    """Yield the address of a folder's socket: by the open folder, for an address may have 107 bytes and no more."""
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}/{bell.socket}"
    finally:
        os.close(opened)


def _notify(bell: Bell, session: Session) -> None:
    # One by one and at the end: the server keeps one of several that are the same.
    for target in sorted(session.info[bell]):
        session.execute(_NOTIFY, {"channel": bell.channel, "target": target})
    session.info[bell].clear()


def _send(bell: Bell, session: Session) -> None:
    named, path = session.info[bell], session.get_bind().engine.url.database
    if not named or path is None:
        return
    datagram = encoded(named)
    named.clear()
    try:
        with address(Path(path).parent, bell) as to, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(datagram, to)
    except OSError:
        # No worker runs, or it has more wake-ups than it can read: it looks by itself.
        return
