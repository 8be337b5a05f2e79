"""A service as small as can be, run as a process of its own. Its faults are asked for by the environment."""

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from fastapi import APIRouter, FastAPI
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import ServiceSettings
from crossdock_chassis.database import Database, Transaction, open_engine
from crossdock_chassis.http import create_app
from crossdock_chassis.logging import get_logger
from crossdock_chassis.process import Service, run_service
from crossdock_chassis.telemetry import current_trace_id
from crossdock_contracts.envelope import Actor, ActorKind
from crossdock_contracts.inventory import ReleaseCause, StockReleasedV1

log = get_logger("demo")
FAULT = os.environ.get("DEMO_FAULT", "")


class DemoSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="DEMO_")


def build() -> Service:
    if FAULT == "cannot be built":
        raise RuntimeError("the adapter folder parrot_post has no codes.py")
    settings = DemoSettings.load()
    database = Database(open_engine(settings.database_url.get_secret_value()), Transaction)
    router = APIRouter(prefix="/v1")

    @router.get("/slow")
    async def get_slow(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    @router.post("/releases")
    async def post_release() -> str | None:
        event = StockReleasedV1(
            merchant_id="default",
            aggregate_version=1,
            actor=Actor(kind=ActorKind.SERVICE, name="demo"),
            order_id=uuid4(),
            order_version=1,
            released_because=ReleaseCause.NOTHING_HELD,
            released_allocation_ids=(),
        )
        async with database.transaction() as tx:
            await tx.outbox.add(event)
        return current_trace_id()

    async def on_released(events: Sequence[StockReleasedV1], *, tx: Transaction) -> None:
        log.info("demo.handled", trace_ids=[event.cause.traceparent for event in events])

    async def work(stopping: asyncio.Event) -> None:
        if FAULT == "dies":
            await asyncio.sleep(0.2)
            raise RuntimeError("the work cannot go on\njane@example.org")
        if FAULT == "returns":
            return
        await stopping.wait()
        if FAULT == "hangs":
            await asyncio.sleep(3600)
        while FAULT == "hangs for good":
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
        await asyncio.sleep(0.2)
        log.info("demo.work_ended")

    async def close() -> None:
        log.info("demo.closed")

    def build_app() -> FastAPI:
        return create_app("demo", "1.2.3", database=database, routers=[router])

    return Service(
        name="inventory",  # the topics for it are there
        settings=settings,
        database=database,
        build_app=build_app,
        migrations=Path(__file__).parent / "migrations",
        publishes={StockReleasedV1: "nothing: it is a demo"},
        handlers={StockReleasedV1: on_released},
        background={"demo": work},
        worklists={
            "parked": "select count(*) as items, extract(epoch from now() - min(since)) as age_s"
            " from parked_key"
        },
        close=[close],
    )


if __name__ == "__main__":
    sys.argv[0] = str(Path(__file__))
    run_service(build)
