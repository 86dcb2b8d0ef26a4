"""What became of an import, as a table and as a file."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.table import Table

from neuronova.importing.outcome import Outcome, Result
from neuronova.importing.places import shown
from neuronova.importing.running import Tally
from neuronova.platform.errors import PlatformError

COLUMNS = ("path", "outcome", "reason", "SOPInstanceUID", "sha256", "bytes")
_MEANING = {
    Outcome.STORED: "the archive has them now",
    Outcome.DUPLICATE: "the archive had the very same bytes",
    Outcome.DIRECTORY: "DICOMDIR: names files, is no object",
    Outcome.NOT_DICOM: "left out",
    Outcome.LINK: "not followed",
    Outcome.FAILED: "not in the archive; the report says why",
}


def table_of(tally: Tally, seconds: float) -> Table:
    """Return a row for each outcome; `seconds` is how long this run took."""
    title = f"Import, {seconds:,.1f} s" + (f", {tally.before:,} files done before" if tally.before else "")
    table = Table("outcome", "files", "MB", "", title=title)
    for column in table.columns[1:3]:
        column.justify = "right"
    for outcome in Outcome:
        if count := tally.outcomes[outcome]:
            table.add_row(outcome.value, f"{count:,}", f"{tally.sizes[outcome] / 1e6:,.1f}", _MEANING[outcome])
    return table


def write_report(path: Path, rows: Iterable[tuple[bytes, Result]]) -> None:
    """Write a line for each file, as CSV or, where the name ends in `.jsonl`, as JSON lines.

    Its owner alone may read it: paths can name patients.

    Raises:
        PlatformError: it cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.writelines(_json_lines(rows) if path.suffix == ".jsonl" else _csv_lines(rows))
        part.replace(path)
    except OSError as error:
        raise PlatformError(f"the report {path} cannot be written: {error.strerror}") from None


def _values(key: bytes, result: Result) -> tuple[str | int, ...]:
    return (shown(key), result.outcome.value, result.reason, result.instance, result.digest, result.size)


def _json_lines(rows: Iterable[tuple[bytes, Result]]) -> Iterator[str]:
    for key, result in rows:
        yield json.dumps(dict(zip(COLUMNS, _values(key, result), strict=True)), ensure_ascii=False) + "\n"


class _Line:
    """What `csv` writes to: it hands back the line."""

    def write(self, line: str) -> str:
        return line


def _csv_lines(rows: Iterable[tuple[bytes, Result]]) -> Iterator[str]:
    writer = csv.writer(_Line(), lineterminator="\n")
    for number, (key, result) in enumerate(rows):
        if number == 0:
            yield str(writer.writerow(COLUMNS))
        yield str(writer.writerow([_harmless(value) for value in _values(key, result)]))


def _harmless(value: str | int) -> str | int:
    """Return a value that no spreadsheet takes for a formula: names of files are anybody's."""
    return "'" + value if isinstance(value, str) and value.startswith(("=", "+", "-", "@")) else value
