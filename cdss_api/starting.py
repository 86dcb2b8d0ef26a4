"""What has to be there before the service answers: tables, keys, the first account."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import select

from cdss_api.accounts import people
from cdss_api.accounts.keys import Keyring
from cdss_api.accounts.models import Account
from cdss_api.accounts.passwords import STANDARD, Hasher, Passwords
from cdss_api.accounts.recording import Actor, Record, record_nothing
from cdss_api.audit.accesses import Accesses, NoAccesses
from cdss_api.database import migrate, open_database
from cdss_api.errors import Unavailable
from cdss_api.secret_files import write_secret
from cdss_api.service import Service
from neuronova.contract.prefetch.rules import PrefetchRule
from neuronova.contract.roles import Role
from neuronova.contract.settings import Settings

FIRST_ADMIN = "admin"
_PLATFORM = Actor(subject="service:platform", role=Role.SERVICE)


def open_service(
    settings: Settings,
    *,
    record: Record = record_nothing,
    accesses: Accesses | None = None,
    now: Callable[[], float] = time.time,
    hasher: Hasher = STANDARD,
) -> Service:
    """Return the parts that the service works with; nothing is connected yet.

    Raises:
        Unavailable: the file of rules for prefetch cannot be used.
    """
    return Service(
        settings=settings,
        database=open_database(settings),
        keyring=Keyring(settings.data / "keys" / "signing"),
        passwords=Passwords(hasher),
        record=record,
        accesses=accesses or NoAccesses(),
        now=now,
        prefetch=_prefetch_rules(settings),
    )


def prepare(service: Service, say: Callable[[str], None]) -> None:
    """Bring the database to this version, and make what a first start lacks; a password made here is told once.

    Raises:
        Unavailable: the database cannot be used.
    """
    migrate(service.database)
    settings = service.settings
    for key_file in (plugin_key_file(settings), settings.inference_secret_file, settings.metrics_key_file):
        if not key_file.is_file():
            write_secret(key_file, secrets.token_urlsafe(32).encode())
    with service.work(_PLATFORM) as work:
        service.keyring.prepare(work)
    _first_admin(service, say)


def plugin_key_file(settings: Settings) -> Path:
    """Return where the key lies by which the plugin is known."""
    return settings.data / "keys" / "plugin.key"


def _prefetch_rules(settings: Settings) -> Sequence[PrefetchRule]:
    if settings.prefetch_rules is None:
        return ()
    from neuronova.contract.prefetch.rules_file import (
        read_prefetch_file,
    )  # who has no rules does not load what reads them

    try:
        return read_prefetch_file(settings.prefetch_rules)
    except (ValueError, OSError) as odd:
        raise Unavailable(f"NEURONOVA_PREFETCH_RULES: {odd}") from None


def _first_admin(service: Service, say: Callable[[str], None]) -> None:
    with service.database.reading() as session:
        if session.scalar(select(Account.account_id).limit(1)) is not None:
            return
    password = service.settings.admin_password or secrets.token_urlsafe(16)
    hashed = service.passwords.hash(password)
    with service.work(_PLATFORM) as work:
        people.add(work, username=FIRST_ADMIN, role=Role.ADMIN, password_hash=hashed, display_name="Administrator")
    if service.settings.admin_password is None:
        say(f"The first account is {FIRST_ADMIN}, its password {password} - it is not shown again.")
