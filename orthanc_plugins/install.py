"""Puts the plugins into a running Orthanc: the only place that registers callbacks."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from neuronova.audit.access import AccessRecorder
from neuronova.audit.journal import AuditJournal
from neuronova.audit.trail import Trail
from neuronova.contract.forwarding.rules_file import read_forwarding_file
from neuronova.contract.orthancs import name_of, number_of
from neuronova.contract.settings import Settings, read_settings
from neuronova.heap import trim_regularly
from neuronova.telemetry.starting import start, telemetry_of
from orthanc_plugins import harm
from orthanc_plugins.access.arrivals import EVERY, SEVERAL_EVERY, Arrivals
from orthanc_plugins.access.bearer import Bearers, Rules
from orthanc_plugins.access.follower import grants
from orthanc_plugins.access.gate import REFUSAL, Gate, is_judged_by_handler
from orthanc_plugins.access.holds import Holds
from orthanc_plugins.access.ledger import Ledger
from orthanc_plugins.access.modalities import Modalities
from orthanc_plugins.access.recording import Recording
from orthanc_plugins.access.register import Register
from orthanc_plugins.access.search import Search
from orthanc_plugins.access.store import Store
from orthanc_plugins.ai.judging import OWN_FILE, read_rules_file
from orthanc_plugins.ai.memory import Memory as SeriesMemory
from orthanc_plugins.ai.triggering import Trigger, triggering
from orthanc_plugins.arrived import ArrivalFile, Arriving
from orthanc_plugins.changes.consumer import Consumers
from orthanc_plugins.dicomweb.archive import Archive
from orthanc_plugins.dicomweb.front import PATTERN, WADO_PATTERN, Front
from orthanc_plugins.dicomweb.stock import Stock
from orthanc_plugins.duplicates import Duplicates
from orthanc_plugins.following import Follower
from orthanc_plugins.forgotten import given_back
from orthanc_plugins.journal import Journal
from orthanc_plugins.listening import settle
from orthanc_plugins.metrics.figures import Figures
from orthanc_plugins.metrics.telling import Telling
from orthanc_plugins.processes import Crew, Lane
from orthanc_plugins.quotas import Quotas
from orthanc_plugins.room import SUCCESS, Room, require_no_loss
from orthanc_plugins.sdk import OnRestRequest, ReceivedInstance, Sdk
from orthanc_plugins.stacks import enlarge
from orthanc_plugins.state import State
from orthanc_plugins.studies.memory import Memory
from orthanc_plugins.studies.telling import telling
from orthanc_plugins.threads import kept
from orthanc_plugins.traced import traced
from orthanc_plugins.workers.surroundings import Surroundings
from orthanc_plugins.worklist.answering import Answering
from orthanc_plugins.worklist.entries import Entries
from orthanc_plugins.worklist.follower import worklist

AUDIT_PATIENCE = 10.0  # seconds


def install(sdk: Sdk, environment: Mapping[str, str]) -> None:
    """Register all callbacks and start the workers once Orthanc answers.

    An exception here stops Orthanc at its start, which is what an odd setting should do.
    """
    _make_room_in_memory()
    settings = read_settings(environment)
    end_telling = start("plugin", telemetry_of(settings))
    surroundings = _surroundings(settings, json.loads(sdk.GetConfiguration()), number_of(environment))
    journal = Journal(Path(surroundings.journal))
    secret = secrets.token_urlsafe(32)
    crew = Crew(surroundings, settings.encode_workers if surroundings.number == 1 else 0, secret)
    metrics = Telling(sdk, Figures(Journal(Path(surroundings.journal)), crew))
    store, file = Store(settings.data / "journal" / "access.db"), ArrivalFile(Path(surroundings.arrivals))
    ledger, register = Ledger(store), Register(store, alone=surroundings.number == 1 and not settings.more_orthancs)
    recorder = _recorder(settings, name_of(surroundings.number))
    recording = Recording(recorder=recorder, clock=time.time, required=settings.audit_required)
    room = Room(Path(surroundings.storage), surroundings.reserve)
    gate = Gate(
        Bearers(ledger, _rules(settings), secret),
        register,
        recording,
        room.left,
        holds=Holds(sdk, ledger, register),
        decided=metrics.counts.decided,
    )
    ledger.on_change((modalities := Modalities(sdk, ledger, settings.issuer)).follow)
    quotas = Quotas(settings.data / "journal", surroundings.number, modalities.daily_limit)
    arrivals = Arrivals(
        sdk,
        register,
        recording,
        modalities.issuer,
        received=_both(metrics.counts.received, quotas.received),
        stored=Arriving(file).stored,
        stored_elsewhere=crew.call,
        every=SEVERAL_EVERY if settings.more_orthancs else EVERY,
    )
    entries = Entries(settings.data / "journal" / "worklist.json")
    followers = [Follower(one, settings.api_port, _key(settings)) for one in (grants(ledger), worklist(entries))]
    # It ends with Orthanc: nobody waits for what it does.
    consumers = _consumers(sdk, settings, register, Lane(replace(surroundings, name="judge"), secret), file)
    # Of several Orthancs the first follows the changes, and notices within a second what the others stored.
    threads = [*followers, *((arrivals, consumers) if surroundings.number == 1 else ())]
    front = Front(
        sdk,
        archive=(archive := Archive(sdk)),
        storage=Path(surroundings.storage),
        journal=journal,
        crew=crew,
        stock=Stock(settings.orthanc_port, secret, archive.locate),
        gate=gate,
        search=Search(store),
        public_url=settings.public_url,
        counts=metrics.counts,
    )

    def on_change(change: int, level: int, identifier: str) -> None:
        if change == sdk.ChangeType.NEW_INSTANCE:
            crew.call()
            consumers.call()
        elif change == sdk.ChangeType.DELETED:
            consumers.on_deleted(identifier)
            forget[level](identifier)
        elif change == sdk.ChangeType.ORTHANC_STARTED:
            settle(settings)
            crew.start()
            modalities.follow()
            for thread in threads:
                thread.start()
            recorder.start()
        elif change == sdk.ChangeType.ORTHANC_STOPPED:
            crew.end()
            quotas.close()
            recorder.close()
            end_telling()

    forget: dict[int, Callable[[str], None]] = {
        sdk.ResourceType.INSTANCE: lambda identifier: journal.bury(identifier, time.time()),
        sdk.ResourceType.SERIES: arrivals.on_deleted_series,
        sdk.ResourceType.STUDY: arrivals.on_deleted_study,
        sdk.ResourceType.PATIENT: lambda _identifier: None,
    }
    sdk.RegisterIncomingHttpRequestFilter(given_back(kept(_filter(sdk, gate))))
    sdk.RegisterIncomingCStoreInstanceFilter(
        _each_of(
            {
                "disk-full": room.on_cstore,
                "daily-limit": quotas.on_cstore,
                "harmful": harm.on_cstore,
                "other-content": Duplicates(
                    sdk, recording, metrics.counts.sent_again, refuses=settings.duplicates_refused
                ).on_cstore,
            },
            metrics.counts.refused,
        )
    )
    sdk.RegisterOnStoredInstanceCallback(arrivals.on_stored)
    sdk.RegisterOnChangeCallback(on_change)
    sdk.RegisterWorklistCallback(Answering(entries, recording).on_query)
    routes: dict[str, OnRestRequest] = {
        "/neuronova/health": (state := State(journal, crew, quotas.today)).on_health,
        "/neuronova/metrics": metrics.on_metrics,
        "/neuronova/encode": state.on_encode,
        "/neuronova/outcomes": state.on_outcomes,
        "/neuronova/holdings": gate.on_holdings,
        REFUSAL: gate.on_refusal,
        PATTERN: traced("/dicom-web", front.on_request),
        WADO_PATTERN: traced("/wado", front.on_wado),
    }
    for uri, answer in routes.items():
        sdk.RegisterRestCallback(uri, given_back(answer))


def _make_room_in_memory() -> None:
    enlarge()  # Orthanc's threads begin after this
    trim_regularly()  # which Debian 12's Orthanc does not do for itself


def _both(first: Callable[[str, int], None], second: Callable[[str, int], None]) -> Callable[[str, int], None]:
    def tell(source: str, size: int) -> None:
        first(source, size)
        second(source, size)

    return tell


def _filter(sdk: Sdk, gate: Gate) -> Callable[..., bool]:
    methods = {getattr(sdk.HttpMethod, name): name for name in ("GET", "POST", "PUT", "DELETE")}

    def on_request(uri: str, **given: Any) -> bool:
        return is_judged_by_handler(uri) or gate.on_filter(
            methods.get(given["method"], ""), uri, given["headers"], given.get("get") or {}, given["ip"]
        )

    return on_request


def _recorder(settings: Settings, name: str) -> AccessRecorder:
    # Orthanc that is killed and started again may find its predecessor's file still locked.
    journal = AuditJournal(Trail(settings.data).journal(name), name, patience=AUDIT_PATIENCE)
    return AccessRecorder(journal, time.time)


def _rules(settings: Settings) -> Rules:
    return Rules(grants_hold=60.0 * settings.grants_hold_minutes, recent=86400.0 * settings.recent_days)


def _key(settings: Settings) -> Path:
    return settings.data / "keys" / "plugin.key"


def _trigger(settings: Settings) -> Trigger:
    return Trigger(
        rules=read_rules_file(settings.ai_rules or OWN_FILE),
        forwarding=read_forwarding_file(settings.forwarding_rules),
        quiet=settings.ai_quiet_seconds,
        longest=settings.ai_longest_wait,
        started=time.time(),
    )


def _consumers(sdk: Sdk, settings: Settings, register: Register, judge: Lane, arrivals: ArrivalFile) -> Consumers:
    """Return what follows Orthanc's changes for the record, and for models."""
    folder, port, key = settings.data / "journal", settings.api_port, _key(settings)
    studies = telling(sdk, Memory(folder / "studies.db"), register, arrivals, port, key)
    memory = SeriesMemory(folder / "series.db")
    models = triggering(sdk, memory, register, judge, arrivals, _trigger(settings), port, key)
    return Consumers(studies, models)


def _surroundings(settings: Settings, configuration: Mapping[str, Any], number: int) -> Surroundings:
    """Make the plugin's folders and tell the workers what they need."""
    require_no_loss(configuration)
    folder = settings.data / "journal"
    scratch = folder / ("scratch" if number == 1 else f"scratch-{number}")
    shutil.rmtree(scratch, ignore_errors=True)  # what killed workers left
    for made in (folder, scratch, folder / "received", settings.data / "audit"):
        made.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Surroundings(
        name="plugin" if number == 1 else f"plugin-{number}",
        number=number,
        orthanc_url=settings.orthanc_url,
        storage=str(Path(configuration["StorageDirectory"]).resolve()),
        journal=str(folder / "encode.db"),
        arrivals=str(folder / "arrivals.db"),
        scratch=str(scratch),
        received=str(folder / "received"),
        reserve=settings.disk_reserve << 20,
        telemetry=telemetry_of(settings),
    )


def _each_of(
    judges: Mapping[str, Callable[[ReceivedInstance], int]], refused: Callable[[str, str], None]
) -> Callable[[ReceivedInstance], int]:
    """Return what answers a modality as the first that refuses does; `refused` is told who was, and why."""

    def judge(instance: ReceivedInstance) -> int:
        for reason, judges_it in judges.items():
            if status := judges_it(instance):
                refused(instance.GetInstanceRemoteAet(), reason)
                return status
        return SUCCESS

    return judge
