"""What people do with orders, over HTTP on the real application."""

from uuid import uuid4

import httpx
import pytest

from crossdock_chassis.http import add_token
from crossdock_chassis.ids import new_id
from crossdock_contracts.shipping import ParcelShippedV1
from order_service.persistence.transaction import OrderDatabase

from .samples import Inventory, Shipping, an_account, shopify_body
from .test_journeys import SAMPLE_SKUS, a_sku, column, connect, published, receive, say, the_order

ACCOUNT = {
    "platform": "shopify",
    "shop_ref": "lumo-demo.myshopify.com",
    "webhook_secrets": ["shpss_1"],
    "access_token": "shpat_1",
    "domestic_countries": ["US"],
}


async def an_order(database: OrderDatabase, skus: tuple[str, ...] = SAMPLE_SKUS) -> str:
    await connect(database, an_account(), skus=skus)
    await receive(database, an_account(), shopify_body())
    return (await the_order(database)).key


async def test_an_account_is_connected_and_never_shows_its_secrets(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    made = await client.put("/v1/accounts/lumo", json=ACCOUNT)
    shown = await client.get("/v1/accounts/lumo")

    assert (made.status_code, shown.status_code) == (200, 200)
    assert shown.json()["webhook_secrets"] == 1
    assert "shpss_1" not in made.text + shown.text
    assert "shpat_1" not in made.text + shown.text
    (sealed,) = await column(database, "select sealed_secrets from account")
    assert b"shpss_1" not in sealed


async def test_one_shop_is_connected_once(client: httpx.AsyncClient) -> None:
    await client.put("/v1/accounts/lumo", json=ACCOUNT)

    answer = await client.put("/v1/accounts/lumo2", json=ACCOUNT)

    assert answer.status_code == 409


async def test_an_account_is_deactivated_not_deleted(client: httpx.AsyncClient) -> None:
    await client.put("/v1/accounts/lumo", json=ACCOUNT)

    answer = await client.delete("/v1/accounts/lumo")

    assert answer.status_code == 204
    assert (await client.get("/v1/accounts/lumo")).json()["active"] is False


async def test_an_account_of_another_merchant_is_not_there(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    order_id = await an_order(database)
    token = await add_token(
        database, name="other", merchant_id="other", scopes=["orders:read", "orders:write"]
    )
    theirs = {"Authorization": f"Bearer {token}"}

    answers = [
        await client.get(f"/v1/orders/{order_id}", headers=theirs),
        await client.get(f"/v1/orders/{order_id}/timeline", headers=theirs),
        await client.get("/v1/accounts/lumo", headers=theirs),
        await client.post(f"/v1/orders/{order_id}/cancellation", json={"reason": "x"}, headers=theirs),
    ]

    assert [one.status_code for one in answers] == [404, 404, 404, 404]
    assert (await client.get("/v1/orders", headers=theirs)).json()["items"] == []


async def test_a_kit_in_the_sku_map_frees_the_orders_that_waited_for_it(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    order_id = await an_order(database, skus=SAMPLE_SKUS[1:])
    await say(database, a_sku("PART-A"), a_sku("PART-B"))
    parts = [{"sku": "PART-A", "units": 2}, {"sku": "PART-B", "units": 1}]

    answer = await client.put("/v1/accounts/lumo/sku-map/CN-STAND-AL-SLV", json={"components": parts})

    order = (await client.get(f"/v1/orders/{order_id}")).json()
    assert answer.status_code == 200
    assert order["status"] == "open"
    assert [(one["sku"], one["units"], one["kit_sku"]) for one in order["lines"]] == [
        ("PART-A", 4, "CN-STAND-AL-SLV"),
        ("PART-B", 2, "CN-STAND-AL-SLV"),
        ("CN-USBC-2M-BLK", 1, None),
    ]
    assert sum(one["total_minor"] for one in order["lines"][:2]) == 4998


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "open"}, 1),
        ({"status": "held"}, 0),
        ({"hold": "unpaid"}, 0),
        ({"account": "lumo", "sku": "CN-USBC-2M-BLK"}, 1),
        ({"sku": "NOTHING"}, 0),
        ({"ref": "#1042"}, 1),
        ({"ref": "6120045566771"}, 1),
        ({"placed_from": "2026-02-12T00:00:00Z", "placed_before": "2026-02-13T00:00:00Z"}, 1),
        ({"placed_from": "2026-02-13T00:00:00Z"}, 0),
        ({"exception": "unfilled"}, 0),
    ],
)
async def test_orders_are_found_by_what_is_known_of_them(
    client: httpx.AsyncClient, database: OrderDatabase, query: dict[str, str], found: int
) -> None:
    await an_order(database)

    answer = await client.get("/v1/orders", params=query)

    assert answer.status_code == 200, answer.text
    assert len(answer.json()["items"]) == found


async def test_orders_come_in_pages(client: httpx.AsyncClient, database: OrderDatabase) -> None:
    await connect(database, an_account())
    for number in (1, 2, 3):
        placed = f"2026-02-12T0{number}:00:00Z"
        body = shopify_body(id=number, name=f"#{number}", created_at=placed, processed_at=placed)
        await receive(database, an_account(), body)

    first = (await client.get("/v1/orders", params={"limit": 2})).json()
    second = (await client.get("/v1/orders", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    assert [one["order_number"] for one in first["items"] + second["items"]] == ["#3", "#2", "#1"]
    assert second["next_cursor"] is None


async def test_a_person_holds_and_releases_and_the_timeline_tells_it(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    order_id = await an_order(database)

    held = await client.post(f"/v1/orders/{order_id}/hold", json={"reason": "looks odd"})
    released = await client.post(
        f"/v1/orders/{order_id}/release", json={"hold": "manual", "reason": "it is fine"}
    )

    timeline = (await client.get(f"/v1/orders/{order_id}/timeline")).json()["items"]
    assert (held.json()["status"], released.json()["status"]) == ("held", "open")
    assert [(one["what"], one["actor_name"], one["reason"]) for one in timeline[-4:]] == [
        ("person.held", "tester", "looks odd"),
        ("order.held", "tester", "looks odd"),
        ("person.released", "tester", "it is fine"),
        ("order.open", "tester", "it is fine"),
    ]


async def test_the_same_cancel_with_one_key_is_asked_once(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    order_id = await an_order(database)
    key = {"Idempotency-Key": str(uuid4())}

    answers = [
        await client.post(f"/v1/orders/{order_id}/cancellation", json={"reason": "buyer"}, headers=key)
        for _ in range(2)
    ]

    assert [one.status_code for one in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert [topic for topic, _ in await published(database)] == ["order.created", "order.cancelled"]


async def test_a_closed_order_is_not_cancelled_and_nobody_is_told(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    order_id = await an_order(database)
    order = await the_order(database)
    reserved = Inventory(order).reserves()
    await say(
        database,
        reserved,
        Shipping(order).parcel(ParcelShippedV1, reserved.allocations, parcel_id=new_id()),
    )
    before = len(await published(database))

    answer = await client.post(f"/v1/orders/{order_id}/cancellation", json={"reason": "buyer"})

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/illegal-move"
    assert len(await published(database)) == before


async def test_an_address_that_lacked_something_is_corrected_and_the_order_goes_on(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    lacking = {**shopify_body()["shipping_address"], "zip": None}
    await receive(database, an_account(), shopify_body(shipping_address=lacking))
    order = await the_order(database)
    consignee = {
        "name": "Dana Whitfield",
        "lines": ["4180 Example Ridge Rd"],
        "city": "Austin",
        "country": "US",
    }

    answer = await client.patch(
        f"/v1/orders/{order.key}/consignee",
        json={"reason": "buyer wrote", "consignee": {**consignee, "postal_code": "78704"}},
    )

    assert list(order.process.holds) == ["address"]
    assert (answer.json()["status"], answer.json()["label_revision"]) == ("open", 2)


async def test_a_correction_survives_the_marketplaces_next_word_about_other_things(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    order_id = await an_order(database)
    consignee = {
        "name": "D",
        "lines": ["1 New Road"],
        "city": "Austin",
        "country": "US",
        "postal_code": "78704",
    }
    await client.patch(f"/v1/orders/{order_id}/consignee", json={"reason": "r", "consignee": consignee})

    await receive(
        database,
        an_account(),
        shopify_body(updated_at="2026-03-01T00:00:00Z", financial_status="partially_refunded"),
    )

    order = await the_order(database)
    assert order.people.consignee is not None
    assert order.people.consignee.lines == ("1 New Road",)
    assert order.content.payment == "partially_refunded"


async def test_an_exception_is_listed_with_its_next_step_and_resolved_with_a_word(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    order_id = await an_order(database)
    inventory = Inventory(await the_order(database))
    await say(database, inventory.reserves({1: 1}, unfilled=[inventory.lacks(0, 2, waiting=False)]))
    (found,) = (await client.get("/v1/exceptions")).json()["items"]

    answer = await client.post(
        f"/v1/exceptions/{found['exception_id']}/resolution", json={"resolution": "refunded"}
    )

    assert (found["code"], found["order_id"]) == ("unfilled", order_id)
    assert found["next_step"]
    assert answer.status_code == 204
    assert (await client.get("/v1/exceptions")).json()["items"] == []


async def test_obligations_are_listed_and_retried(client: httpx.AsyncClient, database: OrderDatabase) -> None:
    await an_order(database)
    order = await the_order(database)
    reserved = Inventory(order).reserves()
    await say(
        database,
        reserved,
        Shipping(order).parcel(ParcelShippedV1, reserved.allocations, parcel_id=new_id()),
    )
    (owed,) = (await client.get("/v1/obligations", params={"state": "open"})).json()["items"]

    answer = await client.post(f"/v1/obligations/{owed['obligation_id']}/retry", json={"reason": "now"})

    assert owed["details"]["units"] == {"16090122345601": 2, "16090122345602": 1}
    assert answer.status_code == 202


async def test_a_raw_body_is_shown_only_to_who_may_change_orders(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await an_order(database)
    (message,) = (await client.get("/v1/messages")).json()["items"]
    reader = await add_token(database, name="reader", merchant_id="default", scopes=["orders:read"])

    path = f"/v1/messages/{message['message_id']}"
    mine = await client.get(path)
    theirs = await client.get(path, headers={"Authorization": f"Bearer {reader}"})

    assert "Dana" in mine.json()["body"]
    assert theirs.json()["body"] == "[personal]"


async def test_without_a_reason_nothing_is_changed(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    order_id = await an_order(database)

    answer = await client.post(f"/v1/orders/{order_id}/hold", json={})

    assert answer.status_code == 422
