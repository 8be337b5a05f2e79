"""Signed calls to a seller's own addresses: where they may lead, bounds, errors."""

import hashlib
import json
import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

import httpx
from pydantic import BaseModel, ValidationError

from crossdock_chassis.outgoing import open_http_client
from crossdock_chassis.public_addresses import PublicResolver, is_public
from order_service.adapters.marketplaces.generic import wire
from order_service.adapters.marketplaces.generic.settings import GenericSettings
from order_service.adapters.marketplaces.generic.signing import sign
from order_service.use_cases.marketplace import (
    Listed,
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceRefusedInPart,
    MarketplaceUnavailable,
    StockNumber,
    Tracking,
)
from order_service.use_cases.ports import Account

T = TypeVar("T", bound=BaseModel)

#: SKUs in one call.
BATCH: Final = 100
ANSWER_BYTES: Final = 4 * 1024 * 1024
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class GenericGateway:
    """One shop: `url` takes what we tell, `orders_url` answers what we ask. Either may be missing.

    What is told carries an id made of what it says, so the shop knows a repetition. Every call has a client
    of its own: calls are few, and no connection to an address that was checked long ago is used again.
    """

    def __init__(self, account: Account, settings: GenericSettings, tls: ssl.SSLContext) -> None:
        self._account = account
        self._settings = settings
        self._tls = tls

    async def write_back(self, tracking: Tracking) -> str:
        """Tell a parcel's number; the shop's reference of it. Safe to repeat: the shop is asked first where
        it answers questions, and knows the call again by its id.
        """
        order = await self._known(tracking.external_id)
        if order is not None:
            for one in order.shipments:
                if one.tracking_number == tracking.tracking_number:
                    return one.reference
            if order.status == "cancelled":
                raise MarketplaceRefused("order_cancelled")
        said = {
            "type": "tracking",
            "order_id": tracking.external_id,
            "tracking_number": tracking.tracking_number,
            "tracking_url": tracking.tracking_url,
            "carrier": tracking.carrier,
            "units": dict(tracking.units),
        }
        done = await self._tell(
            said, wire.Done, known_by=("tracking", tracking.external_id, tracking.tracking_number)
        )
        return done.reference

    async def cancel(self, external_id: str, reason: str) -> str:
        """Have the order cancelled; the shop's reference of it. Safe to repeat, as `write_back` is.

        Raises MarketplaceRefusedInPart with the shop's code for each line that it does not cancel.
        """
        order = await self._known(external_id)
        if order is not None and order.status == "cancelled":
            return order.id
        said: dict[str, object] = {"type": "cancel", "order_id": external_id, "reason": reason}
        if self._account.refund_on_cancel:
            said["refund"] = True
        done = await self._tell(said, wire.Cancelled, known_by=("cancel", external_id))
        if done.refused:
            left = ", ".join(f"{line}: {code}" for line, code in done.refused.items())
            raise MarketplaceRefusedInPart(left[:400])
        return done.reference

    async def tell_stock(self, numbers: Sequence[StockNumber]) -> Mapping[str, str]:
        """Set absolute numbers; those refused, with their codes. Safe to repeat: each time is newer."""
        levels = [{"sku": one.external_sku, "units": one.units} for one in numbers]
        answer = await self._tell(
            {"type": "stock", "levels": levels}, wire.StockSet, known_by=("stock", str(uuid4()))
        )
        asked = {one.external_sku for one in numbers}
        return {sku: code for sku, code in answer.refused.items() if sku in asked}

    async def shop_of_credentials(self) -> str:
        """The shop that says it has understood our signature."""
        return (await self._tell({"type": "check"}, wire.Named, known_by=("check", str(uuid4())))).shop

    async def fetch_order(self, external_id: str) -> bytes:
        """The order as its deliveries have it."""
        return await self._ask(f"/{quote(external_id, safe=':')}")

    async def list_changed(self, since: datetime, until: datetime, cursor: str | None) -> Listed:
        """Orders by `updated_at`, page by page. Safe to repeat."""
        query = {"updated_since": _at(since), "updated_until": _at(until)}
        if cursor is not None:
            query["cursor"] = cursor
        page = _read(wire.Page, await self._ask(f"?{urlencode(query, safe=':')}"), MarketplaceUnavailable)
        return Listed(orders=[json.dumps(one).encode() for one in page.orders], cursor=page.next_cursor)

    async def _known(self, external_id: str) -> wire.Order | None:
        """The order as the shop has it; None where it answers no questions."""
        if "orders_url" not in self._account.options:
            return None
        return _read(wire.Order, await self.fetch_order(external_id), MarketplaceUnavailable)

    async def _tell(self, said: Mapping[str, object], answer: type[T], *, known_by: tuple[str, ...]) -> T:
        url = self._option("url")
        body = json.dumps({"shop": self._account.shop_ref, **said}).encode()
        message_id = f"{known_by[0]}_{hashlib.sha256(json.dumps(known_by).encode()).hexdigest()[:40]}"
        content = await self._send("POST", url, message_id, signed=body, body=body)
        return _read(answer, content, MarketplaceOutcomeUnknown)

    async def _ask(self, rest: str) -> bytes:
        """A question has no body: its target is signed instead. Nothing in it is written in two ways on its
        way: ids, times and cursors need no escapes.
        """
        url = self._option("orders_url") + rest
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return await self._send("GET", url, f"ask_{uuid4().hex}", signed=target.encode(), body=None)

    def _option(self, name: str) -> str:
        url = self._account.options.get(name)
        if url is None:
            raise MarketplaceRefused(f"account_has_no_{name}")
        return url.rstrip("/")

    async def _send(
        self, method: str, url: str, message_id: str, *, signed: bytes, body: bytes | None
    ) -> bytes:
        private = self._settings.allow_private_addresses
        refuse_unless_reachable(url, private=private)
        try:
            timestamp = int(time.time())
            headers = {
                "webhook-id": message_id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": sign(self._account.secrets.webhook, message_id, timestamp, signed),
                "Accept": "application/json",
                **({"Content-Type": "application/json"} if body is not None else {}),
            }
        except ValueError as error:
            raise MarketplaceRefused("webhook_secret_is_not_base64") from error
        resolver = None if private else PublicResolver()
        try:
            async with open_http_client(
                "generic",
                timeout_s=self._settings.timeout_s,
                max_response_bytes=ANSWER_BYTES,
                tls=self._tls,
                resolver=resolver,
            ) as http:
                response = await http.request(method, url, content=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise MarketplaceUnavailable("the shop was not reached") from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise MarketplaceRefused("url_not_usable") from error
        except httpx.TransportError as error:
            raise _lost(f"no answer: {type(error).__name__}", changes=body is not None) from error
        finally:
            if resolver is not None:
                await resolver.close()
        if response.is_success:
            return response.content
        raise _refusal(response, changes=body is not None)


def refuse_unless_reachable(url: str, *, private: bool) -> None:
    """Raises MarketplaceRefused for an address that must not be called. Names are looked at when they are
    resolved.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.username or parts.password or not host:
        raise MarketplaceRefused("url_not_usable")
    if parts.scheme != "https" and not (private and parts.scheme == "http" and host in LOOPBACK):
        raise MarketplaceRefused("https_required")
    if private:
        return
    try:
        public = is_public(host)
    except ValueError:  # a name
        return
    if not public:
        raise MarketplaceRefused("private_address")


def _refusal(response: httpx.Response, *, changes: bool) -> Exception:
    status = response.status_code
    if status == 429 or (status == 503 and not changes):
        return MarketplaceUnavailable("the shop asked us to slow down", retry_after_s=_retry_after(response))
    if status >= 500:
        return _lost(f"HTTP {status}", changes=changes)
    try:
        return MarketplaceRefused(wire.Refusal.model_validate_json(response.content).error)
    except ValidationError:
        return MarketplaceRefused(f"http_{status}")


def _lost(reason: str, *, changes: bool) -> Exception:
    return MarketplaceOutcomeUnknown(reason) if changes else MarketplaceUnavailable(reason)


def _read(model: type[T], content: bytes, otherwise: type[Exception]) -> T:
    try:
        return model.model_validate_json(content)
    except ValidationError:
        raise otherwise("the shop's answer cannot be read") from None


def _retry_after(response: httpx.Response) -> float:
    try:
        return min(max(float(response.headers.get("Retry-After", "2")), 0.5), 300.0)
    except ValueError:
        return 2.0


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
