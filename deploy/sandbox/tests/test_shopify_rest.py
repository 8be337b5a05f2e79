"""The REST route of the Admin API: the order as its webhooks carry it, and who may have it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.shopify.app import ShopifyOptions, ShopifySandbox, running_shopify

ORDER: dict[str, Any] = {
    "id": 501,
    "name": "#1042",
    "updated_at": "2026-02-11T21:14:09-06:00",
    "cancelled_at": None,
    "note": "café",
    "line_items": [{"id": 11, "sku": "STAND", "quantity": 2, "current_quantity": 2}],
}


@pytest.fixture
async def sandbox(tmp_path: Path, http: httpx.AsyncClient) -> AsyncIterator[ShopifySandbox]:
    async with running_shopify(tmp_path, options=ShopifyOptions(points_per_s=50)) as running:
        for shop in ("lumo", "other"):
            given = {
                "shop": shop,
                "client_secret": "secret",
                "access_token": f"token of {shop}",
                "webhook_url": "http://127.0.0.1:9/webhooks",
            }
            assert (await http.post(f"{running.base_url}/_sandbox/shops", json=given)).status_code == 201
        put = await http.put(f"{running.base_url}/_sandbox/shops/lumo/orders/501", json=ORDER)
        assert put.status_code == 200, put.text
        yield running


async def fetch(
    http: httpx.AsyncClient,
    sandbox: ShopifySandbox,
    path: str = "2026-10/orders/501.json",
    *,
    shop: str = "lumo",
    token: str = "token of lumo",
) -> httpx.Response:
    url = f"{sandbox.shop_url(shop)}/admin/api/{path}"
    return await http.get(url, headers={"X-Shopify-Access-Token": token})


async def test_an_order_comes_whole_below_its_wrapper(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    answer = await fetch(http, sandbox)

    assert answer.status_code == 200
    assert answer.json() == {"order": ORDER}
    assert answer.headers["X-Shopify-API-Version"] == "2026-10"
    assert answer.headers["X-Shopify-Shop-Api-Call-Limit"] == "1/20"


async def test_the_host_names_the_shop_where_the_path_does_not(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    answer = await http.get(
        f"{sandbox.base_url}/admin/api/2026-10/orders/501.json",
        headers={"X-Shopify-Access-Token": "token of lumo", "Host": "lumo.myshopify.com"},
    )

    assert answer.json()["order"]["id"] == 501


@pytest.mark.parametrize("token", ["", "token of other", "token of lumo2"])
async def test_only_the_shops_own_token_opens(
    sandbox: ShopifySandbox, http: httpx.AsyncClient, token: str
) -> None:
    answer = await fetch(http, sandbox, token=token)

    assert answer.status_code == 401
    assert "Invalid API key or access token" in answer.json()["errors"]


@pytest.mark.parametrize(
    "path", ["2026-10/orders/502.json", "2026-10/orders/abc.json", "2026-11/orders/501.json"]
)
async def test_what_is_not_there_is_not_found(
    sandbox: ShopifySandbox, http: httpx.AsyncClient, path: str
) -> None:
    answer = await fetch(http, sandbox, path)

    assert answer.status_code == 404
    assert answer.json() == {"errors": "Not Found"}


async def test_an_order_of_one_shop_is_not_found_in_another(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    answer = await fetch(http, sandbox, shop="other", token="token of other")

    assert answer.status_code == 404


async def test_who_calls_faster_than_the_bucket_leaks_is_told_when_to_come_again(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    answers = [await fetch(http, sandbox) for _ in range(25)]

    (last,) = {one.status_code for one in answers[:20]}
    throttled = next(one for one in answers if one.status_code == 429)
    assert last == 200
    assert float(throttled.headers["Retry-After"]) >= 1
    assert throttled.headers["X-Shopify-Shop-Api-Call-Limit"] == "20/20"


@pytest.mark.parametrize(("mode", "status"), [("error_500", 500), ("throttle", 429), ("refuse", 403)])
async def test_it_fails_when_it_is_told_to(
    sandbox: ShopifySandbox, http: httpx.AsyncClient, mode: str, status: int
) -> None:
    rule = [{"operation": "order.json", "mode": mode, "times": 1}]
    assert (await http.put(f"{sandbox.base_url}/_sandbox/faults", json=rule)).status_code == 200

    answer = await fetch(http, sandbox)

    assert answer.status_code == status
    assert (await fetch(http, sandbox)).status_code == 200


async def test_the_list_is_read_page_by_page_the_newest_first(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    for order_id in (502, 503):
        url = f"{sandbox.base_url}/_sandbox/shops/lumo/orders/{order_id}"
        assert (await http.put(url, json={**ORDER, "id": order_id})).status_code == 200
    span = "updated_at_min=2026-02-12T03:14:09Z&updated_at_max=2026-02-12T03:14:09Z&status=any"

    first = await fetch(http, sandbox, f"2026-10/orders.json?limit=2&{span}")
    second = await http.get(first.links["next"]["url"], headers={"X-Shopify-Access-Token": "token of lumo"})
    later = await fetch(http, sandbox, "2026-10/orders.json?updated_at_min=2026-02-12T03:14:10Z")

    assert [[one["id"] for one in page.json()["orders"]] for page in (first, second)] == [[503, 502], [501]]
    assert ("next" in second.links, later.json()) == (False, {"orders": []})


@pytest.mark.parametrize(
    "query", ["limit=251", "updated_since=2026-01-01", "page_info=made-up", "page_info=e30=&status=any"]
)
async def test_a_question_that_does_not_fit_is_refused(
    sandbox: ShopifySandbox, http: httpx.AsyncClient, query: str
) -> None:
    assert (await fetch(http, sandbox, f"2026-10/orders.json?{query}")).status_code == 400


async def test_a_refresh_token_is_good_until_what_it_bought_is_used(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    control = f"{sandbox.base_url}/_sandbox/shops/lumo/tokens"
    pair = (await http.post(control, json={"client_id": "app"})).json()
    form = {
        "client_id": "app",
        "client_secret": "secret",
        "grant_type": "refresh_token",
        "refresh_token": pair["refresh_token"],
    }
    url = f"{sandbox.shop_url('lumo')}/admin/oauth/access_token"

    first, again = await http.post(url, data=form), await http.post(url, data=form)
    used = await fetch(http, sandbox, token=again.json()["access_token"])
    spent, stranger = await http.post(url, data=form), await http.post(url, data={**form, "client_id": "x"})
    books = (await http.get(f"{sandbox.base_url}/_sandbox/books/tokens")).text

    assert [one.status_code for one in (first, again, used, spent, stranger)] == [200, 200, 200, 400, 400]
    assert pair["access_token"] not in books


async def test_a_token_that_has_run_out_opens_nothing(
    sandbox: ShopifySandbox, http: httpx.AsyncClient
) -> None:
    control = f"{sandbox.base_url}/_sandbox/shops/lumo/tokens"
    pair = (await http.post(control, json={"client_id": "app", "lives_s": 0.001})).json()

    assert (await fetch(http, sandbox, token=pair["access_token"])).status_code == 401
