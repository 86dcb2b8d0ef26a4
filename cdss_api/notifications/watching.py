"""What goes on beside the streams: heartbeats, the end of tokens, wake-ups that were lost, old notifications."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cdss_api.accounts.bearer import stands
from cdss_api.accounts.changes import current_version
from cdss_api.notifications.hub import Hub, Listener, Ringing
from cdss_api.notifications.models import Happening, Inbox
from cdss_api.outbox.listening import listener
from cdss_api.outbox.waking import NOTIFICATIONS
from cdss_api.service import Service

_LOG = logging.getLogger(__name__)
_EVERY = 1.0  # seconds between two looks: how long a stream outlives its token
_LOST_EVERY = 5.0  # seconds: what a lost wake-up costs
_ALL_EVERY = 60.0  # seconds: a key that signs no more ends without a change
_BLIND = 30.0  # seconds without the database, after which no stream is left open
_PRUNE_EVERY = 3600.0
_AT_ONCE = 500  # parameters of a statement, rows of a transaction

T = TypeVar("T")


@dataclass(slots=True)
class Watch:
    """Looks after the streams of a hub until it is stopped; `days` are how long notifications are kept."""

    service: Service
    hub: Hub
    executor: Executor
    days: int
    _stop: threading.Event = field(default_factory=threading.Event)
    _version: int = -1
    _seen_at: float = field(default_factory=time.monotonic)
    _all_at: float = 0.0
    _lost_at: float = 0.0
    _prune_at: float = 0.0

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        hear = listener(self.service.database, NOTIFICATIONS)
        hearing = threading.Thread(target=hear, args=(Ringing(self.hub, loop), self._stop), daemon=True)
        hearing.start()
        try:
            while True:
                await self._look()
                await asyncio.sleep(_EVERY)
        finally:
            self._stop.set()

    async def _look(self) -> None:
        now, moment = self.service.now(), time.monotonic()
        for one in self.hub:
            if one.bearer.claims.expires_at <= now:
                one.end()
            elif one.beat_at <= moment:
                one.woken.set()
        try:
            await self._ask(moment)
            self._seen_at = moment
        except SQLAlchemyError as error:
            _LOG.warning("the streams wait for their database (%s)", type(error).__name__)
        if moment - self._seen_at > _BLIND:
            # Whether their tokens still hold is not known.
            for one in self.hub:
                one.end()

    async def _ask(self, moment: float) -> None:
        version = await self._read(current_version)
        if version != self._version or moment >= self._all_at:
            for one in await self._read(self._fallen):
                one.end()
            self._version, self._all_at = version, moment + _ALL_EVERY
        if moment >= self._lost_at:
            self.hub.behind(await self._read(self._last))
            self._lost_at = moment + _LOST_EVERY
        if moment >= self._prune_at:
            self._prune_at = moment + _PRUNE_EVERY
            await asyncio.get_running_loop().run_in_executor(self.executor, self._prune)

    async def _read(self, ask: Callable[[Session], T]) -> T:
        def asked() -> T:
            with self.service.database.reading() as session:
                return ask(session)

        return await asyncio.get_running_loop().run_in_executor(self.executor, asked)

    def _fallen(self, session: Session) -> list[Listener]:
        now = self.service.now()
        return [one for one in self.hub if not stands(session, one.bearer.claims, one.bearer.key_id, now)]

    def _last(self, session: Session) -> dict[str, int]:
        accounts, found = self.hub.accounts(), {}
        for first in range(0, len(accounts), _AT_ONCE):
            some = Inbox.account_id.in_(accounts[first : first + _AT_ONCE])
            found.update({row.account_id: row.last for row in session.execute(select(Inbox).where(some)).scalars()})
        return found

    def _prune(self) -> None:
        before, deleted = self.service.now() - self.days * 86400.0, _AT_ONCE
        while deleted == _AT_ONCE and not self._stop.is_set():
            with self.service.database.writing() as session:
                old = select(Happening.happening_id).where(Happening.created_at < before)
                ids = list(session.scalars(old.order_by(Happening.created_at).limit(_AT_ONCE)))
                session.execute(delete(Happening).where(Happening.happening_id.in_(ids)))
                deleted = len(ids)
