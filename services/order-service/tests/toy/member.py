"""The whole folder of a made-up marketplace: it pushes, points, lists, queues, and its tokens run out."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from order_service.domain.canonical import (
    Address,
    CanonicalBuyer,
    CanonicalLine,
    CanonicalOrder,
    CanonicalTotals,
    FulfilmentStatus,
    PaymentStatus,
)
from order_service.domain.errors import NotAnOrder
from order_service.use_cases.marketplace import (
    Content,
    Delivery,
    Gateway,
    Listed,
    Lister,
    Marketplace,
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Meter,
    NotAuthentic,
    NoticeQueue,
    Pointer,
    Polling,
    QueuedNotice,
    Quota,
    Refresher,
    TokenExpired,
    Tracking,
)
from order_service.use_cases.ports import Account, Tokens


def read(topic: str, body: bytes) -> Content:
    try:
        said = json.loads(body)
        if topic == "notice":
            return Pointer(said["id"], at(said["updated"]) if "updated" in said else None)
        return an_order(said) if topic == "order" else None
    except (ValueError, KeyError) as error:
        raise NotAnOrder(type(error).__name__) from error


def at(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)


def an_order(said: Mapping[str, Any]) -> CanonicalOrder:
    units = said["units"]
    line = CanonicalLine("1", ("1",), "CN-STAND-AL-SLV", "Stand", units, 0, 500, 0, 0)
    return CanonicalOrder(
        platform="toy",
        external_id=said["id"],
        order_number=said["id"],
        placed_at=at(said["placed"]),
        updated_at=at(said["updated"]),
        currency="USD",
        tax_included=True,
        totals=CanonicalTotals(500 * units, 0, 0, 0, 0, 0, 500 * units, 0),
        lines=(line,),
        ship_to=Address("D", None, ("1 Road",), None, "Austin", "TX", "78704", "US", "1"),
        buyer=CanonicalBuyer(),
        payment_status=PaymentStatus.PAID,
        fulfilment_status=FulfilmentStatus.UNFULFILLED,
        cancelled=False,
    )


class Shop:
    """All calls of an account."""

    def __init__(self, http: httpx.AsyncClient, account: Account, meter: Meter) -> None:
        self._http = http
        self._account = account
        self._meter = meter

    async def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        token = self._account.tokens.access_token if self._account.tokens else "none"
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self._account.api_base_url}{path}"
        try:
            answer = await self._http.request(method, url, headers=headers, **more)
        except httpx.ConnectError as error:
            raise MarketplaceUnavailable("not reached") from error
        except httpx.TransportError as error:
            raise MarketplaceOutcomeUnknown("no answer") from error
        if answer.status_code == 401:
            raise TokenExpired
        if answer.status_code >= 500:
            raise MarketplaceUnavailable(f"http_{answer.status_code}")
        if answer.is_error:
            raise MarketplaceRefused(f"http_{answer.status_code}")
        return answer

    async def write_back(self, tracking: Tracking) -> str:
        raise MarketplaceRefused("cannot")

    async def fetch_order(self, external_id: str) -> bytes:
        await self._meter.take("fetch")
        return (await self._call("GET", f"/orders/{external_id}")).content

    async def list_changed(self, since: datetime, until: datetime, cursor: str | None) -> Listed:
        await self._meter.take("search")
        span = {"since": since.timestamp(), "until": until.timestamp(), "cursor": cursor or "0"}
        said = (await self._call("GET", "/orders", params=span)).json()
        return Listed(
            orders=[json.dumps(one).encode() for one in said["orders"]],
            pointers=[Pointer(one["id"], at(one["updated"])) for one in said["pointers"]],
            cursor=said["cursor"],
        )

    async def receive(self) -> Sequence[QueuedNotice]:
        waiting = (await self._call("GET", "/queue")).json()
        return [QueuedNotice(one["handle"], one["headers"], one["body"].encode()) for one in waiting]

    async def remove(self, handles: Sequence[str]) -> None:
        await self._call("POST", "/queue/removed", json=list(handles))

    async def refresh(self) -> Tokens:
        tokens = self._account.tokens
        given = tokens.refresh_token if tokens else self._account.secrets.access_token
        try:
            answer = await self._call("POST", "/token", json={"refresh_token": given})
        except TokenExpired as error:
            raise MarketplaceRefused("refresh_token_refused") from error
        said = answer.json()
        return Tokens(said["access_token"], at(said["expires_at"]), said["refresh_token"])


def open_marketplace(http: httpx.AsyncClient) -> Marketplace:
    keys: dict[str, bytes] = {}

    async def prepare(account: Account, headers: Mapping[str, str]) -> None:
        if account.account not in keys:
            answer = await http.get(f"{account.api_base_url}/key")
            keys[account.account] = answer.raise_for_status().content

    def verify(account: Account, headers: Mapping[str, str], body: bytes) -> Delivery | None:
        key = keys.get(account.account, account.secrets.webhook[0].encode())
        expected = hmac.new(key, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, headers.get("x-toy-signature", "")):
            raise NotAuthentic
        return Delivery(headers["x-toy-id"], headers["x-toy-topic"], {})

    def handshake(account: Account, query: Mapping[str, str]) -> bytes | None:
        challenge = query.get("challenge")
        if challenge is None:
            return None
        proof = hashlib.sha256((challenge + account.secrets.webhook[0]).encode()).hexdigest()
        return json.dumps({"proof": proof}).encode()

    def open_shop(account: Account, meter: Meter) -> Shop:
        return Shop(http, account, meter)

    def open_gateway(account: Account, meter: Meter) -> Gateway:
        return open_shop(account, meter)

    def open_lister(account: Account, meter: Meter) -> Lister:
        return open_shop(account, meter)

    def open_queue(account: Account, meter: Meter) -> NoticeQueue:
        return open_shop(account, meter)

    def open_refresher(account: Account, meter: Meter) -> Refresher:
        return open_shop(account, meter)

    return Marketplace(
        code="toy",
        writes_tracking=False,
        fetched_topic="order",
        verify=verify,
        read=read,
        open_gateway=open_gateway,
        quotas={"search": Quota(rate_per_s=50, burst=50), "fetch": Quota(rate_per_s=50, burst=50)},
        accepted=204,
        refused=412,
        prepare=prepare,
        handshake=handshake,
        polling=Polling(open_lister=open_lister, every_s=3600, overlap_s=2, longest_s=86_400, first_s=3600),
        open_queue=open_queue,
        open_refresher=open_refresher,
    )
