"""What every feature of the service is given: settings, database, keys, clock and journal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from cdss_api.accounts.keys import Keyring
from cdss_api.accounts.passwords import Passwords
from cdss_api.accounts.recording import Actor, Record
from cdss_api.accounts.work import Work
from cdss_api.audit.accesses import Accesses
from cdss_api.database import Database
from neuronova.contract.prefetch.rules import PrefetchRule
from neuronova.contract.settings import Settings
from neuronova.contract.verified import VerifiedTokens


@dataclass(frozen=True, kw_only=True)
class Service:
    """The parts that the routes and the command line work with."""

    settings: Settings
    database: Database
    keyring: Keyring
    passwords: Passwords
    record: Record
    accesses: Accesses
    now: Callable[[], float]
    prefetch: Sequence[PrefetchRule] = ()  # the rules in force
    tokens: VerifiedTokens = field(default_factory=VerifiedTokens)
    stopping: threading.Event = field(default_factory=threading.Event)  # whoever waits looks at it

    @contextmanager
    def work(self, actor: Actor) -> Iterator[Work]:
        """Change accounts in one transaction."""
        with self.database.writing() as session:
            yield Work(session, self.now(), actor, self.record)
