"""The Admin API: orders, what is left to fulfil, fulfilments, refusals, throttling, faults."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.shopify.app import ShopifyOptions, ShopifySandbox, running_shopify

TOKEN = "shpat_example"
ORDER: dict[str, Any] = {
    "id": 501,
    "name": "#1042",
    "created_at": "2026-02-11T21:14:09-06:00",
    "updated_at": "2026-02-11T21:14:09-06:00",
    "cancelled_at": None,
    "line_items": [
        {"id": 11, "sku": "STAND", "title": "Stand", "quantity": 2, "current_quantity": 2},
        {"id": 12, "sku": "CABLE", "title": "Cable", "quantity": 1, "current_quantity": 1},
    ],
}
ORDER_QUERY = """
query Order($id: ID!) {
  order(id: $id) {
    id name displayFulfillmentStatus cancelledAt updatedAt
    fulfillmentOrders(first: 10) { nodes { id status lineItems(first: 50) {
      nodes { id remainingQuantity totalQuantity lineItem { id sku } } } } }
    fulfillments { id status trackingInfo { company number url } }
  }
}
"""
CREATE = """
mutation Create($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status trackingInfo { company number url } }
    userErrors { field message }
  }
}
"""


@pytest.fixture
async def sandbox(tmp_path: Path, http: httpx.AsyncClient) -> AsyncIterator[ShopifySandbox]:
    async with running_shopify(tmp_path) as running:
        await a_shop(http, running)
        yield running


async def a_shop(http: httpx.AsyncClient, sandbox: ShopifySandbox, shop: str = "lumo-demo") -> None:
    given = {
        "shop": shop,
        "client_secret": "secret",
        "access_token": TOKEN,
        "webhook_url": "http://127.0.0.1:9/webhooks",
    }
    answer = await http.post(f"{sandbox.base_url}/_sandbox/shops", json=given)
    assert answer.status_code == 201, answer.text
    await put_order(http, sandbox, ORDER, shop)


async def put_order(
    http: httpx.AsyncClient, sandbox: ShopifySandbox, order: dict[str, Any], shop: str = "lumo-demo"
) -> dict[str, Any]:
    url = f"{sandbox.base_url}/_sandbox/shops/{shop}/orders/{order['id']}"
    answer = await http.put(url, json=order)
    assert answer.status_code == 200, answer.text
    kept: dict[str, Any] = answer.json()
    return kept


async def ask(
    http: httpx.AsyncClient,
    sandbox: ShopifySandbox,
    query: str,
    variables: dict[str, Any],
    token: str = TOKEN,
) -> httpx.Response:
    return await http.post(
        f"{sandbox.shop_url('lumo-demo')}/admin/api/2026-10/graphql.json",
        json={"query": query, "variables": variables},
        headers={"X-Shopify-Access-Token": token},
    )


async def the_order(http: httpx.AsyncClient, sandbox: ShopifySandbox) -> dict[str, Any]:
    answer = await ask(http, sandbox, ORDER_QUERY, {"id": "gid://shopify/Order/501"})
    order: dict[str, Any] = answer.json()["data"]["order"]
    return order


def a_fulfillment(order: dict[str, Any], *lines: tuple[str, int]) -> dict[str, Any]:
    fulfillment_order = order["fulfillmentOrders"]["nodes"][0]
    ids = {line["lineItem"]["sku"]: line["id"] for line in fulfillment_order["lineItems"]["nodes"]}
    group: dict[str, Any] = {"fulfillmentOrderId": fulfillment_order["id"]}
    if lines:
        group["fulfillmentOrderLineItems"] = [{"id": ids[sku], "quantity": units} for sku, units in lines]
    tracking = {"company": "USPS", "number": "LZ556677887US", "url": "https://track.example/LZ556677887US"}
    return {"lineItemsByFulfillmentOrder": [group], "trackingInfo": tracking, "notifyCustomer": False}


async def test_an_order_shows_what_is_left_to_fulfil(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    order = await the_order(http, sandbox)

    assert order["displayFulfillmentStatus"] == "UNFULFILLED"
    (fulfillment_order,) = order["fulfillmentOrders"]["nodes"]
    assert fulfillment_order["status"] == "OPEN"
    left = {
        line["lineItem"]["sku"]: line["remainingQuantity"] for line in fulfillment_order["lineItems"]["nodes"]
    }
    assert left == {"STAND": 2, "CABLE": 1}


async def test_a_fulfilment_counts_the_units_down_until_the_fulfillment_order_closes(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    order = await the_order(http, sandbox)

    partial = await ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order, ("STAND", 1))})
    half_way = await the_order(http, sandbox)
    rest = await ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order)})
    done = await the_order(http, sandbox)

    assert partial.json()["data"]["fulfillmentCreate"]["userErrors"] == []
    assert half_way["displayFulfillmentStatus"] == "PARTIALLY_FULFILLED"
    assert half_way["fulfillmentOrders"]["nodes"][0]["lineItems"]["nodes"][0]["remainingQuantity"] == 1
    assert rest.json()["data"]["fulfillmentCreate"]["fulfillment"]["status"] == "SUCCESS"
    assert done["displayFulfillmentStatus"] == "FULFILLED"
    assert done["fulfillmentOrders"]["nodes"][0]["status"] == "CLOSED"
    assert [one["trackingInfo"][0]["number"] for one in done["fulfillments"]] == ["LZ556677887US"] * 2
    assert done["updatedAt"] > order["updatedAt"]


async def test_units_are_not_fulfilled_a_second_time(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    order = await the_order(http, sandbox)
    await ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order, ("STAND", 2))})

    too_many = await ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order, ("STAND", 1))})
    await ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order)})
    closed = await ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order)})

    assert too_many.status_code == 200
    assert too_many.json()["data"]["fulfillmentCreate"]["userErrors"] == [
        {"field": ["fulfillment"], "message": "Invalid fulfillment order line item quantity requested."}
    ]
    (error,) = closed.json()["data"]["fulfillmentCreate"]["userErrors"]
    assert error["message"].endswith("has an unfulfillable status= closed.")


async def test_the_same_parcel_told_twice_stands_in_the_books_twice(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    order = await the_order(http, sandbox)

    for _ in range(2):
        await ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order, ("STAND", 1))})

    books = (await http.get(f"{sandbox.base_url}/_sandbox/books/fulfillments?order_id=501")).json()
    assert [row["numbers"] for row in books["rows"]] == [["LZ556677887US"]] * 2
    calls = (await http.get(f"{sandbox.base_url}/_sandbox/books/calls?operation=fulfillmentCreate")).json()
    assert [(row["reference"], row["outcome"]) for row in calls["rows"]] == [("501", "ok")] * 2


async def test_a_cancelled_order_is_not_fulfilled(sandbox: ShopifySandbox, http: httpx.AsyncClient) -> None:
    order = await the_order(http, sandbox)
    await put_order(http, sandbox, ORDER | {"cancelled_at": "2026-02-12T00:00:00Z"})

    answer = await ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order)})

    (error,) = answer.json()["data"]["fulfillmentCreate"]["userErrors"]
    assert error["message"].endswith("has an unfulfillable status= cancelled.")


async def test_tracking_is_corrected(sandbox: ShopifySandbox, http: httpx.AsyncClient) -> None:
    order = await the_order(http, sandbox)
    created = await ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order)})
    fulfillment_id = created.json()["data"]["fulfillmentCreate"]["fulfillment"]["id"]

    update = """mutation($id: ID!, $tracking: FulfillmentTrackingInput!) {
      fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $tracking) {
        fulfillment { trackingInfo { number } } userErrors { message } } }"""
    answer = await ask(http, sandbox, update, {"id": fulfillment_id, "tracking": {"number": "NEW"}})

    payload = answer.json()["data"]["fulfillmentTrackingInfoUpdate"]
    assert payload == {"fulfillment": {"trackingInfo": [{"number": "NEW"}]}, "userErrors": []}


async def test_the_merchant_cancels_an_order_once(sandbox: ShopifySandbox, http: httpx.AsyncClient) -> None:
    cancel = """mutation($id: ID!) { orderCancel(orderId: $id, reason: CUSTOMER, restock: true) {
      job { id done } orderCancelUserErrors { code message } } }"""

    first = await ask(http, sandbox, cancel, {"id": "gid://shopify/Order/501"})
    second = await ask(http, sandbox, cancel, {"id": "gid://shopify/Order/501"})

    assert first.json()["data"]["orderCancel"]["orderCancelUserErrors"] == []
    assert second.json()["data"]["orderCancel"]["orderCancelUserErrors"][0]["code"] == "INVALID"
    assert (await the_order(http, sandbox))["cancelledAt"] is not None


@pytest.mark.parametrize(
    ("query", "variables", "words"),
    [
        ('{ order(id: "gid://shopify/Order/501") { shippingMethod } }', {}, "Cannot query field"),
        (
            '{ order(id: "gid://shopify/Order/501") { fulfillmentOrders { nodes { id } } } }',
            {},
            "first or last",
        ),
        ('{ order(id: "501") { id } }', {}, "Invalid id"),
        ('{ order(id: "gid://shopify/LineItem/501") { id } }', {}, "Invalid id"),
        (CREATE, {"fulfillment": {"lineItemsByFulfillmentOrder": [], "weight": 3}}, "unknown field 'weight'"),
        (
            CREATE,
            {"fulfillment": {"lineItemsByFulfillmentOrder": [], "trackingInfo": {"url": "no-url"}}},
            "missing scheme",
        ),
        ("query {", {}, "Syntax Error"),
    ],
)
async def test_what_the_schema_does_not_know_is_an_error_with_status_200(
    sandbox: ShopifySandbox, http: httpx.AsyncClient, query: str, variables: dict[str, Any], words: str
) -> None:
    answer = await ask(http, sandbox, query, variables)

    assert answer.status_code == 200
    assert words in answer.json()["errors"][0]["message"]


async def test_an_unknown_order_is_null(sandbox: ShopifySandbox, http: httpx.AsyncClient) -> None:
    answer = await ask(http, sandbox, ORDER_QUERY, {"id": "gid://shopify/Order/999"})

    assert answer.json()["data"] == {"order": None}


async def test_a_wrong_token_and_an_unknown_shop_get_nowhere(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    wrong_token = await ask(http, sandbox, ORDER_QUERY, {"id": "gid://shopify/Order/501"}, token="x")
    other_shop = await http.post(f"{sandbox.shop_url('nobody')}/admin/api/2026-10/graphql.json", json={})

    assert wrong_token.status_code == 401
    assert other_shop.status_code == 404


async def test_the_shop_may_come_from_the_host_header(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    answer = await http.post(
        f"{sandbox.base_url}/admin/api/2026-10/graphql.json",
        json={"query": ORDER_QUERY, "variables": {"id": "gid://shopify/Order/501"}},
        headers={"X-Shopify-Access-Token": TOKEN, "Host": "lumo-demo.myshopify.com"},
    )

    assert answer.json()["data"]["order"]["name"] == "#1042"


async def test_more_than_the_bucket_holds_is_throttled(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with running_shopify(tmp_path, options=ShopifyOptions(points_per_s=0.5)) as sandbox:
        await a_shop(http, sandbox)
        answers = [await ask(http, sandbox, ORDER_QUERY, {"id": "gid://shopify/Order/501"}) for _ in range(3)]

    last = answers[-1].json()
    assert answers[-1].status_code == 200
    assert last["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert last["extensions"]["cost"]["actualQueryCost"] is None
    assert last["extensions"]["cost"]["throttleStatus"]["maximumAvailable"] == 10


async def test_an_order_that_is_put_again_gets_a_later_time(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    kept = await put_order(http, sandbox, ORDER)

    assert kept["updated_at"] == "2026-02-11T21:14:10-06:00"


async def test_a_fault_does_the_work_and_cuts_the_connection(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    order = await the_order(http, sandbox)
    rule = {"operation": "fulfillmentCreate", "mode": "do_then_drop_connection", "times": 1}
    await http.put(f"{sandbox.base_url}/_sandbox/faults", json=[rule])

    with pytest.raises(httpx.TransportError):
        await ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order)})

    assert len((await the_order(http, sandbox))["fulfillments"]) == 1
    again = await ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order)})
    assert again.json()["data"]["fulfillmentCreate"]["userErrors"] != []


async def test_a_fault_does_the_work_at_once_and_says_so_late(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    order = await the_order(http, sandbox)
    rule = {"operation": "fulfillmentCreate", "mode": "answer_late", "delay_s": 0.5}
    await http.put(f"{sandbox.base_url}/_sandbox/faults", json=[rule])

    waiting = asyncio.create_task(ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order)}))
    while not (await the_order(http, sandbox))["fulfillments"]:
        assert not waiting.done()
    answered_early = waiting.done()
    answer = await waiting

    assert not answered_early
    assert answer.json()["data"]["fulfillmentCreate"]["userErrors"] == []


@pytest.mark.parametrize(
    ("mode", "status"), [("error_500", 500), ("throttle", 200), ("refuse", 200), ("hang", None)]
)
async def test_a_fault_keeps_the_work_from_being_done(
    sandbox: ShopifySandbox, http: httpx.AsyncClient, mode: str, status: int | None
) -> None:
    order = await the_order(http, sandbox)
    rule = {"operation": "fulfillmentCreate", "mode": mode, "match": "LZ556677887US", "delay_s": 0.1}
    await http.put(f"{sandbox.base_url}/_sandbox/faults", json=[rule])

    try:
        answered = (await ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order)})).status_code
    except httpx.TransportError:
        answered = None

    assert answered == status
    assert (await the_order(http, sandbox))["fulfillments"] == []
    faults = (await http.get(f"{sandbox.base_url}/_sandbox/faults")).json()["faults"]
    assert faults[0]["fired"] == 1


async def test_the_books_outlive_the_sandbox(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with running_shopify(tmp_path) as sandbox:
        await a_shop(http, sandbox)
        order = await the_order(http, sandbox)
        await ask(http, sandbox, CREATE, {"fulfillment": a_fulfillment(order)})

    async with running_shopify(tmp_path) as sandbox:
        assert (await the_order(http, sandbox))["displayFulfillmentStatus"] == "FULFILLED"
