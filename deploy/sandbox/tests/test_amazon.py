"""Amazon's sandbox: who may call, how often, what of an order comes, what a package may say, the queue."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.amazon.app import AmazonOptions, AmazonSandbox, running_amazon
from crossdock_sandbox.amazon.sigv4 import claim_in, signature_of

ORDER_ID, LINE = "113-4455667-8899001", "90112233445501"
ORDER: dict[str, Any] = {
    "orderId": ORDER_ID,
    "createdTime": "2026-02-20T15:21:44Z",
    "lastUpdatedTime": "2026-02-20T15:52:03Z",
    "salesChannel": {"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER"},
    "buyer": {"buyerName": "Marcus Ellery"},
    "fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"},
    "orderItems": [{"orderItemId": LINE, "quantityOrdered": 2, "proceeds": {}}],
}
SELLER = {
    "seller_id": "A2LUMOSELLER01",
    "application_id": "app",
    "client_id": "client",
    "client_secret": "secret",
    "refresh_token": "Atzr|r",
    "aws_access_key_id": "AKIDEXAMPLE",
    "aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
}
ORDERS = "/orders/2026-01-01/orders"
CONFIRMATION = f"/orders/v0/orders/{ORDER_ID}/shipmentConfirmation"


class Seller:
    """The sandbox as a seller's application sees it."""

    def __init__(self, sandbox: AmazonSandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.http = http
        self.token = ""

    async def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.http.request(method, f"{self.sandbox.base_url}/_sandbox/{path}", json=body)

    async def login(self, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "refresh_token",
            "client_id": "client",
            "client_secret": "secret",
            "refresh_token": "Atzr|r",
            **changes,
        }
        return await self.http.post(self.sandbox.token_url, data=form)

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> httpx.Response:
        headers = {"x-amz-access-token": self.token}
        url = self.sandbox.base_url + path
        return await self.http.request(method, url, json=body, params=query, headers=headers)

    async def confirm(self, **changes: Any) -> httpx.Response:
        detail = {
            "packageReferenceId": "1",
            "carrierCode": "UPS",
            "trackingNumber": "1Z1",
            "shipDate": "2026-02-21T08:00:00Z",
            "orderItems": [{"orderItemId": LINE, "quantity": 1}],
        }
        marketplace = changes.pop("marketplaceId", "ATVPDKIKX0DER")
        body = {"marketplaceId": marketplace, "packageDetail": {**detail, **changes}}
        return await self.call("POST", CONFIRMATION, body)

    async def put_order(self, **changes: Any) -> None:
        answer = await self.control(
            "PUT", f"sellers/A2LUMOSELLER01/orders/{ORDER_ID}", {**deepcopy(ORDER), **changes}
        )
        assert answer.status_code == 200, answer.text


@pytest.fixture
async def seller(tmp_path: Path, http: httpx.AsyncClient) -> AsyncIterator[Seller]:
    async with running_amazon(tmp_path) as sandbox:
        seller = Seller(sandbox, http)
        assert (await seller.control("POST", "sellers", SELLER)).status_code == 201
        await seller.put_order()
        seller.token = (await seller.login()).json()["access_token"]
        yield seller


def code(answer: httpx.Response) -> Any:
    return answer.status_code, answer.json()["errors"][0]["code"]


def test_the_published_vector_of_the_signature_comes_out() -> None:
    """get-vanilla of AWS's Signature Version 4 test suite."""
    authorization = (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )
    claim = claim_in(authorization)
    assert claim is not None
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}

    found = signature_of(claim, SELLER["aws_secret_access_key"], "GET", "/", "", headers, b"")

    assert found == claim.signature


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_secret": "no"}, 401, "invalid_client"),
        ({"refresh_token": "no"}, 400, "invalid_grant"),
    ],
)
async def test_a_token_is_sold_to_nobody_else(
    seller: Seller, changes: dict[str, str], status: int, error: str
) -> None:
    answer = await seller.login(**changes)

    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_a_token_runs_out_after_its_life(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with running_amazon(tmp_path, options=AmazonOptions(token_lives_s=0)) as sandbox:
        seller = Seller(sandbox, http)
        await seller.control("POST", "sellers", SELLER)
        seller.token = (await seller.login()).json()["access_token"]

        answer = await seller.call("GET", f"{ORDERS}/{ORDER_ID}")

    assert code(answer) == (403, "Unauthorized")
    assert "expired" in answer.json()["errors"][0]["details"]


async def test_of_an_order_comes_what_was_asked_for(seller: Seller) -> None:
    bare = (await seller.call("GET", f"{ORDERS}/{ORDER_ID}")).json()["order"]
    more = (await seller.call("GET", f"{ORDERS}/{ORDER_ID}", includedData="BUYER,PROCEEDS")).json()["order"]
    wrong = await seller.call("GET", f"{ORDERS}/{ORDER_ID}", includedData="EVERYTHING")

    assert "buyer" not in bare
    assert (more["buyer"], more["orderItems"][0]["proceeds"]) == (ORDER["buyer"], {})
    assert code(wrong) == (400, "InvalidInput")


async def test_what_is_pending_has_no_prices_yet(seller: Seller) -> None:
    pending = {**ORDER["fulfillment"], "fulfillmentStatus": "PENDING"}
    await seller.put_order(fulfillment=pending, proceeds={}, recipient={})

    asked = await seller.call("GET", f"{ORDERS}/{ORDER_ID}", includedData="BUYER,PROCEEDS,RECIPIENT")

    order = asked.json()["order"]
    assert "buyer" in order
    assert not {"proceeds", "recipient"} & (order.keys() | order["orderItems"][0].keys())


async def test_a_quota_is_a_bucket_and_its_rate_is_in_every_answer(seller: Seller) -> None:
    plan = {"rate_per_s": 0.01, "burst": 2}
    await seller.control("PUT", "sellers/A2LUMOSELLER01/usage-plans/getOrder", plan)

    answers = [await seller.call("GET", f"{ORDERS}/{ORDER_ID}") for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert {one.headers["x-amzn-RateLimit-Limit"] for one in answers} == {"0.01"}
    assert code(answers[2]) == (429, "QuotaExceeded")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"createdAfter": "2026-02-20T00:00:00Z", "lastUpdatedAfter": "2026-02-20T00:00:00Z"},
        {"lastUpdatedAfter": "2026-02-20T00:00:00"},
        {"lastUpdatedAfter": "2026-02-20T00:00:00Z", "maxResultsPerPage": "101"},
        {"lastUpdatedAfter": "2026-02-20T00:00:00Z", "marketplaceIds": "ANOTHER"},
        {"lastUpdatedAfter": "2026-02-20T00:00:00Z", "paginationToken": "made up"},
        {"lastUpdatedAfter": "2026-02-20T00:00:00Z", "unknown": "1"},
    ],
)
async def test_a_search_that_does_not_fit_is_refused(seller: Seller, query: dict[str, str]) -> None:
    assert code(await seller.call("GET", ORDERS, **query)) == (400, "InvalidInput")


async def test_the_same_reference_edits_a_package_and_another_one_is_another(seller: Seller) -> None:
    answers = [
        await seller.confirm(),
        await seller.confirm(trackingNumber="1Z9"),
        await seller.confirm(packageReferenceId="2"),
    ]

    packages = (await seller.control("GET", "books/packages")).json()["rows"]
    assert [(one.status_code, one.content) for one in answers] == [(204, b"")] * 3
    assert [(one["tracking_number"], one["edits"]) for one in packages] == [("1Z9", 1), ("1Z1", 0)]
    order = (await seller.control("GET", f"sellers/A2LUMOSELLER01/orders/{ORDER_ID}")).json()
    assert order["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert order["lastUpdatedTime"] > ORDER["lastUpdatedTime"]


@pytest.mark.parametrize(
    "changes",
    [
        {"packageReferenceId": "PKG-1"},
        {"packageReferenceId": "0"},
        {"packageReferenceId": 1},
        {"carrierCode": ""},
        {"carrierCode": "Nobody"},
        {"carrierCode": "Other"},
        {"trackingNumber": ""},
        {"shipDate": "2026-02-20T15:00:00Z"},
        {"shipDate": "2999-02-20T15:00:00Z"},
        {"orderItems": [{"orderItemId": "1", "quantity": 1}]},
        {"orderItems": [{"orderItemId": LINE, "quantity": 3}]},
        {"orderItems": []},
        {"marketplaceId": "A1PA6795UKMFR9"},
        {"unknown": 1},
    ],
    ids=str,
)
async def test_a_package_that_does_not_fit_is_refused(seller: Seller, changes: dict[str, Any]) -> None:
    assert code(await seller.confirm(**changes)) == (400, "InvalidInput")
    assert (await seller.control("GET", "books/packages")).json()["rows"] == []


@pytest.mark.parametrize(
    "fulfillment",
    [
        {"fulfillmentStatus": "PENDING", "fulfilledBy": "MERCHANT"},
        {"fulfillmentStatus": "CANCELLED", "fulfilledBy": "MERCHANT"},
        {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "AMAZON"},
    ],
)
async def test_an_order_that_the_seller_does_not_send_takes_no_package(
    seller: Seller, fulfillment: dict[str, str]
) -> None:
    await seller.put_order(fulfillment=fulfillment)

    assert code(await seller.confirm()) == (400, "InvalidInput")


@pytest.mark.parametrize(("op", "lead_time"), [("merge", 5), ("replace", None)])
async def test_merge_keeps_what_replace_wipes(seller: Seller, op: str, lead_time: int | None) -> None:
    listing = {"quantity": 1, "lead_time_days": 5}
    await seller.control("PUT", "sellers/A2LUMOSELLER01/listings/A", listing)
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": 7}]
    patch = {"op": op, "path": "/attributes/fulfillment_availability", "value": value}
    body = {"productType": "PRODUCT", "patches": [patch]}
    path = "/listings/2021-08-01/items/A2LUMOSELLER01/A"

    answer = await seller.call("PATCH", path, body, marketplaceIds="ATVPDKIKX0DER")

    (row,) = (await seller.control("GET", "books/listings")).json()["rows"]
    assert answer.json()["status"] == "ACCEPTED"
    assert (row["quantity"], row["lead_time_days"]) == (7, lead_time)


async def test_a_slash_of_a_sku_has_to_be_encoded(seller: Seller) -> None:
    path = "/listings/2021-08-01/items/A2LUMOSELLER01/A/B"

    assert code(await seller.call("PATCH", path, {})) == (404, "NotFound")


def signed(seller: Seller, action: str, body: bytes, at: datetime) -> dict[str, str]:
    """Headers of a call that was signed then."""
    host = seller.sandbox.base_url.removeprefix("http://")
    headers = {
        "host": host,
        "x-amz-date": at.strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-target": f"AmazonSQS.{action}",
    }
    scope = f"{at:%Y%m%d}/us-east-1/sqs/aws4_request"
    names = ";".join(headers)
    lines = ["POST", "/", "", *(f"{name}:{value}" for name, value in headers.items()), "", names]
    request = "\n".join([*lines, hashlib.sha256(body).hexdigest()])
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, digest])
    key = f"AWS4{SELLER['aws_secret_access_key']}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    credential = f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}"
    return {**headers, "authorization": f"{credential}, SignedHeaders={names}, Signature={key.hex()}"}


async def ask_queue(seller: Seller, action: str, *, age: timedelta = timedelta(), **asked: Any) -> Any:
    body = json.dumps({"QueueUrl": seller.sandbox.queue_url("A2LUMOSELLER01"), **asked}).encode()
    headers = signed(seller, action, body, datetime.now(UTC) - age)
    return (await seller.http.post(f"{seller.sandbox.base_url}/", content=body, headers=headers)).json()


async def test_a_notice_comes_again_until_it_is_deleted(seller: Seller) -> None:
    await seller.control("POST", "sellers/A2LUMOSELLER01/notices", {"order_id": ORDER_ID, "copies": 2})

    first = await ask_queue(seller, "ReceiveMessage", MaxNumberOfMessages=10, VisibilityTimeout=0)
    again = await ask_queue(seller, "ReceiveMessage", MaxNumberOfMessages=10, VisibilityTimeout=0)
    entries = [
        {"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(again["Messages"])
    ]
    deleted = await ask_queue(seller, "DeleteMessageBatch", Entries=entries)

    assert len(first["Messages"]) == len(again["Messages"]) == len(deleted["Successful"]) == 2
    assert await ask_queue(seller, "ReceiveMessage") == {}
    bodies = [json.loads(one["Body"]) for one in again["Messages"]]
    assert bodies[0]["NotificationMetadata"] == bodies[1]["NotificationMetadata"]
    assert bodies[0]["Payload"]["OrderChangeNotification"]["Summary"]["FulfillmentType"] == "MFN"


async def test_a_signature_of_long_ago_and_none_at_all_are_refused(seller: Seller) -> None:
    old = await ask_queue(seller, "ReceiveMessage", age=timedelta(minutes=16))
    unsigned = await seller.http.post(f"{seller.sandbox.base_url}/", content=b"{}")

    assert old["__type"].endswith("#SignatureDoesNotMatch")
    assert unsigned.json()["__type"].endswith("#MissingAuthenticationToken")
