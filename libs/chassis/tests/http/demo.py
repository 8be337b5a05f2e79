"""A small application over a real database, asked in-process."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import httpx
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import text
from starlette.responses import Response

from crossdock_chassis.database import Database
from crossdock_chassis.http import (
    Idempotent,
    Limit,
    Page,
    Paging,
    Principal,
    create_app,
    database_of,
    page_of,
    require,
)
from crossdock_chassis.telemetry import current_traceparent

DemoDatabase = Annotated[Database[Any], Depends(database_of)]
Reader = Annotated[Principal, Depends(require("orders:read"))]
Writer = Annotated[Principal, Depends(require("orders:write"))]


class OrderNotFound(Exception):
    """Its argument is the order's id."""


class Wish(BaseModel):
    what: str = Field(max_length=20)
    units: int


class Effect(BaseModel):
    n: int
    what: str


class Gate:
    """Lets a test hold a request in the middle of its transaction, or break it there."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False
        self.broken_at_the_end = False

    async def __call__(self) -> None:
        self.reached.set()
        await self.open.wait()
        if self.broken:
            raise RuntimeError("buyer jane@example.org could not be read")


def a_client(database: Database[Any] | None, gate: Gate | None = None) -> httpx.AsyncClient:
    gate = gate or Gate()
    router = APIRouter(prefix="/v1")

    @router.post("/effects", status_code=201)
    async def post_effect(
        wish: Wish, principal: Writer, call: Idempotent, database: DemoDatabase
    ) -> Response:
        async with database.transaction() as tx:
            await call.claim(tx, principal)
            insert = text("insert into effect (what) values (:what) returning n")
            n = (await tx.connection.execute(insert, {"what": wish.what})).scalar_one()
            await gate()
            answer = await call.answer(tx, 201, Effect(n=n, what=wish.what), location=f"/v1/effects/{n}")
            if gate.broken_at_the_end:
                raise RuntimeError("the transaction could not be committed")
            return answer

    @router.get("/effects")
    async def get_effects(principal: Reader, paging: Paging, database: DemoDatabase) -> Page[Effect]:
        after = paging.key(int) or (0,)
        query = text("select n, what from effect where n > :after order by n limit :limit")
        async with database.transaction() as tx:
            found = await tx.connection.execute(query, {"after": after[0], "limit": paging.limit + 1})
        return page_of(
            found.all(),
            paging,
            item=lambda row: Effect(n=row.n, what=row.what),
            key=lambda row: [str(row.n)],
        )

    @router.get("/orders/{order_id}")
    async def get_order(order_id: UUID) -> None:
        raise OrderNotFound(order_id)

    @router.post("/wishes")
    async def post_wish(wish: Wish) -> str | None:
        return current_traceparent()

    @router.get("/broken")
    async def get_broken() -> None:
        gate.broken = True
        await gate()

    app = create_app(
        "demo-service",
        "1.2.3",
        database=database,  # type: ignore[arg-type]  # routes without one are asked without one
        routers=[router],
        domain_errors={OrderNotFound: (404, "order-not-found")},
        limits={"/webhooks/": Limit(body_bytes=4_000_000, receive_s=10)},
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://demo")
