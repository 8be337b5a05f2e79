"""The REST API of a WooCommerce site: orders, refunds, notes, tracking numbers, who may have them, faults."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.woocommerce.app import WooCommerceSandbox, running_woocommerce

ORDER: dict[str, Any] = {
    "id": 9117,
    "number": "9117",
    "status": "processing",
    "date_created_gmt": "2026-02-18T11:04:33",
    "date_modified_gmt": "2026-02-18T11:05:02",
    "customer_note": "café",
    "line_items": [{"id": 401, "sku": "LIGHT", "quantity": 2}],
    "refunds": [],
    "meta_data": [{"id": 1, "key": "_source", "value": "typein"}],
}
KEY, SECRET = "ck_lumo", "cs_lumo"


def a_shop(**changes: Any) -> dict[str, Any]:
    return {
        "shop": "lumo",
        "consumer_key": KEY,
        "consumer_secret": SECRET,
        "webhook_secret": "s",
        "webhook_url": "http://127.0.0.1:9/webhooks",
        **changes,
    }


class Site:
    """One site in the sandbox, as a client with its key sees it."""

    def __init__(self, sandbox: WooCommerceSandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.http = http

    async def install(self, **changes: Any) -> None:
        answer = await self.http.post(f"{self.sandbox.base_url}/_sandbox/shops", json=a_shop(**changes))
        assert answer.status_code == 201, answer.text

    async def control(self, method: str, path: str, json: Any = None) -> httpx.Response:
        return await self.http.request(method, f"{self.sandbox.base_url}/_sandbox/{path}", json=json)

    async def call(
        self,
        method: str,
        path: str = "wc/v3/orders/9117",
        json: Any = None,
        *,
        shop: str = "lumo",
        auth: tuple[str, str] | None = (KEY, SECRET),
    ) -> httpx.Response:
        url = f"{self.sandbox.shop_url(shop)}/wp-json/{path}"
        return await self.http.request(method, url, json=json, auth=auth)


@pytest.fixture
async def site(tmp_path: Path, http: httpx.AsyncClient) -> AsyncIterator[Site]:
    async with running_woocommerce(tmp_path) as running:
        site = Site(running, http)
        await site.install()
        put = await site.control("PUT", "shops/lumo/orders/9117", ORDER)
        assert put.status_code == 200, put.text
        yield site


PLUG_IN = "wc-shipment-tracking/v3/orders/9117/shipment-trackings"


async def test_an_order_comes_without_a_wrapper_and_as_php_writes_it(site: Site) -> None:
    answer = await site.call("GET")

    assert answer.json() == {**ORDER, "date_modified": "2026-02-18T11:05:02"}
    assert rb"caf\u00e9" in answer.content


async def test_the_sites_own_time_is_not_gmt(site: Site) -> None:
    await site.install(gmt_offset_h=8)
    await site.control("PUT", "shops/lumo/orders/9117", ORDER)

    order = (await site.call("GET")).json()

    assert (order["date_modified_gmt"], order["date_modified"]) == (
        "2026-02-18T11:05:03",
        "2026-02-18T19:05:03",
    )


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        (None, "woocommerce_rest_cannot_view"),
        (("ck_other", SECRET), "woocommerce_rest_authentication_error"),
        ((KEY, "cs_other"), "woocommerce_rest_authentication_error"),
        ((KEY, ""), "woocommerce_rest_authentication_error"),
    ],
)
async def test_only_the_sites_own_key_and_secret_open(
    site: Site, auth: tuple[str, str] | None, code: str
) -> None:
    answer = await site.call("GET", auth=auth)

    assert (answer.status_code, answer.json()["code"]) == (401, code)


@pytest.mark.parametrize(
    ("permissions", "method", "status"),
    [("read", "GET", 200), ("read", "PUT", 401), ("write", "GET", 401), ("write", "PUT", 200)],
)
async def test_a_key_may_only_do_what_it_was_made_for(
    site: Site, permissions: str, method: str, status: int
) -> None:
    await site.install(permissions=permissions)

    answer = await site.call(method, json={"status": "completed"} if method == "PUT" else None)

    assert answer.status_code == status


async def test_a_change_moves_the_time_of_modification_on(site: Site) -> None:
    changed = (await site.call("PUT", json={"status": "completed"})).json()

    assert changed["status"] == "completed"
    assert changed["date_modified_gmt"] > ORDER["date_modified_gmt"]
    assert changed["date_completed_gmt"] is not None


async def test_metadata_is_replaced_by_key_and_otherwise_added(site: Site) -> None:
    await site.call("PUT", json={"meta_data": [{"key": "_parcel_1", "value": {"units": {"401": 1}}}]})

    changed = await site.call("PUT", json={"meta_data": [{"key": "_source", "value": "web"}]})

    assert {one["key"]: one["value"] for one in changed.json()["meta_data"]} == {
        "_source": "web",
        "_parcel_1": {"units": {"401": 1}},
    }


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"status": "shipped"}, "rest_invalid_param"),
        ({"colour": "red"}, "rest_invalid_param"),
        ({"meta_data": [{"key": "", "value": 1}]}, "rest_invalid_param"),
        ({"meta_data": [{"key": "k"}]}, "rest_missing_callback_param"),
    ],
)
async def test_a_change_that_does_not_fit_is_refused_and_changes_nothing(
    site: Site, body: dict[str, Any], code: str
) -> None:
    answer = await site.call("PUT", json=body)

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert (await site.call("GET")).json()["meta_data"] == ORDER["meta_data"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "wc/v3/orders/9", 404, "woocommerce_rest_shop_order_invalid_id"),
        ("PUT", "wc/v3/orders/9", 400, "woocommerce_rest_shop_order_invalid_id"),
        ("GET", "wc/v3/orders/9/notes", 404, "woocommerce_rest_order_invalid_id"),
        ("GET", "wc/v3/orders/9117/fulfillments", 404, "rest_no_route"),
        ("GET", "wc-ast/v3/orders/9117/shipment-trackings", 404, "rest_no_route"),
    ],
)
async def test_what_is_not_there_is_said_in_woocommerces_words(
    site: Site, method: str, path: str, status: int, code: str
) -> None:
    answer = await site.call(method, path, json={} if method == "PUT" else None)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_refund_shows_its_money_in_the_order_and_its_lines_beside(site: Site) -> None:
    given = {"amount": "27.50", "reason": "broken", "units": {"401": 1}}
    made = (await site.control("POST", "shops/lumo/orders/9117/refunds", given)).json()

    order = (await site.call("GET")).json()
    (refund,) = (await site.call("GET", "wc/v3/orders/9117/refunds?per_page=100")).json()

    assert order["refunds"] == [{"id": made["id"], "reason": "broken", "total": "-27.50"}]
    (line,) = refund["line_items"]
    assert line["quantity"] == -1
    assert [(one["key"], one["value"]) for one in line["meta_data"]] == [("_refunded_item_id", "401")]


async def test_more_refunds_than_a_page_may_hold_cannot_be_asked_for(site: Site) -> None:
    answer = await site.call("GET", "wc/v3/orders/9117/refunds?per_page=101")

    assert answer.status_code == 400


async def test_a_note_is_kept_and_listed(site: Site) -> None:
    made = await site.call("POST", "wc/v3/orders/9117/notes", {"note": "Shipped", "customer_note": True})

    (listed,) = (await site.call("GET", "wc/v3/orders/9117/notes")).json()

    assert made.status_code == 201
    assert listed == made.json()
    assert (listed["note"], listed["customer_note"]) == ("Shipped", True)


async def test_a_note_without_words_is_refused(site: Site) -> None:
    answer = await site.call("POST", "wc/v3/orders/9117/notes", {"customer_note": True})

    assert (answer.status_code, answer.json()["code"]) == (400, "rest_missing_callback_param")


async def test_a_tracking_number_is_kept_with_a_provider_of_ones_own(site: Site) -> None:
    given = {
        "tracking_number": "YT1",
        "custom_tracking_provider": "YunExpress",
        "custom_tracking_link": "https://track.example/YT1",
    }
    made = await site.call("POST", PLUG_IN, given)

    (listed,) = (await site.call("GET", PLUG_IN)).json()

    assert made.status_code == 201
    assert listed == made.json()
    assert listed["tracking_link"] == "https://track.example/YT1"
    assert len(listed["date_shipped"]) == len("2026-02-18")


@pytest.mark.parametrize(
    "given",
    [
        {"custom_tracking_provider": "YunExpress"},
        {"tracking_number": "YT1"},
        {"tracking_number": "YT1", "tracking_provider": "YunExpress"},
        {"tracking_number": "YT1", "tracking_provider": "USPS", "custom_tracking_provider": "USPS"},
        {"tracking_number": "YT1", "tracking_provider": "USPS", "date_shipped": "18-02-2026"},
        {"tracking_number": "YT1", "custom_tracking_provider": "Y", "custom_tracking_link": "track.example"},
    ],
)
async def test_a_tracking_number_that_does_not_fit_is_refused(site: Site, given: dict[str, Any]) -> None:
    assert (await site.call("POST", PLUG_IN, given)).status_code == 400
    assert (await site.call("GET", PLUG_IN)).json() == []


async def test_a_site_without_the_plug_in_has_no_such_route(site: Site) -> None:
    await site.install(shipment_tracking=False)

    answer = await site.call("GET", PLUG_IN)

    assert (answer.status_code, answer.json()["code"]) == (404, "rest_no_route")


@pytest.mark.parametrize(("mode", "status"), [("error_500", 500), ("throttle", 429), ("refuse", 403)])
async def test_it_fails_when_it_is_told_to(site: Site, mode: str, status: int) -> None:
    rule = [{"operation": "order.update", "mode": mode, "times": 1}]
    assert (await site.control("PUT", "faults", rule)).status_code == 200

    answer = await site.call("PUT", json={"status": "completed"})

    assert answer.status_code == status
    assert ("Retry-After" in answer.headers) is (mode == "throttle")
    assert (await site.call("GET")).json()["status"] == "processing"


async def test_a_change_whose_answer_is_lost_is_in_the_books(site: Site) -> None:
    rule = [{"operation": "note.create", "mode": "do_then_drop_connection", "times": 1}]
    await site.control("PUT", "faults", rule)

    with pytest.raises(httpx.TransportError):
        await site.call("POST", "wc/v3/orders/9117/notes", {"note": "Shipped"})

    books = (await site.control("GET", "books/notes")).json()
    assert [row["note"] for row in books["rows"]] == ["Shipped"]


async def test_the_list_shows_what_changed_in_a_span_of_utc_and_nothing_from_the_trash(site: Site) -> None:
    await site.install(gmt_offset_h=8)
    for order_id, second in ((9118, 3), (9119, 4)):
        body = {**ORDER, "id": order_id, "date_modified_gmt": f"2026-02-18T11:05:0{second}"}
        assert (await site.control("PUT", f"shops/lumo/orders/{order_id}", body)).status_code == 200
    thrown = {**ORDER, "id": 9120, "status": "trash"}
    await site.control("PUT", "shops/lumo/orders/9120", thrown)
    span = "modified_after=2026-02-18T11:05:02&modified_before=2026-02-18T11:05:05&orderby=modified&order=asc"

    both = await site.call("GET", f"wc/v3/orders?{span}&dates_are_gmt=true")
    last = await site.call("GET", f"wc/v3/orders?{span}&dates_are_gmt=true&per_page=1&page=2")
    local = await site.call("GET", f"wc/v3/orders?{span}")

    assert [one["id"] for one in both.json()] == [9118, 9119]
    assert ([one["id"] for one in last.json()], last.headers["X-WP-TotalPages"]) == ([9119], "2")
    assert local.json() == []


@pytest.mark.parametrize("query", ["per_page=101", "modified_since=2026-01-01", "orderby=total", "page=0"])
async def test_a_list_that_cannot_be_asked_for_is_refused(site: Site, query: str) -> None:
    answer = await site.call("GET", f"wc/v3/orders?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, "rest_invalid_param")


async def test_the_index_tells_anybody_where_the_site_is(site: Site) -> None:
    answer = await site.call("GET", "?_fields=home", auth=None)

    assert answer.json() == {"home": "https://lumo.example"}
