"""Search keys to SQL: the matching of PS3.4 C.2.2.2 over what the register keeps of studies and series."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pydicom.datadict import keyword_for_tag

from orthanc_plugins.access.identity import SERIES_KEYS, STUDY_KEYS

LONGEST_VALUE = 8192
LONGEST_NAME = 64
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{8}", re.ASCII)
_RANGES = frozenset({"StudyDate", "StudyTime", "PatientBirthDate"})
NO_LIMIT = -1


class OddQuery(ValueError):
    """The query cannot be understood; the message says which part of it."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition and its parameters."""

    sql: str
    parameters: tuple[str | float, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A search: conditions on studies and on series, keys that only Orthanc can match, and the page asked for."""

    study: tuple[Clause, ...]
    series: tuple[Clause, ...]
    others: tuple[tuple[str, str], ...]
    shown: tuple[tuple[str, str], ...]
    limit: int = NO_LIMIT
    offset: int = 0


def read_query(pairs: Iterable[tuple[str, str]]) -> Query:
    """Read the decoded arguments of a search (PS3.18 8.3.4).

    Raises:
        OddQuery: an argument is too long, or a number is none.
    """
    study: list[Clause] = []
    series: list[Clause] = []
    others: list[tuple[str, str]] = []
    shown: list[tuple[str, str]] = []
    numbers = {"limit": 0, "offset": 0}
    for name, value in pairs:
        if len(value) > LONGEST_VALUE or len(name) > LONGEST_NAME:
            raise OddQuery(f"{name[:LONGEST_NAME]} is too long")
        keyword = _keyword(name)
        if name in numbers:
            numbers[name] = _number(name, value)
        elif name == "includefield":
            shown.append((name, value))
        elif name == "fuzzymatching" or value in ("", "*"):
            continue  # universal matching
        elif keyword in _STUDY:
            study.append(_STUDY[keyword](keyword, value))
        elif keyword in _SERIES:
            series.append(_SERIES[keyword](keyword, value))
        else:
            others.append((name, value))
    # PS3.18 8.3.4.4 takes a limit of 0 as it stands; Orthanc, and so its viewers, as no limit.
    limit = numbers["limit"] or NO_LIMIT
    return Query(tuple(study), tuple(series), tuple(others), tuple(shown), limit, numbers["offset"])


def _keyword(name: str) -> str:
    return keyword_for_tag(int(name, 16)) if _HEXADECIMAL.fullmatch(name) else name


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 10):
        raise OddQuery(f"{name} takes a number")
    return int(value)


def _one_of(table: str, _keyword: str, value: str) -> Clause:
    uids = [uid for uid in re.split(r"[,\\]", value) if uid]
    return Clause(f"{table}.uid IN ({', '.join('?' * len(uids))})", tuple(uids))


def _modalities(_keyword: str, value: str) -> Clause:
    inner = _any_pattern("other.keys ->> 'Modality'", re.split(r"[,\\]", value))
    return Clause(
        f"EXISTS (SELECT 1 FROM series AS other WHERE other.study = study.number AND {inner.sql})",  # noqa: S608
        inner.parameters,
    )


def _match(table: str, keyword: str, value: str) -> Clause:
    column = f"{table}.keys ->> '{keyword}'"  # the keyword is one of ours
    if keyword in _RANGES and "-" in value:
        return _range(column, value)
    return _any_pattern(column, value.split("\\"))


def _range(column: str, value: str) -> Clause:
    low, _, high = value.partition("-")
    conditions = [f"{column} <> ''"]
    parameters: list[str] = []
    for bound, operator in ((low, ">="), (high, "<=")):
        if bound:
            conditions.append(f"{column} {operator} ?")
            # A shorter bound stands for all that begins with it: 1200 ends after 120059.
            parameters.append(bound if operator == ">=" else bound + "\U0010ffff")
    return Clause(f"({' AND '.join(conditions)})", tuple(parameters))


def _any_pattern(column: str, values: Sequence[str]) -> Clause:
    patterns = tuple(glob(value) for value in values)
    return Clause("(" + " OR ".join([f"{column} GLOB ?"] * len(patterns)) + ")", patterns)


def glob(value: str) -> str:
    """Return SQLite's pattern for a value with DICOM's wildcards, which are the same but for the bracket."""
    return value.strip(" \0").casefold().replace("[", "[[]")


_Reader = Callable[[str, str], Clause]
_STUDY: Mapping[str, _Reader] = {
    **dict.fromkeys(STUDY_KEYS, partial(_match, "study")),
    "StudyInstanceUID": partial(_one_of, "study"),
    "ModalitiesInStudy": _modalities,
}
_SERIES: Mapping[str, _Reader] = {
    **dict.fromkeys(SERIES_KEYS, partial(_match, "series")),
    "SeriesInstanceUID": partial(_one_of, "series"),
}
