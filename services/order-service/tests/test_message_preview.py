"""What a re-import would change is shown before it is done."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
from starlette.applications import Starlette

from order_service.domain.canonical import CanonicalOrder
from order_service.domain.errors import NotAnOrder
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.marketplace import Marketplace

from .samples import an_account, shopify_body
from .test_journeys import column, connect
from .test_webhooks import deliver


def application(client: httpx.AsyncClient) -> Starlette:
    transport: Any = client._transport
    app: Starlette = transport.app
    return app


def a_defective_mapping(topic: str, body: bytes) -> CanonicalOrder | None:
    raise NotAnOrder("line_items: unexpected")


async def the_message(client: httpx.AsyncClient) -> Mapping[str, Any]:
    (message,) = (await client.get("/v1/messages")).json()["items"]
    found: Mapping[str, Any] = message
    return found


async def preview(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post(f"/v1/messages/{(await the_message(client))['message_id']}/preview")


async def test_after_a_mapping_is_mended_a_message_shows_the_order_it_would_make_and_then_makes_it(
    client: httpx.AsyncClient, database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
) -> None:
    await connect(database, an_account())
    state = application(client).state
    await deliver(client, {"id": "no order at all"})
    assert (await the_message(client))["state"] == "failed"
    state.marketplaces = {"shopify": replace(marketplaces["shopify"], read=a_defective_mapping)}
    refused = await preview(client)

    mended = replace(
        marketplaces["shopify"],
        read=lambda topic, _: marketplaces["shopify"].read(topic, json.dumps(shopify_body()).encode()),
    )
    state.marketplaces = {"shopify": mended}
    seen = (await preview(client)).json()

    assert (refused.status_code, refused.json()["detail"]) == (422, "line_items: unexpected")
    assert seen["outcome"] == "imported"
    shown = {one["what"]: (one["before"], one["after"]) for one in seen["differences"]}
    assert shown["status"] == (None, "open")
    assert shown["totals.grand_total"] == (None, "7303")
    assert await column(database, "select count(*) from orders") == [0]
    assert (await the_message(client))["state"] == "failed"

    message = (await the_message(client))["message_id"]
    done = await client.post(f"/v1/messages/{message}/reimport", json={"reason": "mended"})
    assert done.status_code == 202
    assert await column(database, "select count(*) from orders") == [1]


async def test_of_an_order_that_is_there_only_what_changes_is_shown_and_nothing_personal(
    client: httpx.AsyncClient, database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
) -> None:
    await connect(database, an_account())
    await deliver(client, shopify_body())
    shopify = marketplaces["shopify"]

    def read_with_care(topic: str, body: bytes) -> CanonicalOrder | None:
        order = shopify.read(topic, body)
        assert isinstance(order, CanonicalOrder)
        assert order.ship_to is not None
        later = order.updated_at.replace(year=order.updated_at.year + 1)
        ship_to = replace(order.ship_to, city="Elsewhere")
        return replace(order, updated_at=later, shipping_method="Express", ship_to=ship_to)

    application(client).state.marketplaces = {"shopify": replace(shopify, read=read_with_care)}

    seen = await preview(client)

    what = {one["what"]: one["after"] for one in seen.json()["differences"]}
    assert what == {"shipping_method": "Express", "consignee": None}
    assert "Elsewhere" not in seen.text
    assert await column(database, "select count(*) from outbox") == [1]


async def test_a_message_that_is_known_already_would_change_nothing(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    await deliver(client, shopify_body())

    seen = (await preview(client)).json()

    assert seen == {"outcome": "unchanged", "differences": []}
