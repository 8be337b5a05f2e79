"""Deliveries over HTTP: proven, stored, imported, answered."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from crossdock_chassis.ids import new_id
from order_service.api.app import build_app
from order_service.domain.canonical import CanonicalOrder
from order_service.messaging import HANDLERS
from order_service.persistence.accounts import AccountTable
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace
from order_service.use_cases.ports import Account, Secrets

from .samples import SECRET, SHOP, Inventory, Shipping, an_account, shopify_body
from .test_journeys import column, connect, published, say, the_order

URL = "/webhooks/shopify/lumo"


def signed(
    body: bytes, *, secret: str = SECRET, topic: str = "orders/create", **headers: str
) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-SHA256": base64.b64encode(digest).decode(),
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-API-Version": "2026-10",
        "X-Shopify-Webhook-Id": str(new_id()),
        "Content-Type": "application/json",
        **headers,
    }


async def deliver(client: httpx.AsyncClient, body: Any, **more: str) -> httpx.Response:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post(URL, content=raw, headers=signed(raw, **more))


async def test_a_genuine_order_is_imported_and_answered_with_nothing(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())

    answer = await deliver(client, shopify_body())

    assert (answer.status_code, answer.content) == (200, b"")
    assert (await the_order(database)).status == "open"
    assert [topic for topic, _ in await published(database)] == ["order.created"]


async def test_the_same_webhook_id_twice_is_one_message(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    raw = json.dumps(shopify_body()).encode()
    headers = signed(raw)

    answers = [(await client.post(URL, content=raw, headers=headers)).status_code for _ in range(2)]

    assert answers == [200, 200]
    assert await column(database, "select count(*) from inbound_message") == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"X-Shopify-Hmac-SHA256": "AAAA"},
        {"X-Shopify-Hmac-SHA256": "not base64 at all!"},
        {"X-Shopify-Shop-Domain": "other.myshopify.com"},
    ],
)
async def test_what_is_not_proven_to_be_the_shops_is_refused_without_a_word(
    client: httpx.AsyncClient, database: OrderDatabase, wrong: dict[str, str]
) -> None:
    await connect(database, an_account())

    answer = await deliver(client, shopify_body(), **wrong)

    assert (answer.status_code, answer.content) == (401, b"")
    assert await column(database, "select count(*) from inbound_message") == [0]


@pytest.mark.parametrize(
    "url", ["/webhooks/shopify/nobody", "/webhooks/nowhere/lumo", "/webhooks/shopify/lumo%00"]
)
async def test_an_unknown_address_is_refused_like_a_wrong_signature(
    client: httpx.AsyncClient, database: OrderDatabase, url: str
) -> None:
    await connect(database, an_account())
    raw = json.dumps(shopify_body()).encode()

    answer = await client.post(url, content=raw, headers=signed(raw))

    assert (answer.status_code, answer.content) == (401, b"")


async def test_a_deactivated_account_takes_nothing(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account(active=False))

    answer = await deliver(client, shopify_body())

    assert answer.status_code == 401


async def test_while_a_secret_is_rotated_both_are_good(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account(secrets=Secrets(webhook=("the-new-one", SECRET))))

    answers = [
        (await deliver(client, shopify_body(), secret=secret)).status_code
        for secret in ("the-new-one", SECRET, "another")
    ]

    assert answers == [200, 200, 401]


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"id": "x"}', b'{"note": "Jane Roe, 5 Elm Street"}'])
async def test_a_genuine_body_that_is_no_order_is_kept_as_failed(
    client: httpx.AsyncClient, database: OrderDatabase, body: bytes
) -> None:
    await connect(database, an_account())

    answer = await deliver(client, body)

    assert answer.status_code == 200
    assert await column(database, "select state from inbound_message") == ["failed"]
    (error,) = await column(database, "select error from inbound_message")
    assert "Jane" not in error


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_time_that_utc_has_no_place_for_is_kept_as_failed(
    client: httpx.AsyncClient, database: OrderDatabase, at: str
) -> None:
    await connect(database, an_account())

    answer = await deliver(client, shopify_body(created_at=at))

    assert answer.status_code == 200
    assert await column(database, "select state || ': ' || error from inbound_message") == [
        "failed: a time is outside of the calendar"
    ]


async def test_a_body_that_breaks_the_mapping_is_kept_as_failed(
    database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
) -> None:
    def read(topic: str, body: bytes) -> CanonicalOrder | None:
        raise OverflowError(f"Jane Roe: {topic}")

    await connect(database, an_account())
    broken = {"shopify": replace(marketplaces["shopify"], read=read)}
    app = build_app(database, broken, Retention(), HANDLERS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://order") as client:
        answer = await deliver(client, shopify_body())

    assert answer.status_code == 200
    assert await column(database, "select state || ': ' || error from inbound_message") == [
        "failed: read: OverflowError"
    ]


async def test_a_body_that_breaks_the_mapping_is_logged_without_a_word_of_it(
    database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
) -> None:
    def read(topic: str, body: bytes) -> CanonicalOrder | None:
        raise OverflowError("Jane Roe, 5 Elm Street")

    await connect(database, an_account())
    broken = {"shopify": replace(marketplaces["shopify"], read=read)}
    app = build_app(database, broken, Retention(), HANDLERS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://order") as client:
        with capture_logs() as logs:
            await deliver(client, shopify_body())

    assert [one["event"] for one in logs] == ["webhook.read_failed"]
    assert "Jane" not in str(logs)


async def test_a_delivery_is_answered_after_its_commit_and_not_before(
    database: OrderDatabase, marketplaces: Mapping[str, Marketplace]
) -> None:
    await connect(database, an_account())
    app = build_app(database, marketplaces, Retention(), HANDLERS)
    raw = json.dumps(shopify_body()).encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in signed(raw).items()]
    scope: dict[str, Any] = {"type": "http", "http_version": "1.1", "method": "POST", "scheme": "http"}
    scope |= {"path": URL, "raw_path": URL.encode(), "query_string": b"", "headers": headers, "root_path": ""}
    answered = asyncio.Event()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            answered.set()

    async with database.engine.begin() as holder:
        await holder.execute(text("lock table inbound_message in exclusive mode"))
        posting = asyncio.create_task(app(scope, receive, send))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answered.wait(), 0.5)
    await posting

    assert answered.is_set()
    assert await column(database, "select state from inbound_message") == ["imported"]


def too_large() -> dict[str, Any]:
    """An order whose event no topic would take."""
    line = shopify_body()["line_items"][0]
    return shopify_body(line_items=[{**line, "id": number, "title": "x" * 500} for number in range(1, 700)])


async def test_orders_that_come_at_once_share_transactions_and_fail_alone(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    first = int(shopify_body()["id"])
    bodies = [shopify_body(id=first + number) for number in range(1, 30)]

    answers = await asyncio.gather(*(deliver(client, body) for body in [*bodies, too_large()]))

    assert {answer.status_code for answer in answers} == {200}
    assert await column(database, "select state from inbound_message group by 1 order by 1") == [
        "failed",
        "imported",
    ]
    assert await column(database, "select count(*) from orders") == [29]
    assert await column(database, "select count(distinct xmin::text) < 20 from orders") == [True]
    assert len({one["order_id"] for _, one in await published(database)}) == 29


async def test_the_timelines_of_orders_that_come_at_once_begin_with_their_import(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    first = int(shopify_body()["id"])
    pending = [shopify_body(id=first + one, financial_status="pending") for one in range(30)]

    await asyncio.gather(*(deliver(client, body) for body in pending))

    told = "select string_agg(what, ', ' order by n) from order_history group by order_id"
    assert set(await column(database, told)) == {"order.imported, order.held"}


async def test_deliveries_that_come_at_once_look_their_account_up_once(
    client: httpx.AsyncClient, database: OrderDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connect(database, an_account())
    looked: list[tuple[str, str]] = []
    by_webhook = AccountTable.by_webhook

    async def counted(self: AccountTable, platform: str, account: str) -> Account | None:
        looked.append((platform, account))
        return await by_webhook(self, platform, account)

    monkeypatch.setattr(AccountTable, "by_webhook", counted)
    first = int(shopify_body()["id"])
    answers = await asyncio.gather(*(deliver(client, shopify_body(id=first + one)) for one in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert looked == [("shopify", "lumo")]


async def test_words_about_one_order_that_come_at_once_make_one_order(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    raw = json.dumps(shopify_body()).encode()
    twice = signed(raw)

    answers = await asyncio.gather(
        *(deliver(client, shopify_body()) for _ in range(10)),
        *(client.post(URL, content=raw, headers=twice) for _ in range(10)),
    )

    assert {answer.status_code for answer in answers} == {200}
    assert await column(database, "select count(*) from inbound_message") == [11]
    assert [topic for topic, _ in await published(database)] == ["order.created"]


async def test_an_order_that_somebody_holds_keeps_no_other_order_waiting(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    await deliver(client, shopify_body())
    first = int(shopify_body()["id"])
    news = shopify_body(updated_at="2026-02-12T05:00:00Z", financial_status="partially_refunded")

    async with database.transaction() as holder:
        await holder.connection.execute(text("select 1 from orders for update"))
        held = asyncio.create_task(deliver(client, news, topic="orders/updated"))
        others = await asyncio.gather(
            *(deliver(client, shopify_body(id=first + one)) for one in range(1, 20))
        )
        still_waiting = not held.done()
    answer = await held

    assert {one.status_code for one in others} == {200}
    assert still_waiting
    assert answer.status_code == 200
    assert (await the_order(database)).content.payment == "partially_refunded"


async def test_an_order_that_cannot_be_imported_is_kept_and_listed(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())

    answer = await deliver(client, too_large())

    (message,) = (await client.get("/v1/messages", params={"state": "failed"})).json()["items"]
    assert answer.status_code == 200
    assert message["error"] == "import: ValueError"
    again = await client.post(f"/v1/messages/{message['message_id']}/reimport", json={"reason": "r"})
    assert (again.status_code, again.json()["detail"]) == (422, "import: ValueError")
    assert await column(database, "select count(*) from orders") == [0]


async def test_a_message_is_imported_once_more_when_its_cause_is_repaired(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    await deliver(client, shopify_body())
    async with database.transaction() as tx:
        await tx.connection.execute(text("update inbound_message set state = 'failed', order_id = null"))
    (message,) = (await client.get("/v1/messages", params={"state": "failed"})).json()["items"]

    again = await client.post(f"/v1/messages/{message['message_id']}/reimport", json={"reason": "repaired"})

    assert again.status_code == 202
    assert await column(database, "select state from inbound_message") == ["unchanged"]
    assert await column(database, "select count(*) from orders") == [1]


async def test_a_country_that_is_no_country_holds_the_order(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    wrong = {**shopify_body()["shipping_address"], "country_code": "usa"}

    await deliver(client, shopify_body(shipping_address=wrong))

    order = await the_order(database)
    assert {one: hold.detail for one, hold in order.process.holds.items()} == {"address": "missing: country"}


async def test_topics_that_carry_no_order_are_kept_and_ignored(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())

    answer = await deliver(client, {"order_edit": {"id": 1}}, topic="orders/edited")

    assert answer.status_code == 200
    assert await column(database, "select state from inbound_message") == ["ignored"]


async def test_an_update_that_overtakes_the_create_wins(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    await deliver(client, shopify_body(updated_at="2026-02-12T05:00:00Z"), topic="orders/updated")

    await deliver(client, shopify_body(financial_status="pending"), topic="orders/create")

    assert (await the_order(database)).status == "open"
    assert await column(database, "select state from inbound_message order by message_id") == [
        "imported",
        "stale",
    ]


async def test_a_cancel_on_the_marketplace_is_a_wish_here(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    await deliver(client, shopify_body())

    await deliver(
        client,
        shopify_body(
            updated_at="2026-02-12T05:00:00Z", cancelled_at="2026-02-12T05:00:00Z", cancel_reason="customer"
        ),
        topic="orders/cancelled",
    )

    assert (await the_order(database)).status == "cancelling"
    assert [topic for topic, _ in await published(database)] == ["order.created", "order.cancelled"]


async def test_a_cancel_that_was_refused_is_not_asked_for_again_by_the_platforms_next_word(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    await deliver(client, shopify_body())
    reserved = Inventory(await the_order(database)).reserves()
    await say(database, reserved)
    cancelled = {"cancelled_at": "2026-02-12T05:00:00Z", "cancel_reason": "customer"}
    await deliver(
        client, shopify_body(updated_at="2026-02-12T05:00:00Z", **cancelled), topic="orders/cancelled"
    )
    ids = [one.allocation_id for one in reserved.allocations]
    await say(database, Shipping(await the_order(database)).refuses(ids))

    await deliver(
        client,
        shopify_body(updated_at="2026-02-12T06:00:00Z", financial_status="partially_refunded", **cancelled),
        topic="orders/updated",
    )

    assert (await the_order(database)).status == "open"
    assert [topic for topic, _ in await published(database)].count("order.cancelled") == 1


async def test_a_cancelled_order_is_not_brought_back_by_an_older_update(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    await deliver(
        client,
        shopify_body(updated_at="2026-02-12T05:00:00Z", cancelled_at="2026-02-12T05:00:00Z"),
        topic="orders/cancelled",
    )

    await deliver(client, shopify_body(), topic="orders/updated")

    assert (await the_order(database)).status == "cancelled"
    assert await published(database) == []


async def test_a_payment_lets_an_unpaid_order_go_on(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    await deliver(client, shopify_body(financial_status="pending"))
    held = await the_order(database)

    await deliver(client, shopify_body(updated_at="2026-02-12T05:00:00Z"), topic="orders/paid")

    assert (held.status, held.process.reserve_until is not None) == ("held", True)
    order = await the_order(database)
    assert (order.status, order.process.reserve_until) == ("open", None)
    assert await column(database, "select count(*) from timer") == [0]
    assert order.label_revision == 1


async def test_a_new_address_counts_the_label_revision_up(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    await deliver(client, shopify_body())
    moved = {**shopify_body()["shipping_address"], "address1": "1 Other Road"}

    await deliver(
        client,
        shopify_body(updated_at="2026-02-12T05:00:00Z", shipping_address=moved),
        topic="orders/updated",
    )

    _, (topic, changed) = await published(database)
    assert (topic, changed["label_revision"]) == ("order.changed", 2)
    assert changed["consignee"]["lines"] == ["1 Other Road", "Apt 12"]


async def test_an_order_that_somebody_else_fulfilled_is_held_before_it_is_sent_again(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())
    await deliver(client, shopify_body())

    fulfilled = shopify_body(updated_at="2026-02-12T05:00:00Z", fulfillment_status="fulfilled")
    await deliver(client, fulfilled, topic="orders/fulfilled")

    order = await the_order(database)
    assert {one: hold.detail for one, hold in order.process.holds.items()} == {
        "manual": "fulfilled elsewhere"
    }


async def test_a_test_order_never_ships(client: httpx.AsyncClient, database: OrderDatabase) -> None:
    await connect(database, an_account())
    await deliver(client, shopify_body(test=True))
    order = await the_order(database)

    answer = await client.post(
        f"/v1/orders/{order.identity.order_id}/release", json={"hold": "test_order", "reason": "please"}
    )

    assert order.status == "held"
    assert answer.status_code == 409


async def test_a_body_over_four_mebibytes_is_refused(
    client: httpx.AsyncClient, database: OrderDatabase
) -> None:
    await connect(database, an_account())

    answer = await deliver(client, b" " * (4 * 1024 * 1024 + 1))

    assert answer.status_code == 413
