"""`GET /api/v1/notifications/stream`: notifications as they come, by server-sent events (HTML Living Standard, 9.2).

An ASGI application. A connection costs one waiting task; the database is asked in a few threads that all share.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.http import parse_cookie

from cdss_api.accounts.bearer import standing, token_of
from cdss_api.notifications.counts import Counts
from cdss_api.notifications.hub import Hub, Listener
from cdss_api.notifications.inboxes import Reader, Shown, last_of
from cdss_api.notifications.shapes import entry_of
from cdss_api.notifications.watching import Watch
from cdss_api.service import Service
from neuronova.contract.roles import Permission, Role
from neuronova.contract.verified import Verified
from neuronova.web.problems import Problem, answer

PATH = "/api/v1/notifications/stream"
METRICS = "/metrics"  # for the API, which passes it on
HEARTBEAT = 15.0  # seconds of silence
_THREADS = 4
_PAGE = 100
_RETRY = b"retry: 3000\n"  # milliseconds until a browser connects again

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Streams:
    """The application; `hub` holds its connections."""

    def __init__(self, service: Service, hub: Hub | None = None, *, heartbeat: float = HEARTBEAT) -> None:
        self.hub = hub or Hub()
        self._counts = Counts(lambda: len(self.hub))
        self._service = service
        self._heartbeat = heartbeat
        self._executor = ThreadPoolExecutor(_THREADS, "streams")

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, or live as long as the process (ASGI 3.0)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        watch = Watch(self._service, self.hub, self._executor, self._service.settings.notification_days)
        watching = asyncio.create_task(watch.run())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.hub.close()
        watching.cancel()
        self._executor.shutdown(wait=False, cancel_futures=True)
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Mapping[str, Any], send: Send) -> None:
        try:
            if scope["path"] == "/ready":
                await _send_whole(send, 200, [(b"content-type", b"text/plain")], b"ready\n")
                return
            if scope["path"] == METRICS:
                await self._metrics(scope, send)
                return
            if scope["path"] != PATH:
                raise Problem(404, "not_found", "There is no such thing.")
            if scope["method"] != "GET":
                raise Problem(405, "method_not_allowed", "This is read by GET.", {"Allow": "GET"})
            listener = await self._listener(scope)
            self.hub.add(listener)
        except Problem as problem:
            await _refuse(send, problem)
            return
        except SQLAlchemyError:
            await _refuse(send, Problem(503, "database_unavailable", "The database does not answer."))
            return
        try:
            await self._stream(listener, send)
        finally:
            self.hub.remove(listener)

    async def _metrics(self, scope: Mapping[str, Any], send: Send) -> None:
        token = token_of(_headers(scope).get("authorization", ""), {})
        bearer = await self._asked(standing, self._service, token)
        if Permission.PLATFORM_HEALTH not in bearer.claims.permissions:
            raise Problem(403, "forbidden", f"This needs the permission {Permission.PLATFORM_HEALTH}.")
        await _send_whole(send, 200, [(b"content-type", CONTENT_TYPE_LATEST.encode())], self._counts.text())

    async def _listener(self, scope: Mapping[str, Any]) -> Listener:
        headers = _headers(scope)
        given = headers.get("last-event-id", "")
        if given and not (given.isascii() and given.isdecimal() and len(given) <= 16):
            raise Problem(400, "invalid_input", "Last-Event-ID is the id of an event.")
        token = token_of(headers.get("authorization", ""), parse_cookie(headers.get("cookie", "")))
        bearer, last = await self._asked(self._admitted, token)
        return Listener(bearer, int(given) if given else last, time.monotonic() + self._heartbeat)

    def _admitted(self, token: str | None) -> tuple[Verified, int]:
        bearer = standing(self._service, token)
        if bearer.claims.studies is not None:
            raise Problem(403, "narrow_token", "This token is for named studies only.")
        if bearer.claims.role is Role.SERVICE:
            raise Problem(403, "no_account", "A service has no account.")
        with self._service.database.reading() as session:
            return bearer, last_of(session, bearer.claims.subject)

    async def _stream(self, listener: Listener, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _EVENT_STREAM})
        self._counts.opened()
        await _send_part(send, _RETRY + _event("ready", {}, listener.last))
        listener.tell()  # what came between the token's look and now, and what a resumed one missed
        while True:
            await listener.woken.wait()
            listener.woken.clear()
            if listener.ended:
                break
            sent = b""
            if listener.has_news:
                listener.has_news = False
                sent = await self._news(listener)
            if not sent and time.monotonic() >= listener.beat_at:
                sent = b":\n\n"
            if sent:
                await _send_part(send, sent)
                listener.beat_at = time.monotonic() + self._heartbeat
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _news(self, listener: Listener) -> bytes:
        try:
            last, found, unread = await self._asked(self._since, listener)
        except SQLAlchemyError:
            listener.has_news = True  # with the next heartbeat, or wake-up
            return b""
        listener.last = last
        self._counts.sent(len(found))
        if len(found) == _PAGE:
            listener.tell()
        return b"".join(
            _event("notification", {**entry_of(one).model_dump(mode="json"), "unread": unread}, one.number)
            for one in found
        )

    def _since(self, listener: Listener) -> tuple[int, Sequence[Shown], int]:
        claims = listener.bearer.claims
        reader = Reader(claims.subject, claims.role, self._service.now())
        with self._service.database.reading() as session:
            last, found = reader.since(session, listener.last, _PAGE)
            return last, found, reader.unread(session) if found else 0

    async def _asked(self, ask: Callable[..., Any], *given: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, ask, *given)


_EVENT_STREAM = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


def _event(name: str, data: Mapping[str, Any], number: int) -> bytes:
    # JSON has no line break in it, so it is one line of data.
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _send_part(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _send_whole(send: Send, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _refuse(send: Send, problem: Problem) -> None:
    response = answer(problem)
    named = [(name.lower().encode(), value.encode()) for name, value in response.headers if name != "Content-Length"]
    await _send_whole(send, response.status_code, [*named, (b"cache-control", b"no-store")], response.get_data())
