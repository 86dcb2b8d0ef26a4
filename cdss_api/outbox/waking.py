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
from pathlib import Path

from sqlalchemy import event, text
from sqlalchemy.orm import Session

CHANNEL = "neuronova_outbox"
LONGEST = 4096  # bytes of a datagram
_SOCKET = "outbox.wake"
_WRITTEN_FOR = "outbox.written_for"
_NOTIFY = text("SELECT pg_notify(:channel, :target)")


def wake(session: Session, target: str) -> None:
    """Have the workers of a target look for messages as soon as the caller's transaction is committed."""
    if _WRITTEN_FOR in session.info:
        session.info[_WRITTEN_FOR].add(target)
        return
    session.info[_WRITTEN_FOR] = {target}
    if session.get_bind().dialect.name == "postgresql":
        event.listen(session, "before_commit", _notify)
    else:
        event.listen(session, "after_commit", _send)


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
def address(folder: Path) -> Iterator[str]:
    """Yield the address of a folder's socket: by the open folder, for an address may have 107 bytes and no more."""
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}/{_SOCKET}"
    finally:
        os.close(opened)


def _notify(session: Session) -> None:
    # One by one and at the end: the server keeps one of several that are the same.
    for target in sorted(session.info[_WRITTEN_FOR]):
        session.execute(_NOTIFY, {"channel": CHANNEL, "target": target})
    session.info[_WRITTEN_FOR].clear()


def _send(session: Session) -> None:
    named, path = session.info[_WRITTEN_FOR], session.get_bind().engine.url.database
    if not named or path is None:
        return
    datagram = encoded(named)
    named.clear()
    try:
        with address(Path(path).parent) as to, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(datagram, to)
    except OSError:
        # No worker runs, or it has more wake-ups than it can read: it looks by itself.
        return
