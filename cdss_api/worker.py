"""The worker's process, `python -m cdss_api.worker`: it delivers the outbox, and corrects studies by it.

On PostgreSQL there may be any number, on any machines; SQLite has no row locks, so a second one waits for the first.
Where a broker is set, a site's own Celery delivers (`celery_app`), but for what goes to this machine's Orthanc.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import sys
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import FrameType

from cdss_api.accounts.service_tokens import token
from cdss_api.alone import alone
from cdss_api.database import require_current
from cdss_api.deliveries import everywhere
from cdss_api.errors import Unavailable
from cdss_api.forwarding.delivery import forward_delivery
from cdss_api.forwarding.requesting import TARGET as FORWARD
from cdss_api.imaging import deciding
from cdss_api.imaging.archive import Archive
from cdss_api.imaging.carrying_out import Corrections
from cdss_api.imaging.corrections import TARGET
from cdss_api.imaging.stowing import Stowing
from cdss_api.jobs.parts import tender
from cdss_api.merging import deciding as merges
from cdss_api.merging import merging
from cdss_api.outbox.claiming import reclaim
from cdss_api.outbox.crew import Crew
from cdss_api.outbox.delivery import Deliver
from cdss_api.outbox.dispatching import is_local
from cdss_api.outbox.inbound import Inbound
from cdss_api.outbox.listening import listener
from cdss_api.prefetch.delivery import prefetch_delivery
from cdss_api.prefetch.requesting import TARGET as PREFETCH
from cdss_api.reading.delivery import SCOPES, ReportDelivery
from cdss_api.results.judging import withdraw
from cdss_api.results.parts import removals
from cdss_api.results.removal import TARGET as RESULT
from cdss_api.retention.departures import call_off
from cdss_api.service import Service
from cdss_api.starting import open_service
from neuronova.contract.roles import Permission
from neuronova.contract.settings import Settings, SettingsError, read_settings
from neuronova.telemetry.starting import start, telemetry_of


def work(settings: Settings, stop: threading.Event) -> None:
    """Deliver until `stop`.

    Raises:
        Unavailable: the database cannot be used.
    """
    service = open_service(settings)
    database = service.database
    try:
        require_current(database)
        with _only_one(settings, stop):
            if stop.is_set():  # the lock, and what is leased, may still be another's
                return
            if settings.database_url is None:
                with database.writing() as session:
                    reclaim(session, service.now())
            name = f"{socket.gethostname()[:100]}:{os.getpid()}"
            crew = Crew(
                database,
                settings.data,
                time.time,
                name,
                settings.outbox_days,
                own=_own(service),
                poll=Inbound(service).run,
                serves=None if settings.broker_url is None else is_local,
                listen=listener(database),
            )
            tending = threading.Thread(
                target=tender(service, partial(withdraw, service)).run, args=(stop,), name="jobs", daemon=True
            )
            tending.start()
            retaining = _retaining(service, stop)
            for thread in retaining:
                thread.start()
            crew.run(stop)
            for thread in (tending, *retaining):
                thread.join()
    finally:
        database.close()


def _own(service: Service) -> dict[str, Deliver]:
    reports = ReportDelivery(
        database=service.database,
        stowing=Stowing(
            orthanc_url=service.settings.orthanc_url,
            token=partial(token, service, "reports", SCOPES),
            clock=service.now,
        ),
        clock=service.now,
    )
    archive = Archive(service.settings.orthanc_url, lambda: token(service, "imaging", (Permission.ARCHIVE_MANAGE,)))
    given = Corrections(
        database=service.database,
        archive=archive,
        root=service.settings.data / "corrections",
        clock=service.now,
        ended={deciding.PART: deciding.ended, merging.PART: merges.ended},
    )
    return {
        "orthanc": reports,
        TARGET: given,
        RESULT: removals(service),
        FORWARD: forward_delivery(service),
        PREFETCH: prefetch_delivery(service),
        **everywhere(service),
    }


def _retaining(service: Service, stop: threading.Event) -> list[threading.Thread]:
    """Return what lets studies leave, where there are rules for that; without them nothing leaves any more."""
    if service.settings.retention_rules is None:
        with service.database.writing() as session:
            call_off(session, service.now())
        return []
    from cdss_api.retention.running import retention  # who has no rules does not load what reads them
    from neuronova.contract.retention.rules_file import read_retention_file

    try:
        run = retention(service, read_retention_file(service.settings.retention_rules)).run
    except (ValueError, OSError) as odd:
        raise Unavailable(f"NEURONOVA_RETENTION_RULES: {odd}") from None
    return [threading.Thread(target=run, args=(stop,), name="retention", daemon=True)]


def _only_one(settings: Settings, stop: threading.Event) -> AbstractContextManager[None]:
    """Hold the lock of the data folder where the database is SQLite."""
    return nullcontext() if settings.database_url is not None else alone(settings.data / "api" / "worker.lock", stop)


def main() -> int:
    """Work until a signal comes."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    try:
        settings = read_settings(os.environ)
        atexit.register(start("worker", telemetry_of(settings)))
        work(settings, stop)
    except (SettingsError, Unavailable) as error:
        print(f"worker: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
