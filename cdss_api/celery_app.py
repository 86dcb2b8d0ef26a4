"""The outbox, delivered by a site's own Celery: `celery -A cdss_api.celery_app worker -B` (docs/outbox.md).

Celery starts the work and nothing else: what is due, who may send it and what comes of it stands in the database, as it
does for the platform's own worker. So a task that is lost, or comes twice, does no harm.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from celery import Celery

from cdss_api.database import require_current
from cdss_api.deliveries import everywhere
from cdss_api.outbox.draining import Drains
from cdss_api.outbox.heartbeats import CELERY, EVERY, beat
from cdss_api.starting import open_service
from neuronova.contract.settings import Settings, SettingsError, read_settings, with_secret_files
from neuronova.telemetry.starting import start_traces, telemetry_of

QUEUE = "neuronova"
_LOOK_EVERY = 1.0  # seconds
_EXPIRES = 10.0  # seconds: what nobody took by then is asked for again
_LOOK, _DRAIN, _BEAT = "neuronova.outbox.look", "neuronova.outbox.drain", "neuronova.outbox.beat"


def settings_of(environment: Mapping[str, str]) -> Settings:
    """Return the settings, secrets in files included.

    Raises:
        SettingsError: they are odd, or name no broker.
    """
    settings = read_settings(with_secret_files(environment, Path.read_text))
    if settings.broker_url is None:
        raise SettingsError("NEURONOVA_BROKER_URL is missing; Celery needs it")
    return settings


def application(settings: Settings) -> Celery:
    """Return the application with its tasks; nothing is connected yet."""
    app = Celery("neuronova", broker=settings.broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        beat_schedule={
            "look": {"task": _LOOK, "schedule": _LOOK_EVERY, "options": {"expires": _EXPIRES}},
            "beat": {"task": _BEAT, "schedule": EVERY, "options": {"expires": _EXPIRES}},
        },
        broker_connection_retry_on_startup=True,
        task_default_queue=QUEUE,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,  # a process that sends slowly keeps no other target's task waiting behind it
    )

    @cache
    def drains() -> Drains:
        # Not before the first task: connections are not shared with the processes that Celery forks.
        start_traces("celery", telemetry_of(settings))
        service = open_service(settings)
        require_current(service.database)
        return Drains(service.database, settings.data, service.now, everywhere(service))

    def look() -> None:
        for target in drains().due():
            app.send_task(_DRAIN, args=[target], expires=_EXPIRES)

    def drain(target: str) -> None:
        drains().drain(target)

    def live() -> None:
        ours = drains()
        with ours.database.writing() as session:
            beat(session, f"{CELERY}{socket.gethostname()[:100]}", ours.clock())

    for name, task in ((_LOOK, look), (_DRAIN, drain), (_BEAT, live)):
        app.task(name=name)(task)
    return app


def __getattr__(name: str) -> Any:
    """Return `app`, which Celery asks this module for: made when it is, so that reading the module changes nothing."""
    if name != "app":
        raise AttributeError(name)
    return _app()


@cache
def _app() -> Celery:
    return application(settings_of(os.environ))
