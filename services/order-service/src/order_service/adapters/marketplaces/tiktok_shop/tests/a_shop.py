"""A shop in the sandbox with one order, and everything that calls it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from crossdock_sandbox.tiktok_shop.app import TikTokShopSandbox
from order_service.adapters.marketplaces.tiktok_shop import open_marketplace
from order_service.use_cases.marketplace import Marketplace, Tracking
from order_service.use_cases.ports import Account, Tokens

from .conformance import ACCOUNT, APP_KEY, APP_SECRET, SHOP, an_order

ID = "576912233445566771"
RING, LANYARD = "577001122334455101", "577001122334455103"
RINGS = ("577001122334455101", "577001122334455102")
FIRST = Tracking(ID, "YT100", None, "yunexpress", {RING: 1})
REST = Tracking(ID, "RM200", None, "royal_mail", {RING: 1, LANYARD: 1})
CIPHER = "ROW_exampleCipher"


class Meter:
    """A meter that counts and never refuses."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def take(self, operation: str) -> None:
        self.taken.append(operation)

    async def learn(self, operation: str, rate_per_s: float) -> None:
        raise AssertionError("this platform tells no quotas")


def authorised(**changes: Any) -> Account:
    tokens = Tokens("TTP_1", datetime.now(UTC) + timedelta(days=7), "TTR_1")
    return replace(ACCOUNT, **{"tokens": tokens, **changes})


@dataclass
class Shop:
    sandbox: TikTokShopSandbox
    http: httpx.AsyncClient
    platform: Marketplace
    meter: Meter

    @classmethod
    def of(cls, sandbox: TikTokShopSandbox, http: httpx.AsyncClient) -> "Shop":
        return cls(sandbox, http, open_marketplace(http), Meter())

    def account(self, **changes: Any) -> Account:
        return authorised(**{"api_base_url": self.sandbox.base_url, **changes})

    def opened(self, name: str, account: Account | None = None) -> Any:
        """What the folder opens under this name, for the account."""
        return getattr(self.platform, name)(account or self.account(), self.meter)

    @property
    def gateway(self) -> Any:
        return self.opened("open_gateway")

    async def install(self, **changes: Any) -> None:
        given = {
            "shop": SHOP,
            "app_key": APP_KEY,
            "app_secret": APP_SECRET,
            "shop_cipher": CIPHER,
            "access_token": "TTP_1",
            "refresh_token": "TTR_1",
            "webhook_url": "http://127.0.0.1:9/",
            **changes,
        }
        assert (await self.control("POST", "shops", given)).status_code == 201

    async def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.http.request(method, f"{self.sandbox.base_url}/_sandbox/{path}", json=body)

    async def put_order(self, **changes: Any) -> None:
        answer = await self.control("PUT", f"shops/{SHOP}/orders/{ID}", an_order(**changes))
        assert answer.status_code == 200, answer.text

    async def order(self) -> Mapping[str, Any]:
        said: Mapping[str, Any] = (await self.control("GET", f"shops/{SHOP}/orders/{ID}")).json()
        return said

    async def put_product(self, product_id: str, *skus: Mapping[str, Any]) -> None:
        path = f"shops/{SHOP}/products/{product_id}"
        assert (await self.control("PUT", path, {"skus": list(skus)})).status_code == 200

    async def misbehave(self, **rule: Any) -> None:
        answer = await self.control("PUT", "faults", [{"times": 1, **rule}])
        assert answer.status_code == 200, answer.text

    async def books(self, table: str, *columns: str, **filters: str) -> list[Any]:
        url = f"{self.sandbox.base_url}/_sandbox/books/{table}"
        rows = (await self.http.get(url, params=filters)).json()["rows"]
        return [tuple(row[one] for one in columns) if columns[1:] else row[columns[0]] for row in rows]
