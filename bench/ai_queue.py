"""Jobs per second from the table to a service that ends each at once, so that the queue itself is measured."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select

from bench.report import Result, Row
from cdss_api.database import Database, database_url, migrate
from cdss_api.jobs.models import Job
from cdss_api.jobs.states import State
from neuronova.contract.settings import read_settings
from tests import postgres
from tests.accounts.api import Api, Clock
from tests.databases import named
from tests.jobs.judging import judged, tell
from tests.jobs.speaking import Spoken, speaking
from tests.outbox.test_celery import celery, redis
from tests.running import ADMIN_PASSWORD
from tests.server import until
from tests.worker import worker

PER_MINUTE = 60  # what one machine's models could ever end, several times over
IN_FLIGHT = (4, 64)
_SECRET = "s" * 43
_A_MESSAGE = 50


class _Now(Clock):
    def __call__(self) -> float:
        return time.time()


def queue(jobs: int) -> Iterator[Result]:
    """Yield jobs per second by the platform's own worker on both databases and by Celery over Redis."""
    with ExitStack() as stack:
        address, broker = stack.enter_context(postgres.cluster()), stack.enter_context(_redis())
        for most in IN_FLIGHT:
            for name in ("SQLite, own worker", "PostgreSQL, own worker", "PostgreSQL, Celery with Redis"):
                more = {"NEURONOVA_AI_IN_FLIGHT": str(most)}
                if "PostgreSQL" in name:
                    database = f"jobs_{most}_{'celery' if 'Celery' in name else 'own'}"
                    postgres.execute(address, f"CREATE DATABASE {database}")
                    more["NEURONOVA_DATABASE_URL"] = named(address, database)
                if "Celery" in name:
                    more["NEURONOVA_BROKER_URL"] = broker
                rate = _rate(jobs, more)
                wanted = PER_MINUTE / 60
                what = f"AI: jobs per second through the queue, {most} at a time, {name}"
                yield Row(what=what, against="1 /s", ours=rate, peer=wanted, unit="/s", ratio=rate / wanted, target=1.0)


def _rate(jobs: int, more: dict[str, str]) -> float:
    with TemporaryDirectory(prefix="nnj", dir="/var/tmp") as folder, speaking() as spoken:
        for name in ("api", "keys"):
            (Path(folder) / name).mkdir()
        # Nothing is published, which would be Orthanc's work.
        spoken.status, spoken.reason = "not_evaluable", "measured"
        port = spoken.url.rpartition(":")[2]
        ours = {"NEURONOVA_DATA": folder, "NEURONOVA_ADMIN_PASSWORD": ADMIN_PASSWORD, "NEURONOVA_INFERENCE_PORT": port}
        settings = read_settings(ours | more)
        settings.inference_secret_file.write_text(_SECRET)
        made = Database(database_url(settings))
        migrate(made)
        made.close()
        api = Api(settings, clock=_Now())
        try:
            series = [judged(f"1.2.{number + 1}", study=f"1.3.{number + 1}") for number in range(jobs)]
            for first in range(0, jobs, _A_MESSAGE):
                tell(api, *series[first : first + _A_MESSAGE])
            working = _celery(ours | more, Path(folder)) if "NEURONOVA_BROKER_URL" in more else worker(ours | more)
            with working:
                until(lambda: _ended(api.service.database) == jobs, "all jobs have ended", 300)
            return _per_second(api.service.database, spoken, jobs)
        finally:
            api.service.database.close()


def _ended(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).where(Job.state == State.NOT_EVALUABLE)) or 0


def _per_second(database: Database, spoken: Spoken, jobs: int) -> float:
    """Return the rate from the first asking to the last end, each job having been asked for once."""
    with database.reading() as session:
        first, last = session.execute(select(func.min(Job.submitted_at), func.max(Job.ended_at))).one()
    if spoken.count("POST") != jobs:
        raise RuntimeError(f"{spoken.count('POST')} requests for {jobs} jobs")
    if first is None or last is None:
        raise RuntimeError("a job has no times")
    return jobs / (last - first)


@contextmanager
def _celery(variables: dict[str, str], folder: Path) -> Iterator[None]:
    # The worker looks after jobs, and learns which models there are; Celery delivers them.
    with worker(variables), celery(variables, folder):
        yield


@contextmanager
def _redis() -> Iterator[str]:
    with TemporaryDirectory(prefix="nnr") as folder, redis(Path(folder)) as address:
        yield address
