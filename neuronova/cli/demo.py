"""`neuronova demo`."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuronova.cli.accounts import changing
from neuronova.cli.ai import read_rules_of
from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line
from neuronova.contract.grants import ModalityChange, Operation

if TYPE_CHECKING:
    from cdss_api.fhir.store import Store
    from neuronova.demo.asking import Wanted

_Folder = Annotated[
    Path | None,
    typer.Argument(exists=True, file_okay=False, help="DICOM files to send in place of the built-in studies."),
]


def demo(
    folder: _Folder = None,
    dicom: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="DICOM files to send as well.")
    ] = None,
    orders: Annotated[bool, typer.Option(help="Write orders around the built-in studies too.")] = True,
    wait: Annotated[bool, typer.Option(help="Wait for what the models make of them.")] = True,
) -> None:
    """Send sample studies to the running platform, as a modality would, and write orders around them."""
    with in_one_line():
        from neuronova.demo.asking import wanted_of
        from neuronova.demo.sending import send_all
        from neuronova.platform.errors import PlatformError
        from neuronova.platform.parts import answers_http, local_url

        settings = load_settings()
        if not answers_http(f"{local_url(settings)}/app-config.js"):
            raise PlatformError(f"nothing answers at {local_url(settings)}; start the platform with `make run` first")
        with_orders = orders and folder is None
        now = datetime.now().astimezone()
        rules = read_rules_of(settings) if wait else ()
        if with_orders:
            write_orders(now)
        wanted: list[Wanted] = []
        with let_in():
            for study in send_all(settings, folder, dicom):
                typer.echo(f"{study.label}: {settings.gateway_url}/viewer?StudyInstanceUIDs={study.study_uid}")
                typer.echo(f"  report: {settings.gateway_url}/console/report?study={study.study_uid}")
                wanted += wanted_of(study.images, rules, now.time())
        all_ended = not wait or _show_results(wanted)
        typer.echo(f"Log in at {settings.gateway_url}/ to see them.")
        if with_orders:
            typer.echo(f"Studies that wait for a report: {settings.gateway_url}/console/reading")
            typer.echo(f"Today's orders: {settings.gateway_url}/console/worklist")
        typer.echo(f"What models make of them: {settings.gateway_url}/console/jobs")
        if not all_ended:
            raise PlatformError("the models have not ended in time; the page of jobs shows why")


def _show_results(wanted: Sequence[Wanted]) -> bool:
    """Wait for the models, print what they made, and tell whether all have ended."""
    from rich.console import Console

    from neuronova.cli.demo_results import table_of, wait_for

    standing = wait_for(wanted)
    Console().print(table_of(standing))
    return all(one.has_ended for one in standing)


def write_orders(now: datetime) -> None:
    """Write the demonstration's patients, orders and prior report; what is there already stays as it is.

    `now` has a zone. Orders move to its day, so that there are always some for today.
    """
    from cdss_api.accounts.recording import Actor
    from cdss_api.consequences import writing
    from cdss_api.fhir.query import parse
    from cdss_api.fhir.searching import matching
    from neuronova.cli.accounts import accounts
    from neuronova.contract.issuer import PATIENT_ID
    from neuronova.demo.orders import PEOPLE, patient, resources

    with accounts() as service, writing(service, Actor(subject=f"cli:{getpass.getuser()}")) as store:
        subjects = {}
        for person in PEOPLE:
            asked = parse("Patient", [("identifier", f"{PATIENT_ID}|{person.patient_id}")], strict=True)
            known = matching(store, asked, 1)
            made = known[0] if known else store.create("Patient", patient(person))
            subjects[person.patient_id] = made.id
        for resource in resources(now, subjects):
            _put(store, resource)


def _put(store: Store, resource: dict[str, Any]) -> None:
    from cdss_api.fhir.outcome import Refused

    kind, id_ = resource["resourceType"], resource["id"]
    try:
        known = {name: value for name, value in store.read(kind, id_).document().items() if name != "meta"}
    except Refused:
        known = None
    # What was signed is a record of its day.
    if known is None or (kind != "DiagnosticReport" and known != resource):
        store.update(kind, id_, resource)


@contextmanager
def let_in() -> Iterator[None]:
    """Have the demo's AE title in the table of modalities, for as long as it sends."""
    from cdss_api import modalities
    from neuronova.demo.sending import AE_TITLE

    with changing() as (_, work):
        modalities.put(work, ModalityChange(title=AE_TITLE, host="127.0.0.1", operations=(Operation.STORE,)))
    try:
        yield
    finally:
        with changing() as (_, work):
            modalities.remove(work, AE_TITLE)
