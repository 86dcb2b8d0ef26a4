"""A service with an archive of years in its database, and a day that has just begun."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from sqlalchemy import delete, text, update

from cdss_api.accounts import grants
from cdss_api.accounts.models import Account
from cdss_api.database import Database
from cdss_api.outbox.models import Message, Stream
from neuronova.audit.access import AccessRecorder
from neuronova.audit.journal import AuditJournal
from neuronova.contract.grants import Patient
from neuronova.contract.issuer import issuer_of
from neuronova.contract.roles import Role
from neuronova.contract.settings import read_settings
from proof.scale.calls import GRANTS, Archive
from proof.scale.copies import copy
from proof.scale.day import DAY, examined, named_ids, work
from tests.accounts.api import TESTER, Api, Clock
from tests.fhir.asking import PATIENT_ID, Fhir
from tests.running import ADMIN_PASSWORD

_MORNING = datetime(2027, 1, 14, 8, tzinfo=UTC)  # of the day that is copied
_SIGNED = 5  # of the next day's studies each so many are reported, the others wait


@contextmanager
def archive(folder: Path, database_url: str | None, studies: int, days: int, today: int) -> Iterator[Archive]:
    """Make one in an empty database: `days` days of `studies` studies, and `today` studies of the day after."""
    for name in ("api", "keys", "journal"):
        (folder / name).mkdir(parents=True)
    variables = {"NEURONOVA_DATA": str(folder), "NEURONOVA_ADMIN_PASSWORD": ADMIN_PASSWORD}
    if database_url:
        variables["NEURONOVA_DATABASE_URL"] = database_url
    clock = Clock(_MORNING.timestamp() - DAY)
    with closing(AuditJournal(folder / "journal" / "api.db", "api")) as journal:
        api = Api(read_settings(variables), clock=clock, accesses=AccessRecorder(journal, clock))
        with closing(api.service.database) as database:
            fhir = Fhir(api, journal.path)
            with _without_waiting_for_the_disk(database):
                work(fhir, 1, name="1")  # whom all days share is made by the first
                clock.time = _MORNING.timestamp()
                with named_ids():
                    work(fhir, studies)
                with database.writing() as session:  # what was delivered is deleted after days
                    session.execute(delete(Message))
                    session.execute(update(Stream).values(visible_at=None))
                copy(database, _MORNING.date(), days - 1)
            clock.time = (_MORNING + timedelta(days=1)).timestamp()
            work(fhir, today, name="2", reported=lambda number: number % _SIGNED == 0)
            found = Archive(fhir, _MORNING.date(), days - 1, studies, Random(days))
            _grant(found)
            yield found


@contextmanager
def _without_waiting_for_the_disk(database: Database) -> Iterator[None]:
    """Have PostgreSQL write through to the disk at the end alone."""
    if database.engine.dialect.name != "postgresql":
        yield
        return
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):
            connection.execute(text(statement))
        yield
        for statement in ("ALTER SYSTEM RESET fsync", "SELECT pg_reload_conf()", "CHECKPOINT"):
            connection.execute(text(statement))


def _grant(archive_: Archive) -> None:
    fhir = archive_.fhir
    doctor, issuer = fhir.account(Role.DOCTOR), issuer_of(PATIENT_ID)
    with fhir.api.service.work(TESTER) as working:
        account = working.session.get_one(Account, doctor)
        for back in range(1, min(archive_.days, GRANTS) + 1):
            grants.give(working, account, Patient(examined(0, back).patient, issuer))
