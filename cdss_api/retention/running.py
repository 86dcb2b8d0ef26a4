"""Retention as the worker does it: a look from time to time, and what is due leaves."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from cdss_api.accounts.service_tokens import token
from cdss_api.imaging.archive import Archive
from cdss_api.orthanc import Unavailable
from cdss_api.retention.asking import Asking
from cdss_api.retention.leaving import Leaving, key_of
from cdss_api.retention.listing import renew
from cdss_api.retention.looking import Found, Uses, candidates, look
from cdss_api.retention.models import NOTICE, DueStudy
from cdss_api.retention.uses import last_use
from cdss_api.service import Service
from neuronova.contract.retention.rules import RetentionRule
from neuronova.contract.roles import Permission

log = logging.getLogger(__name__)
# Seconds before the first look, after one, and after one that did not come to its end.
SOON, EVERY, AGAIN = 5.0, 3600.0, 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """Any number of them may run: what leaves is written down by one of them first."""

    service: Service
    rules: Sequence[RetentionRule]
    asking: Callable[[], Asking]
    leaving: Leaving
    uses: Uses

    def run(self, stop: threading.Event) -> None:
        """Look from time to time, until `stop`."""
        wait = SOON
        while not stop.wait(wait):
            try:
                self.step()
                wait = EVERY
            except (Unavailable, SQLAlchemyError) as error:
                log.warning("retention waits (%s)", type(error).__name__)
                wait = AGAIN

    def step(self) -> None:
        """Finish what was begun, look, and let leave what may.

        Raises:
            Unavailable: Orthanc does not answer.
        """
        rules = {rule.name: rule for rule in self.rules}
        self.leaving.finish(rules)
        self._look()
        with self.service.database.reading() as session:
            rows = list(session.scalars(select(DueStudy).where(DueStudy.kept.is_(None)).order_by(DueStudy.due_at)))
            session.expunge_all()
        for row in rows:
            if row.rule in rules:
                why = self.leaving.leave(row, rules[row.rule])
                if why is not None:
                    self._keep(row, why)

    def found(self) -> list[Found]:
        """Return the studies whose days are over within `NOTICE`; nothing leaves by it.

        Raises:
            Unavailable: Orthanc does not answer.
        """
        now = self.service.now()
        with self.service.database.reading() as session:
            studies = list(candidates(session, self.rules, now + NOTICE))
        with closing(self.asking()) as asking:
            return list(look(studies, self.rules, now, asking.described, self.uses))

    def _look(self) -> None:
        now = self.service.now()
        found = self.found()
        with self.service.database.writing() as session:
            renew(session, found, now)

    def _keep(self, row: DueStudy, why: str) -> None:
        log.warning("a study stays though the days of rule %s are over: %s", row.rule, why)
        with self.service.database.writing() as session:
            stored = session.get(DueStudy, tuple(key_of(row)))
            if stored is not None:
                stored.kept = why


def retention(service: Service, rules: Sequence[RetentionRule]) -> Retention:
    """Return what the worker runs."""
    make = partial(token, service, "retention", (Permission.ARCHIVE_MANAGE,))
    url = service.settings.orthanc_url
    asking = partial(Asking, url, make)
    return Retention(
        service=service,
        rules=rules,
        asking=asking,
        leaving=Leaving(service=service, asking=asking, archive=partial(Archive, url, make)),
        uses=last_use(service.settings.data),
    )
