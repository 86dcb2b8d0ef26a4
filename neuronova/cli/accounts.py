"""The accounts of the platform, for the commands that change them."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from neuronova.cli.configuration import load_settings
from neuronova.platform.errors import PlatformError

if TYPE_CHECKING:
    from cdss_api.accounts.models import Account
    from cdss_api.accounts.work import Work
    from cdss_api.service import Service


@contextmanager
def accounts() -> Iterator[Service]:
    """Give the platform's accounts, whether it runs or not; what goes wrong is a PlatformError."""
    from cdss_api.accounts.people import Odd
    from cdss_api.audit.journals import open_journal
    from cdss_api.audit.recording import recorder
    from cdss_api.database import require_current
    from cdss_api.errors import Unavailable
    from cdss_api.starting import open_service
    from neuronova.audit.files import JournalFailed

    settings = load_settings()
    journal = None

    def record(**event: Any) -> None:
        nonlocal journal  # opened by what changes something: one command at a time has it
        journal = journal or open_journal(settings, "cli")
        recorder(journal)(**event)

    service = open_service(settings, record=record)
    try:
        require_current(service.database)
        yield service
    except (Unavailable, Odd, JournalFailed) as error:
        raise PlatformError(str(error)) from None
    finally:
        service.database.close()
        if journal is not None:
            journal.close()


@contextmanager
def changing() -> Iterator[tuple[Service, Work]]:
    """Change the accounts in one transaction, in the name of who types the command."""
    from cdss_api.accounts.recording import Actor

    with accounts() as service, service.work(Actor(subject=f"cli:{getpass.getuser()}")) as work:
        yield service, work


def named(work: Work, username: str) -> Account:
    """Return the account of this name."""
    from cdss_api.accounts.people import find

    account = find(work.session, username)
    if account is None:
        raise PlatformError(f"there is no account {username}; `neuronova users list` shows them")
    return account
