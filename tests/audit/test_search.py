"""Searching several journals as one."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from neuronova.audit.journal import AuditJournal
from neuronova.audit.reading import BadJournal, Reader, journals
from neuronova.audit.search import DAY, Cursor, Query, counts, every, search
from neuronova.contract.audit import Action, Outcome, Record
from tests.audit.events import NOON, event, filled


@dataclass(frozen=True)
class Trail:
    folder: Path
    paths: list[Path]
    all: list[Record]


@pytest.fixture(scope="module")
def trail(tmp_path_factory: pytest.TempPathFactory) -> Trail:
    folder, dice = tmp_path_factory.mktemp("audit"), random.Random(5)
    for writer in ("orthanc", "api"):
        journal = AuditJournal(folder / f"{writer}.db", writer)
        journal.append(
            *(
                event(number)
                if number % 4
                else event(dice.randrange(200), outcome=Outcome.DENIED, action=Action.QUERY, issuer="H", count=3)
                for number in range(200)
            )
        )
        journal.close()
    found = list(every(journals(folder), Query()))
    return Trail(folder, journals(folder), found)


def test_everything_newest_first(trail: Trail) -> None:
    assert len(trail.all) == 400
    order = [(record.event.time, record.writer, record.sequence) for record in trail.all]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        (Query(patient_id="P3"), lambda e: e.patient_id == "P3"),
        (Query(patient_id="P3", issuer=""), lambda e: e.patient_id == "P3" and not e.issuer),
        (Query(issuer="H"), lambda e: e.issuer == "H"),
        (Query(subject="user-1"), lambda e: e.subject == "user-1"),
        (Query(study="1.2.17"), lambda e: e.study == "1.2.17"),
        (Query(outcome=Outcome.DENIED), lambda e: e.outcome == "denied"),
        (Query(action=Action.READ), lambda e: e.action == "read"),
        (Query(since=NOON + 20, until=NOON + 30), lambda e: NOON + 20 <= e.time < NOON + 30),
        (Query(subject="user-1", patient_id="P3", outcome=Outcome.ALLOWED, since=NOON + 50), None),
        (Query(subject="nobody"), lambda e: False),
    ],
)
@pytest.mark.parametrize("limit", [7, 1000])
def test_pages_hold_what_fits_and_nothing_twice(trail: Trail, query: Query, fits: object, limit: int) -> None:
    def narrow(e: object) -> bool:
        return bool(vars_of(e) >= {("subject", "user-1"), ("patient_id", "P3"), ("outcome", "allowed")})

    wanted = [
        r for r in trail.all if (fits(r.event) if callable(fits) else narrow(r.event) and r.event.time >= NOON + 50)
    ]
    found: list[Record] = []
    after: Cursor | None = None
    while True:
        page = search(trail.paths, query, after=after, limit=limit)
        found += page.records
        after = page.next
        if after is None:
            break
        assert len(page.records) == limit
    assert found == wanted


def vars_of(e: object) -> set[tuple[str, str]]:
    return {(name, str(getattr(e, name))) for name in ("subject", "patient_id", "outcome")}


def test_counts_are_of_accesses(trail: Trail) -> None:
    by_hand: dict[tuple[int, Outcome], int] = {}
    for one in (record.event for record in trail.all if record.event.patient_id == "P0"):
        bucket = (int(one.time // 60) * 60, one.outcome)
        by_hand[bucket] = by_hand.get(bucket, 0) + one.count
    assert {(c.start, c.outcome): c.accesses for c in counts(trail.paths, Query(patient_id="P0"), width=60)} == by_hand
    days = counts(trail.paths, Query(patient_id="P0"), width=DAY)
    assert sum(day.accesses for day in days) == sum(by_hand.values())


@pytest.mark.parametrize(
    "query",
    [Query(patient_id="P"), Query(subject="u"), Query(study="1"), Query(outcome=Outcome.DENIED), Query(since=1)],
)
def test_searches_use_an_index_and_do_not_sort(trail: Trail, query: Query) -> None:
    from neuronova.audit.search import _conditions

    where, values = _conditions(query)
    with Reader(trail.paths[0]) as reader:
        statement = f"EXPLAIN QUERY PLAN SELECT event FROM record WHERE {where} ORDER BY time DESC, sequence DESC"
        plan = " ".join(str(row) for row in reader.db.execute(statement, values))
    assert "SEARCH" in plan
    assert "TEMP B-TREE" not in plan


def test_reads_while_it_is_written(tmp_path: Path) -> None:
    journal = AuditJournal(tmp_path / "api.db", "api")
    journal.append(event())
    with Reader(journal.path) as reader:
        journal.append(event(1))
        assert len(list(reader.entries())) == 1
    assert len(search([journal.path], Query()).records) == 2
    journal.close()


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database, but long enough to be looked into " * 20)
    (tmp_path / "empty.db").write_bytes(b"")
    for path in (*journals(tmp_path), tmp_path / "none.db"):
        with pytest.raises(BadJournal):
            Reader(path)


def test_a_journal_is_as_it_was_made_until_somebody_alters_it(tmp_path: Path) -> None:
    from tests.audit.events import unguarded

    path = filled(tmp_path / "api.db", "api", 3)
    with Reader(path) as reader:
        assert reader.as_made()
    unguarded(path).close()
    with Reader(path) as reader:
        assert not reader.as_made()
