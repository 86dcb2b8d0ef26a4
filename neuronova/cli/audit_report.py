"""What `neuronova audit` shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from neuronova.audit.positions import Lag
from neuronova.audit.status import Status
from neuronova.audit.verify import ChainReport, Report
from neuronova.contract.audit import Outcome, Record
from neuronova.contract.settings import Settings

_STYLES = {Outcome.DENIED: "red", Outcome.FAILED: "yellow"}


def said_of(report: Report) -> Iterator[Table | Text]:
    """Yield a row for each chain, and then in words what is wrong, or that nothing is."""
    table = Table("chain", "records", "after the last checkpoint", "", title="Audit trail")
    for column in table.columns[1:3]:
        column.justify = "right"
    for chain in report.chains:
        table.add_row(chain.writer, f"{chain.verified:,}", f"{chain.after:,}", _holds(chain))
    yield table
    for fault in report.faults:
        yield Text(fault, "red")
    if report.sound:
        last = report.checkpoint
        until = "there is no checkpoint yet" if last is None else f"the last checkpoint is of {_moment(last.time)}"
        yield Text(f"The trail is whole; {until}.")


def records_table(records: Sequence[Record]) -> Table:
    """Return a row for each record."""
    table = Table("time (UTC)", "record", "user", "role", "action", "outcome", "patient", "study", "from", "accesses")
    for record in records:
        event = record.event
        outcome = f"{event.outcome} ({event.reason})" if event.reason else str(event.outcome)
        cells = [
            _moment(event.time),
            f"{record.writer} {record.sequence}",
            event.subject,
            event.role,
            str(event.action),
            outcome,
            f"{event.patient_id} ({event.issuer})" if event.issuer else event.patient_id,
            event.study,
            event.aet or event.address,
            str(event.count),
        ]
        # As text, for what clients send may look like the library's markup.
        table.add_row(*map(Text, cells), style=_STYLES.get(event.outcome))
    return table


def said_of_status(status: Status, last_cut: float | None, settings: Settings) -> Iterator[str]:
    """Yield in words how the trail stands."""
    last = status.checkpoint
    signed = "there is no checkpoint" if last is None else f"checkpoint {last.number} of {_moment(last.time)}"
    yield f"Signed: {signed}; {_behind(status.unsigned)}"
    if status.unsent is None:
        yield "Forwarded: to nobody (NEURONOVA_SYSLOG)"
    else:
        yield f"Forwarded: to {settings.syslog}; {_behind(status.unsent)}"
        if status.problem is not None:
            yield f"  nothing is sent: {status.problem}"
    kept = "for ever" if settings.audit_years is None else f"for {settings.audit_years} years"
    cut = "nothing was cut" if last_cut is None else f"the last cut is of {_moment(last_cut)}"
    yield f"Kept: {kept} (NEURONOVA_AUDIT_YEARS); {cut}"


def _behind(lag: Lag) -> str:
    return "nothing waits" if lag.since is None else f"{lag.records:,} records wait, the first of {_moment(lag.since)}"


def _holds(chain: ChainReport) -> Text:
    if chain.fault is not None:
        return Text(str(chain.fault), "red")
    return Text("holds" if chain.cut is None else f"holds from record {chain.cut.sequence + 1} on, behind a signed cut")


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
