"""The floor of the intake: proof, order number, rows, answer. `python -m tests.load.floor.intake PORT`.

The database's address and the order whose rows are written again come as environment variables.
"""

import hashlib
import hmac
import json
import os
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crossdock_chassis.ids import new_id

from ..deliveries import SECRET
from .rows import statement_like
from .serving import serve

CONNECTIONS = 16


def application(database_url: str, order_id: UUID) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        # `reset`: nothing in a session has to be undone, so it is not asked for between two requests.
        async with asyncpg.create_pool(
            database_url, min_size=CONNECTIONS, max_size=CONNECTIONS, reset=_nothing
        ) as pool:
            app.state.pool = pool
            async with pool.acquire() as connection:
                app.state.statement = await statement_like(connection, order_id)
            yield

    async def post(request: Request) -> Response:
        body = await request.body()
        given = b64decode(request.headers["x-shopify-hmac-sha256"])
        if not hmac.compare_digest(given, hmac.digest(SECRET.encode(), body, "sha256")):
            return Response(status_code=401)
        order_id = new_id()
        changing = {
            "message_id": new_id(),
            "delivery_id": request.headers["x-shopify-webhook-id"],
            "body": body,
            "body_sha256": hashlib.sha256(body).digest(),
            "order_id": order_id,
            "order_key": str(order_id),
            "external_id": str(json.loads(body)["id"]),
            "event_id": new_id(),
        }
        statement = app.state.statement
        async with app.state.pool.acquire() as connection:
            await connection.execute(statement.sql, *statement.arguments(changing))
        return Response(status_code=200)

    async def ready(_: Request) -> Response:
        return Response(status_code=200)

    routes = [Route("/webhooks/{platform}/{account}", post, methods=["POST"]), Route("/readyz", ready)]
    app = Starlette(routes=routes, lifespan=lifespan)
    return app


async def _nothing(_: asyncpg.Connection) -> None:
    pass


if __name__ == "__main__":
    serve(application(os.environ["BENCH_DATABASE_URL"], UUID(os.environ["BENCH_ORDER_ID"])))
