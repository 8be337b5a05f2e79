"""A seller in the sandbox, and what we open to call for them."""

import json
from dataclasses import replace
from typing import Any

import httpx

from crossdock_sandbox.amazon.app import AmazonSandbox
from order_service.adapters.marketplaces.amazon.api import SellingPartnerApi
from order_service.adapters.marketplaces.amazon.listings import AmazonListings
from order_service.adapters.marketplaces.amazon.orders import AmazonOrders
from order_service.adapters.marketplaces.amazon.queue import SqsQueue
from order_service.adapters.marketplaces.amazon.settings import AmazonSettings
from order_service.adapters.marketplaces.amazon.tokens import LoginWithAmazon
from order_service.use_cases.ports import Account, Secrets, Tokens

from .conformance import ACCOUNT, ORDER

SELLER = ACCOUNT.shop_ref
ORDER_ID, LINE = "113-4455667-8899001", "90112233445501"


class Counted:
    """A meter that lets everything pass and remembers what it was told."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.learnt: dict[str, float] = {}

    async def take(self, operation: str) -> None:
        self.taken.append(operation)

    async def learn(self, operation: str, rate_per_s: float) -> None:
        self.learnt[operation] = rate_per_s


class Seller:
    """A seller in the sandbox with one order, and everything that our side opens for them."""

    def __init__(self, sandbox: AmazonSandbox, http: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.http = http
        self.meter = Counted()
        self.settings = AmazonSettings(token_url=sandbox.token_url, queue_wait_s=0, timeout_s=5.0)
        self.account = account_in(sandbox)

    async def control(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = await self.http.request(method, f"{self.sandbox.base_url}/_sandbox/{path}", json=body)
        assert answer.is_success, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def install(self) -> None:
        await self.control("POST", "sellers", given())
        await self.put_order()
        self.account = replace(self.account, tokens=await self.login().refresh())

    async def put_order(self, order_id: str = ORDER_ID, **changes: Any) -> None:
        order = {**json.loads(ORDER)["order"], "orderId": order_id, **changes}
        await self.control("PUT", f"sellers/{SELLER}/orders/{order_id}", order)

    async def order(self) -> dict[str, Any]:
        return await self.control("GET", f"sellers/{SELLER}/orders/{ORDER_ID}")

    async def misbehave(self, **rule: Any) -> None:
        await self.control("PUT", "faults", [{"times": 1, **rule}])

    async def rows(self, table: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.control("GET", f"books/{table}"))["rows"]
        return found

    def with_secrets(self, **named: str) -> None:
        secrets = Secrets(named={**self.account.secrets.named, **named})
        self.account = replace(self.account, secrets=secrets)

    def with_tokens(self, tokens: Tokens | None) -> None:
        self.account = replace(self.account, tokens=tokens)

    def with_options(self, **options: str) -> None:
        self.account = replace(self.account, options={**self.account.options, **options})

    def api(self) -> SellingPartnerApi:
        return SellingPartnerApi(self.http, self.account, self.meter, self.settings)

    def orders(self) -> AmazonOrders:
        return AmazonOrders(self.api(), self.settings.carrier_codes)

    def listings(self) -> AmazonListings:
        return AmazonListings(self.api(), self.settings.product_type)

    def queue(self) -> SqsQueue:
        return SqsQueue(self.http, self.account, self.settings)

    def login(self) -> LoginWithAmazon:
        return LoginWithAmazon(self.http, self.account, self.settings)


def account_in(sandbox: AmazonSandbox) -> Account:
    options = {**ACCOUNT.options, "queue_url": sandbox.queue_url(SELLER)}
    return replace(ACCOUNT, api_base_url=sandbox.base_url, options=options)


def given() -> dict[str, str]:
    """The seller as the sandbox is told."""
    named, options = ACCOUNT.secrets.named, ACCOUNT.options
    return {
        "seller_id": SELLER,
        "marketplace_ids": options["marketplace_ids"],
        "application_id": options["application_id"],
        "client_id": options["lwa_client_id"],
        "client_secret": named["lwa_client_secret"],
        "refresh_token": named["lwa_refresh_token"],
        "aws_access_key_id": named["aws_access_key_id"],
        "aws_secret_access_key": named["aws_secret_access_key"],
        "queue_region": options["queue_region"],
    }
