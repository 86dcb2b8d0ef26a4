"""The other direction: one thread that asks a target, in turn, for each type that it is polled for."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from cdss_api.outbox.configured_targets import ConfiguredTarget
from cdss_api.outbox.dispatching import client_of
from cdss_api.outbox.polling import Poller
from cdss_api.outbox.remotes import Remotes
from cdss_api.outbox.taking import Taking
from cdss_api.service import Service

_LOG = logging.getLogger(__name__)
EVERY = 5.0  # seconds between two questions
ORDER = ("Patient", "ServiceRequest")  # whom an order is for comes first


@dataclass(frozen=True, slots=True)
class Inbound:
    """Polls targets for the service."""

    service: Service

    def run(self, target: str, stop: threading.Event) -> None:
        """Poll a target until `stop`."""
        while not stop.is_set():
            try:
                self.once(target)
            except SQLAlchemyError as error:
                _LOG.warning("polling %s waits for the database (%s)", target, type(error).__name__)
            except Exception:
                _LOG.exception("%s was not polled", target)
            stop.wait(EVERY)

    def once(self, target: str) -> int:
        """Ask a target once for each type; return how many resources were looked at. Others who ask it wait."""
        service = self.service
        with service.database.reading() as session:
            configured = session.get(ConfiguredTarget, target)
        if configured is None or configured.paused or not configured.polled:
            return 0
        try:
            client = client_of(configured, service.settings.data, service.now)
        except (OSError, ValueError):
            _LOG.warning("the credentials of %s are not on this machine, or cannot be read", target)
            return 0
        take = Taking(service, client, frozenset(configured.polled))
        seen = 0
        try:
            with Remotes(service.database, target).alone_with([("poll", "")]):
                for kind in (one for one in ORDER if one in configured.polled):
                    seen += Poller(service.database, target, kind, client, take, service.now).poll()
        finally:
            client.exchange.close()
        return seen
