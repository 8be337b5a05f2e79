"""An account of the made-up marketplace, and what it says of itself."""

import hashlib
import hmac
import json
from typing import Any

import httpx

from crossdock_chassis.ids import new_id
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.ports import Account, Secrets

from ..samples import an_account
from ..test_journeys import column, connect
from .server import KEY, ToyServer

URL = "/webhooks/toy/bricks"


async def a_toy_account(
    database: OrderDatabase, toy: ToyServer, name: str = "bricks", *, first: str = "r0"
) -> Account:
    """`first`: what the first tokens are bought with."""
    account = an_account(
        account=name,
        platform="toy",
        shop_ref=f"shop-of-{name}",
        api_base_url=toy.base_url,
        secrets=Secrets(webhook=(KEY,), access_token=first),
    )
    await connect(database, account)
    return account


def signed(body: bytes, topic: str, *, key: str = KEY, named: str = "") -> dict[str, str]:
    digest = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return {"x-toy-signature": digest, "x-toy-topic": topic, "x-toy-id": named or str(new_id())}


async def post(client: httpx.AsyncClient, topic: str, said: Any, **more: str) -> httpx.Response:
    body = json.dumps(said).encode()
    return await client.post(URL, content=body, headers=signed(body, topic, **more))


async def states(database: OrderDatabase) -> list[str]:
    """Of all messages, the oldest first."""
    found: list[str] = await column(database, "select state from inbound_message order by message_id")
    return found


async def all_settled(database: OrderDatabase) -> bool:
    """Whether every order was fetched that was asked for."""
    fetching = """
        select count(*) from job where kind = 'marketplace.fetch_order' and state not in ('done', 'refused')
    """
    return await column(database, fetching) == [0]


async def units(database: OrderDatabase, external_id: str) -> int:
    lines = f"select (content->'sold'->0->>'quantity')::int from orders where external_id = '{external_id}'"
    (found,) = await column(database, lines)
    return int(found)
