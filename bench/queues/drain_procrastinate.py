"""`drain_procrastinate.py ADDRESS COUNT`: jobs per second that procrastinate carries out, each doing nothing."""

import asyncio
import sys
import time

from procrastinate import App, PsycopgConnector

CONCURRENCY = 20  # of 1, 5, 20 and 50 the quickest here


async def main(address: str, count: int) -> None:
    """Queue the jobs, and time one worker that ends when none is left."""
    app = App(connector=PsycopgConnector(conninfo=address))

    @app.task(name="nothing")
    async def nothing() -> None:
        pass

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for begun in range(0, count, 1000):
            await nothing.batch_defer_async(*[{}] * min(1000, count - begun))
        started = time.perf_counter()
        await app.run_worker_async(wait=False, concurrency=CONCURRENCY, install_signal_handlers=False)
        seconds = time.perf_counter() - started
        done = await app.job_manager.list_jobs_async(status="succeeded")
        if len(list(done)) != count:
            raise RuntimeError("not all jobs were carried out")
    print(count / seconds)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
