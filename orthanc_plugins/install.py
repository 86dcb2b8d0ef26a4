"""Puts the plugins into a running Orthanc: the only place that registers callbacks."""

from __future__ import annotations

import json
import logging
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neuronova.contract.settings import Settings, read_settings
from orthanc_plugins.dicomweb.front import PATTERN, Front
from orthanc_plugins.journal import Journal
from orthanc_plugins.loopback import keep_to_loopback, loopback_ports
from orthanc_plugins.processes import Crew
from orthanc_plugins.sdk import Sdk
from orthanc_plugins.state import State
from orthanc_plugins.workers.surroundings import Surroundings


def install(sdk: Sdk, environment: Mapping[str, str]) -> None:
    """Register all callbacks and start the workers once Orthanc answers.

    An exception here stops Orthanc at its start, which is what an odd setting should do.
    """
    settings = read_settings(environment)
    logging.basicConfig(
        level=settings.log_level, stream=sys.stderr, format="%(levelname).1s %(asctime)s plugin: %(message)s"
    )
    surroundings = _surroundings(settings, json.loads(sdk.GetConfiguration()))
    journal = Journal(Path(surroundings.journal))
    crew = Crew(surroundings, settings.encode_workers)
    state = State(journal, crew)
    front = Front(
        sdk,
        storage=Path(surroundings.storage),
        journal=journal,
        crew=crew,
        port=settings.orthanc_port,
        public_url=settings.public_url,
    )

    def on_change(change: int, level: int, identifier: str) -> None:
        if change == sdk.ChangeType.NEW_INSTANCE:
            crew.call()
        elif change == sdk.ChangeType.DELETED and level == sdk.ResourceType.INSTANCE:
            journal.bury(identifier, time.time())
        elif change == sdk.ChangeType.ORTHANC_STARTED:
            keep_to_loopback(loopback_ports(settings))
            crew.start()
        elif change == sdk.ChangeType.ORTHANC_STOPPED:
            crew.end()

    sdk.RegisterOnChangeCallback(on_change)
    sdk.RegisterRestCallback("/neuronova/health", state.on_health)
    sdk.RegisterRestCallback("/neuronova/encode", state.on_encode)
    sdk.RegisterRestCallback(PATTERN, front.on_request)


def _surroundings(settings: Settings, configuration: Mapping[str, Any]) -> Surroundings:
    """Make the plugin's folders and tell the workers what they need."""
    folder = settings.data / "journal"
    scratch = folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)  # what killed workers left
    for made in (folder, scratch, folder / "received"):
        made.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Surroundings(
        name="plugin",
        orthanc_url=settings.orthanc_url,
        storage=str(Path(configuration["StorageDirectory"]).resolve()),
        journal=str(folder / "encode.db"),
        scratch=str(scratch),
        received=str(folder / "received"),
        log_level=settings.log_level,
    )
