"""Where accesses to patients' records are recorded."""

from __future__ import annotations

from typing import Protocol

from neuronova.audit.access import Ticket
from neuronova.contract.audit import Event


class Accesses(Protocol):
    """What `neuronova.audit.access.AccessRecorder` does."""

    def begin(self, event: Event) -> Ticket:
        """Record a decision durably, or count it into one of the same minute; raises JournalFailed."""

    def finish(self, ticket: Ticket, status: int) -> None:
        """Add how it was answered."""


class NoAccesses:
    """Takes its place where nothing is answered: on the command line."""

    def begin(self, event: Event) -> Ticket:
        """Refuse: an access would go unrecorded."""
        raise RuntimeError("accesses are not recorded here")

    def finish(self, ticket: Ticket, status: int) -> None:
        """Never get here."""
