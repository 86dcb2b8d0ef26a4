"""`drain_pgqueuer.py ADDRESS COUNT`: jobs per second that PgQueuer carries out, each doing nothing."""

import asyncio
import sys
import time

import asyncpg
from pgqueuer import AsyncpgDriver, PgQueuer, Queries
from pgqueuer.models import Job
from pgqueuer.types import QueueExecutionMode

BATCH = 200  # of 10, 50, 200 and 500 the quickest here


async def main(address: str, count: int) -> None:
    """Queue the jobs, and time one worker that ends when none is left."""
    connection = await asyncpg.connect(address)
    driver = AsyncpgDriver(connection)
    queries = Queries(driver)
    await queries.install()
    for begun in range(0, count, 1000):
        size = min(1000, count - begun)
        await queries.enqueue(["nothing"] * size, [b"{}"] * size, [0] * size)
    worker = PgQueuer(driver)
    done = 0

    @worker.entrypoint("nothing")
    async def nothing(_job: Job) -> None:
        nonlocal done
        done += 1

    started = time.perf_counter()
    await worker.run(mode=QueueExecutionMode.drain, batch_size=BATCH)
    seconds = time.perf_counter() - started
    if done != count:
        raise RuntimeError("not all jobs were carried out")
    print(count / seconds)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
