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

    async def book(job: Job) -> None:
        async with httpx.AsyncClient(base_url=sys.argv[1], timeout=60) as http:
            await http.post("/book", json={"reference": job.reference})
        async with database.transaction() as tx:
            await tx.jobs.done(job)

    await JobRunner(database, {"book": book}, [Destination("carrier")], JobBounds(lease_s=1.5)).run()


asyncio.run(main())
