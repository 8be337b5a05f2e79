"""A process for tests to kill: runs jobs of the kind `book` against the carrier at argv[1]."""

import asyncio
import os
import sys

import httpx

from crossdock_chassis.database import Database, Transaction, open_engine
from crossdock_chassis.job_runner import JobBounds, JobRunner
from crossdock_chassis.jobs import Destination, Job


async def main() -> None:
    database = Database(open_engine(os.environ["WORKER_DATABASE_URL"]), Transaction)
    http = httpx.AsyncClient(base_url=sys.argv[1], timeout=60)

    async def book(job: Job) -> None:
        await http.post("/book", json={"reference": job.reference})
        async with database.transaction() as tx:
            await tx.jobs.done(job)

    await JobRunner(database, {"book": book}, [Destination("carrier")], JobBounds(lease_s=3)).run()


asyncio.run(main())
