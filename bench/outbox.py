"""The outbox: messages per second from the table to a target that takes everything, side by side with task queues."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from sqlalchemy import text

from bench.outbox_bundles import bundles
from bench.outbox_latency import latency
from bench.report import Detail, Pairs, Result, Row
from cdss_api.database import Database, database_url, migrate
from cdss_api.outbox.delivery import Delivery
from cdss_api.outbox.verdicts import Outcome, Verdict
from cdss_api.outbox.worker import Worker
from neuronova.contract.settings import read_settings
from tests import postgres
from tests.databases import named

QUEUES = Path(__file__).with_name("queues")
PYTHON = Path(__file__).parent.parent / ".queues" / "bin" / "python"
PER_SECOND, PER_SECOND_HOT = 5_000, 1_000  # what is asked of it
MILLION = 1_000_000
WORKERS = 2  # of 1, 2 and 3 the quickest here, as the peers' figures are
_names = count(1)

_STREAMS = text(
    "INSERT INTO outbox_stream (target, aggregate, visible_at, fence, leased, parked)"
    " SELECT 'sink', 'Patient/' || n, 0, 0, false, false FROM generate_series(1, :streams) AS n"
)
_MESSAGES = text(
    "INSERT INTO outbox_message (stream, key, kind, payload, state, attempts, created_at, changed_at)"
    " SELECT stream.number, md5(n::text), 'update', :payload, :state, 0, 0, 0"
    " FROM generate_series(1, :messages) AS n JOIN outbox_stream AS stream"
    " ON stream.aggregate = 'Patient/' || (n % :streams + 1)"
)
_TARGET = text("INSERT INTO outbox_target (target, breaker, failures, openings) VALUES ('sink', 'closed', 0, 0)")
_PAYLOAD = '{"resourceType": "Patient", "id": "a", "active": true}'


def measure(quick: bool) -> Iterator[Result]:
    """Yield what is drained per second on PostgreSQL and SQLite."""
    messages, rounds = (2_000, 1) if quick else (20_000, 3)
    with postgres.cluster() as address:
        pgqueuer, procrastinate, alone = Pairs(), Pairs(), []
        for _ in range(rounds):
            with _postgres(address, messages, streams=messages // 10) as database:
                alone.append(_drain(database, messages))
            with _postgres(address, messages, streams=messages // 10) as database:
                ours = _drain(database, messages, WORKERS)
            pgqueuer.add(ours, _queue(address, "pgqueuer", messages))
            procrastinate.add(ours, _queue(address, "procrastinate", messages // 10))
        what = "outbox: messages per second to a target that takes all, PostgreSQL without statistics, one worker"
        yield _at_least(what, alone, PER_SECOND)
        what = f"outbox: the same, one process with {WORKERS} workers"
        yield pgqueuer.row(what, "PgQueuer, one process with batches of 200 (keeps no order)", "/s", 1.0)
        yield procrastinate.row(what, "procrastinate, one process with 20 tasks at a time", "/s", 10.0)
        hot = []
        for _ in range(rounds):
            with _postgres(address, messages // 4, streams=1) as database:
                hot.append(_drain(database, messages // 4))
        yield _at_least("outbox: messages per second about one aggregate, in order", hot, PER_SECOND_HOT)
        full = Pairs()
        for _ in range(rounds):
            with _postgres(address, messages, streams=messages // 10, completed=MILLION) as database:
                after = _drain(database, messages)
            with _postgres(address, messages, streams=messages // 10) as database:
                full.add(after, _drain(database, messages))
        yield full.row("outbox: beside a million completed messages", "an empty table", "/s", 0.8)
    with TemporaryDirectory(prefix="nnq", dir="/var/tmp") as folder, _sqlite(Path(folder), messages) as database:
        rate = _drain(database, messages)
    with postgres.cluster() as address:
        name = f"outbox_{next(_names)}"
        postgres.execute(address, f"CREATE DATABASE {name}")
        yield latency("PostgreSQL", {"NEURONOVA_DATABASE_URL": named(address, name)}, 50 if quick else 300)
    yield latency("SQLite", {}, 50 if quick else 300)
    yield from bundles(200 if quick else 1000)
    yield Detail(f"The outbox on SQLite, one worker: {rate:,.0f} messages per second.")


def _at_least(what: str, rates: list[float], limit: int) -> Row:
    rate = median(rates)
    return Row(what=what, against=f"{limit:,} /s", ours=rate, peer=limit, unit="/s", ratio=rate / limit, target=1.0)


def _drain(database: Database, messages: int, workers: int = 1) -> float:
    """Return how many messages a second the workers of one process deliver, each message once."""
    taken: list[int] = []

    def take(delivery: Delivery, *, renew: bool) -> Outcome:
        taken.append(delivery.number)
        return Outcome(Verdict.OK)

    def work(_number: int) -> None:
        worker = Worker(database, take, time.time, random.random, only=["sink"])
        while len(taken) < messages:
            worker.drain(60.0)  # what is left may be another worker's for a moment

    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    seconds = time.perf_counter() - started
    if len(taken) != messages or len(set(taken)) != messages:
        raise RuntimeError(f"{len(taken)} deliveries of {messages} messages")
    return messages / seconds


@contextmanager
def _postgres(address: str, messages: int, streams: int, completed: int = 0) -> Iterator[Database]:
    """Give a database with so many messages that wait, which nobody has analysed."""
    name = f"outbox_{next(_names)}"
    postgres.execute(address, f"CREATE DATABASE {name}")
    database = Database(database_url(read_settings({"NEURONOVA_DATABASE_URL": named(address, name)})))
    try:
        migrate(database)
        with database.engine.begin() as connection:
            for table in ("outbox_stream", "outbox_message"):
                connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = false)"))
            connection.execute(_TARGET)
            connection.execute(_STREAMS, {"streams": streams})
            waiting = {"streams": streams, "payload": _PAYLOAD}
            if completed:
                connection.execute(_MESSAGES, waiting | {"messages": completed, "state": "completed"})
            connection.execute(_MESSAGES, waiting | {"messages": messages, "state": "pending"})
        yield database
    finally:
        database.close()
        postgres.execute(address, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _sqlite(folder: Path, messages: int) -> Iterator[Database]:
    (folder / "api").mkdir()
    database = Database(database_url(read_settings({"NEURONOVA_DATA": str(folder)})))
    try:
        migrate(database)
        streams = messages // 10
        with database.writing() as session:
            session.execute(_TARGET)
            columns = "(number, target, aggregate, visible_at, fence, leased, parked)"
            made = text(f"INSERT INTO outbox_stream {columns} VALUES (:number, 'sink', :number, 0, 0, false, false)")
            session.execute(made, [{"number": number} for number in range(1, streams + 1)])
            columns = "(stream, key, kind, payload, state, attempts, created_at, changed_at)"
            written = text(
                f"INSERT INTO outbox_message {columns} VALUES (:stream, 'key', 'update', :payload, 'pending', 0, 0, 0)"
            )
            rows = [{"stream": number % streams + 1, "payload": _PAYLOAD} for number in range(messages)]
            session.execute(written, rows)
        yield database
    finally:
        database.close()
        shutil.rmtree(folder / "api")


def _queue(address: str, name: str, jobs: int) -> float:
    """Return what a task queue carries out per second, in a process and a database of its own."""
    database = f"queue_{next(_names)}"
    postgres.execute(address, f"CREATE DATABASE {database}")
    command = [str(PYTHON), str(QUEUES / f"drain_{name}.py"), named(address, database), str(jobs)]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    finally:
        postgres.execute(address, f"DROP DATABASE {database} WITH (FORCE)")
    return float(done.stdout)
