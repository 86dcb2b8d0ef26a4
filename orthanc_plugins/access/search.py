"""Studies and series that a bearer of limited reach sees and that match: one query, permission and all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neuronova.contract.roles import Reach
from orthanc_plugins.access.decision import Bearer
from orthanc_plugins.access.matching import Clause, Query
from orthanc_plugins.access.store import Store

_PERMITTED = """EXISTS (
    SELECT 1 FROM permitted
    WHERE permitted.account = ? AND permitted.patient_id = {study}.patient_id AND permitted.issuer = {study}.issuer
    AND (permitted.until IS NULL OR permitted.until > ?)
)"""
# Whoever does not see all patients under whom a StudyInstanceUID exists does not see the study.
_UNSEEN_TWIN = """NOT EXISTS (
    SELECT 1 FROM study AS twin WHERE twin.uid = study.uid AND twin.number <> study.number AND NOT {condition}
)"""
_NEWEST_FIRST = "ORDER BY study.number DESC"


class Search:
    """Finds what a bearer may see."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def studies(self, bearer: Bearer, query: Query, now: float, limit: int, offset: int) -> list[str]:
        """Return the StudyInstanceUIDs of a page of the studies that match, each once, the newest first."""
        where, parameters = _where([*_visible(bearer, now), *query.study, *_with_series(query.series)])
        statement = (
            f"SELECT study.uid FROM study WHERE {where} GROUP BY study.uid ORDER BY max(study.number) DESC"  # noqa: S608
            " LIMIT ? OFFSET ?"
        )
        return [uid for (uid,) in self._store.rows(statement, [*parameters, limit, offset])]

    def series(self, bearer: Bearer, query: Query, now: float, limit: int, offset: int) -> list[tuple[str, str]]:
        """Return a page of the series that match, as StudyInstanceUID and SeriesInstanceUID."""
        where, parameters = _where([*_visible(bearer, now), *query.study, *query.series])
        statement = (
            f"SELECT study.uid, series.uid FROM series JOIN study ON study.number = series.study WHERE {where}"  # noqa: S608
            f" {_NEWEST_FIRST}, series.number LIMIT ? OFFSET ?"
        )
        return [(study, series) for study, series in self._store.rows(statement, [*parameters, limit, offset])]


def _visible(bearer: Bearer, now: float) -> list[Clause]:
    conditions: list[Clause] = []
    if bearer.claims.studies is not None:
        uids = tuple(sorted(bearer.claims.studies))
        conditions.append(Clause(f"study.uid IN ({', '.join('?' * len(uids))})", uids))
    if bearer.reach is Reach.ALL:
        return conditions
    if bearer.reach is Reach.RECENT:
        seen = Clause("{study}.arrived >= ?", (bearer.recent_since,))
    else:
        seen = Clause(_PERMITTED, (bearer.claims.subject, now))
    twin = _UNSEEN_TWIN.format(condition=seen.sql.format(study="twin"))
    return [*conditions, Clause(seen.sql.format(study="study"), seen.parameters), Clause(twin, seen.parameters)]


def _with_series(clauses: Sequence[Clause]) -> list[Clause]:
    if not clauses:
        return []
    where, parameters = _where(clauses)
    return [Clause(f"EXISTS (SELECT 1 FROM series WHERE series.study = study.number AND {where})", tuple(parameters))]  # noqa: S608


def _where(clauses: Sequence[Clause]) -> tuple[str, list[Any]]:
    return " AND ".join(clause.sql for clause in clauses) or "1", [p for clause in clauses for p in clause.parameters]
