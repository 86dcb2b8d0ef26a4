"""`neuronova audit`."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neuronova.audit.export.form import Form
from neuronova.cli.configuration import load_settings
from neuronova.cli.errors import in_one_line
from neuronova.contract.audit import Action, Outcome
from neuronova.contract.settings import Settings
from neuronova.platform.errors import PlatformError

if TYPE_CHECKING:
    from neuronova.audit.search import Query
    from neuronova.audit.signing import Keys
    from neuronova.audit.trail import Trail

audit = typer.Typer(name="audit", help="The audit trail: who saw whom, and that it is whole.", no_args_is_help=True)

DAY = 86400  # seconds
BROKEN = 2  # exit code

_Key = Annotated[Path | None, typer.Option(help="Public key to trust, kept elsewhere (PEM).")]
_Patient = Annotated[str | None, typer.Option(help="PatientID (0010,0020).")]
_Issuer = Annotated[str | None, typer.Option(help="Issuer of PatientID (0010,0021).")]
_Study = Annotated[str | None, typer.Option(help="StudyInstanceUID (0020,000D).")]
_User = Annotated[str | None, typer.Option(help="Identifier of the account.")]
_Since = Annotated[str | None, typer.Option(help="From this time on: ISO 8601, UTC without a zone.")]
_Until = Annotated[str | None, typer.Option(help="Before this time.")]
_Action = Annotated[Action | None, typer.Option(help="What was done.", show_choices=False)]
_Outcome = Annotated[Outcome | None, typer.Option(help="How it ended.")]


@audit.command()
def verify(
    key: _Key = None,
    checkpoints: Annotated[
        Path | None, typer.Option(help="Folder with copies of the checkpoints, kept elsewhere.")
    ] = None,
    proof: Annotated[Path | None, typer.Option(help="Verify this proof of one record, and nothing else.")] = None,
) -> None:
    """Verify all chains against all checkpoints; exits with 2 where anything is wrong, and names it."""
    with _trail() as (_, trail):
        from rich.console import Console
        from rich.progress import Progress

        from neuronova.audit.verify import records_to_verify
        from neuronova.audit.verify import verify as verify_trail
        from neuronova.cli.audit_report import said_of

        keys = _keys(trail, key)
        if proof is not None:
            _check_proof(proof, keys)
            return
        if checkpoints is not None and not checkpoints.is_dir():
            raise PlatformError(f"{checkpoints} is no folder")
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("Verifying", total=records_to_verify(trail))
            report = verify_trail(trail, keys, lambda records: progress.advance(task, records), checkpoints)
        console = Console()
        for part in said_of(report):
            console.print(part)
        if not report.sound:
            raise typer.Exit(BROKEN)


@audit.command()
def prove(
    writer: Annotated[str, typer.Argument(help="Whose journal the record is in: orthanc, api, cli.")],
    sequence: Annotated[int, typer.Argument(min=1, help="The record's number.")],
    output: Annotated[Path | None, typer.Option(help="File to write; else standard output.")] = None,
) -> None:
    """Prove that a record is in the trail, without showing any other; `verify --proof` reads it."""
    with _trail() as (_, trail):
        from neuronova.audit.proof import prove as make_proof

        written = json.dumps(make_proof(trail, writer, sequence, _keys(trail, None)), ensure_ascii=False, indent=1)
        if output is None:
            typer.echo(written)
        else:
            output.write_text(written + "\n", encoding="utf-8")
            typer.echo(f"The proof of record {sequence} of {writer} is in {output}.")


@audit.command()
def search(
    patient: _Patient = None,
    issuer: _Issuer = None,
    study: _Study = None,
    user: _User = None,
    since: _Since = None,
    until: _Until = None,
    action: _Action = None,
    outcome: _Outcome = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many to show at most.")] = 100,
) -> None:
    """Show who accessed what, the newest first; the search itself is recorded."""
    with _trail() as (settings, trail):
        from rich.console import Console

        from neuronova.audit.search import search as find
        from neuronova.cli.audit_report import records_table

        query = _query(patient, issuer, study, user, since, until, action, outcome)
        _record(settings, Action.SEARCH, query)
        page = find(trail.journals(), query, limit=limit)
        Console().print(records_table(page.records))
        if page.next is not None:
            typer.echo(f"There are more than these {limit}.", err=True)


@audit.command()
def export(
    form: Annotated[Form, typer.Option("--format", help="FHIR AuditEvent (NDJSON), DICOM audit messages, or CSV.")],
    output: Annotated[Path, typer.Option(help="File to write, which must not exist.")],
    patient: _Patient = None,
    issuer: _Issuer = None,
    study: _Study = None,
    user: _User = None,
    since: _Since = None,
    until: _Until = None,
    action: _Action = None,
    outcome: _Outcome = None,
) -> None:
    """Write records to a file, the newest first; the export itself is recorded."""
    with _trail() as (settings, trail):
        from neuronova.audit.export.form import lines
        from neuronova.audit.search import every

        query = _query(patient, issuer, study, user, since, until, action, outcome)
        _record(settings, Action.EXPORT, query, format=form.value, file=output.name)
        count = 0
        with output.open("x", encoding="utf-8", newline="") as file:
            output.chmod(0o600)
            end = "\r\n" if form is Form.CSV else "\n"  # RFC 4180
            for count, line in enumerate(lines(form, every(trail.journals(), query), settings.aet), 1):  # noqa: B007
                file.write(line + end)
        typer.echo(f"{count - (form is Form.CSV)} records are in {output}.")


@audit.command()
def checkpoint() -> None:
    """Sign how far all chains have come; copied to another place, that vouches for them."""
    with _trail() as (_, trail):
        from neuronova.audit.checkpoints import make_checkpoint
        from neuronova.audit.signing import signer_of

        made = make_checkpoint(trail.journals(), trail.checkpoints, signer_of(trail.keys), time.time())
        told = ", ".join(f"{tip.writer} to record {tip.sequence}" for tip in made.tips)
        typer.echo(f"Checkpoint {made.number} in {trail.checkpoints} vouches for: {told or 'no journal'}.")


@audit.command()
def cut(
    days: Annotated[int, typer.Option(min=1, help="Keep the records of so many days.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove old records from the journals, by a signed statement after which verification goes on."""
    with _trail() as (settings, trail):
        from neuronova.audit.forward import collector_of
        from neuronova.audit.retention import cut_all, require_whole
        from neuronova.audit.signing import signer_of

        signer, now = signer_of(trail.keys), time.time()
        require_whole(trail, signer.keys)
        if not yes:
            typer.confirm(f"Remove all audit records older than {days} days?", abort=True)
        _record(settings, Action.CUT, None, days=str(days))
        for path, made in cut_all(trail, now - days * DAY, signer, now, collector_of(settings)):
            told = "has nothing so old" if made is None else f"lost records {made.first} to {made.sequence}"
            typer.echo(f"{path.stem} {told}.")
            if made is not None:
                typer.echo(f"They are in {trail.removed / made.export}, to be kept elsewhere or deleted.")


@audit.command()
def status() -> None:
    """Show how far the trail is signed and forwarded, and how long records are kept."""
    with _trail() as (settings, trail):
        from neuronova.audit.forward import collector_of
        from neuronova.audit.retention import last_cut
        from neuronova.audit.status import public_keys, status_of
        from neuronova.cli.audit_report import said_of_status

        cut_at = last_cut(trail, public_keys(trail))
        for line in said_of_status(status_of(trail, collector_of(settings)), cut_at, settings):
            typer.echo(line)


@contextmanager
def _trail() -> Iterator[tuple[Settings, Trail]]:
    """Give the audit trail; what goes wrong with it is one line."""
    with in_one_line():
        from neuronova.audit.files import JournalFailed
        from neuronova.audit.proof import NoProof
        from neuronova.audit.reading import BadJournal
        from neuronova.audit.retention import Broken
        from neuronova.audit.signing import BadKey
        from neuronova.audit.trail import Trail

        settings = load_settings()
        try:
            yield settings, Trail(settings.data)
        except (BadJournal, BadKey, Broken, JournalFailed, NoProof, OSError) as error:
            raise PlatformError(str(error)) from None


def _keys(trail: Trail, file: Path | None) -> Keys:
    """Return the keys to trust: those of `file`, or else the trail's own."""
    from neuronova.audit.signing import read_keys
    from neuronova.audit.status import public_keys

    return public_keys(trail) if file is None else read_keys(file)


def _check_proof(file: Path, keys: Keys) -> None:
    from neuronova.audit.proof import check_proof

    try:
        shown = json.loads(file.read_bytes())
    except ValueError:
        raise PlatformError(f"{file} is no proof: it is no JSON") from None
    record = check_proof(shown, keys)
    moment = datetime.fromtimestamp(record.event.time, UTC).isoformat(timespec="seconds")
    typer.echo(f"Record {record.sequence} of {record.writer}, of {moment}, is in the trail:")
    typer.echo(json.dumps(shown["record"]["event"], ensure_ascii=False, indent=1))


def _query(
    patient: str | None,
    issuer: str | None,
    study: str | None,
    user: str | None,
    since: str | None,
    until: str | None,
    action: Action | None,
    outcome: Outcome | None,
) -> Query:
    from neuronova.audit.search import Query

    return Query(
        patient_id=patient,
        issuer=issuer,
        study=study,
        subject=user,
        since=_moment(since),
        until=_moment(until),
        action=action,
        outcome=outcome,
    )


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PlatformError(f"{text} is no time; write it like 2026-01-31T12:00 or 2026-01-31") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _record(settings: Settings, action: Action, query: Query | None, **detail: str) -> None:
    """Record what is about to be done with the trail; what cannot be recorded is not done."""
    from dataclasses import asdict

    from cdss_api.audit.journals import open_journal
    from neuronova.contract.audit import Event

    asked: dict[str, Any] = {} if query is None else {n: v for n, v in asdict(query).items() if v is not None}
    journal = open_journal(settings, "cli")
    try:
        journal.append(
            Event(
                time=time.time(),
                action=action,
                outcome=Outcome.ALLOWED,
                subject=f"cli:{getpass.getuser()}",
                patient_id=asked.get("patient_id", ""),
                issuer=asked.get("issuer", ""),
                study=asked.get("study", ""),
                detail=json.dumps(asked | detail, ensure_ascii=False, sort_keys=True),
            )
        )
    finally:
        journal.close()
