"""Calls to one shop's REST API: authentication, bounds, errors."""

import json
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import TypeAdapter, ValidationError

from order_service.adapters.marketplaces.woocommerce import codes, mapping, wire
from order_service.adapters.marketplaces.woocommerce.settings import WooCommerceSettings
from order_service.adapters.marketplaces.woocommerce.webhook import site_of
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Tracking,
)
from order_service.use_cases.ports import Account

T = TypeVar("T")

ANSWER_BYTES: Final = 4 * 1024 * 1024
#: WordPress's word for a route that no plug-in has registered.
NO_ROUTE: Final = "rest_no_route"
#: Refunds of one order whose lines are read: one page. Units of further ones count as not refunded.
MOST_REFUNDS: Final = 100
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

_ORDER: TypeAdapter[wire.Order] = TypeAdapter(wire.Order)
_REFUNDS: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[dict[str, Any]])
_TRACKING: TypeAdapter[wire.ShipmentTracking] = TypeAdapter(wire.ShipmentTracking)
_TRACKINGS: TypeAdapter[list[wire.ShipmentTracking]] = TypeAdapter(list[wire.ShipmentTracking])
_ORDERS: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[dict[str, Any]])
_SITE: TypeAdapter[wire.Site] = TypeAdapter(wire.Site)
_NOTE: TypeAdapter[wire.Note] = TypeAdapter(wire.Note)
_NOTES: TypeAdapter[list[wire.Note]] = TypeAdapter(list[wire.Note])


class WooCommerceGateway:
    """One shop: the REST API v3 of its site, and that of the Shipment Tracking plug-in where there is one.

    Source: the fact sheet's sections on tracking and on access, and developer.woocommerce.com, REST API v3
    "Orders", "Order refunds" and "Order notes", read 2026-11-22. What of it is unconfirmed is in README.md.
    """

    def __init__(self, http: httpx.AsyncClient, account: Account, settings: WooCommerceSettings) -> None:
        self._http = http
        self._base = (account.api_base_url or f"https://{account.shop_ref}").rstrip("/") + "/wp-json"
        key, _, secret = (account.secrets.access_token or "").partition(":")
        self._credentials = (key, secret) if key and secret else None
        self._settings = settings

    async def write_back(self, tracking: Tracking) -> str:
        """Tell one parcel's number where the shop keeps them, note it in the order, and complete the order
        with the last of its units. The reference of the entry: `tracking:…` or `note:…`.

        Safe to repeat: every step looks first whether it is done.
        """
        order = read(_ORDER, await self._whole_order(tracking.external_id))
        if order.status in codes.OVER:
            raise MarketplaceRefused(f"order_{order.status}")
        known = mapping.told_parcels(order).get(tracking.tracking_number)
        if known is not None:
            reference = str(known.get("reference"))
        else:
            # A unit that was refunded after its parcel had left is in the parcel all the same.
            untold = mapping.untold_units(order)
            if any(untold[line] < units for line, units in tracking.units.items()):
                raise MarketplaceRefused("units_not_fulfillable")
            reference = await self._tell(tracking)
            change = mapping.to_parcel(tracking, reference)
            changed = await self.change("PUT", f"/wc/v3/orders/{order.id}", change, _ORDER)
            # Another parcel of the order may have been noted meanwhile. The answer tells no refunded lines.
            order = changed.model_copy(update={"refunds": order.refunds})
        await self._complete(order)
        return reference

    async def shop_of_credentials(self) -> str:
        """The address of the site whose orders the key opens, as accounts have it.

        The order list proves the key; the index, which anybody may read, tells the address that webhooks name
        as their source.
        """
        read(_ORDERS, await self.ask("/wc/v3/orders?per_page=1"))
        return site_of(read(_SITE, await self.ask("/?_fields=home")).home)

    async def fetch_order(self, external_id: str) -> bytes:
        """The order in the shape of the webhooks, with the lines of its refunds, which webhooks leave out."""
        return await self._whole_order(external_id)

    async def _whole_order(self, external_id: str) -> bytes:
        answer = await self.ask(f"/wc/v3/orders/{external_id}")
        if not read(_ORDER, answer).refunds:
            return answer
        refunds = read(
            _REFUNDS, await self.ask(f"/wc/v3/orders/{external_id}/refunds?per_page={MOST_REFUNDS}")
        )
        lines = {one.get("id"): one.get("line_items") for one in refunds}
        order = json.loads(answer)
        for refund in order["refunds"]:
            refund["line_items"] = lines.get(refund["id"])
        return json.dumps(order).encode()

    async def _complete(self, order: wire.Order) -> None:
        """Partly shipped orders stay as they are; so does a status that we were not told to change."""
        may_complete = self._settings.complete_orders and order.status in self._settings.ready_statuses
        if may_complete and mapping.everything_told(order):
            await self.change("PUT", f"/wc/v3/orders/{order.id}", {"status": codes.COMPLETED}, _ORDER)

    async def _tell(self, tracking: Tracking) -> str:
        if self._settings.tracking != "order_note":
            try:
                return await self._tell_plug_in(tracking)
            except MarketplaceRefused as refused:
                if refused.args[0] != NO_ROUTE:
                    raise
                if self._settings.tracking == "shipment_tracking":
                    raise MarketplaceRefused("no_shipment_tracking_plugin") from refused
        return await self._tell_by_note(tracking)

    async def _tell_plug_in(self, tracking: Tracking) -> str:
        path = f"/wc-shipment-tracking/v3/orders/{tracking.external_id}/shipment-trackings"
        for one in read(_TRACKINGS, await self.ask(path)):
            if one.tracking_number == tracking.tracking_number:
                return f"tracking:{one.tracking_id}"
        body = mapping.to_shipment_tracking(tracking)
        made = await self.change("POST", path, body, _TRACKING)
        return f"tracking:{made.tracking_id}"

    async def _tell_by_note(self, tracking: Tracking) -> str:
        path = f"/wc/v3/orders/{tracking.external_id}/notes"
        for one in read(_NOTES, await self.ask(path)):
            if mapping.names(one.note, tracking.tracking_number):
                return f"note:{one.id}"
        body = {"note": mapping.to_note(tracking), "customer_note": self._settings.note_for_buyer}
        made = await self.change("POST", path, body, _NOTE)
        return f"note:{made.id}"

    async def ask(self, path: str) -> bytes:
        return await self._send("GET", path, changes=False)

    async def change(self, method: str, path: str, body: Mapping[str, object], answer: TypeAdapter[T]) -> T:
        content = await self._send(method, path, body=body, changes=True)
        try:
            return answer.validate_json(content)
        except ValidationError as error:
            raise MarketplaceOutcomeUnknown("the answer to a change cannot be read") from error

    async def _send(self, method: str, path: str, *, body: Any = None, changes: bool) -> bytes:
        if self._credentials is None:
            raise MarketplaceRefused("account_has_no_consumer_key_and_secret")
        parts = urlsplit(self._base)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise MarketplaceRefused("https_required")  # the secret would be readable on its way
        try:
            response = await self._http.request(
                method,
                self._base + path,
                json=body,
                headers={"Accept": "application/json"},
                auth=self._credentials,
                timeout=self._settings.timeout_s,
                follow_redirects=False,
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise MarketplaceUnavailable("the shop was not reached") from error
        except httpx.TransportError as error:
            raise _lost(f"no answer: {type(error).__name__}", changes) from error
        if len(response.content) > ANSWER_BYTES:
            raise _lost("the answer is too large", changes)
        if response.is_success:
            return response.content
        raise _refusal(response, changes)


def _refusal(response: httpx.Response, changes: bool) -> Exception:
    """WooCommerce knows no limit of calls: hosts and firewalls say "slow down", with 429, 503 or 403."""
    status, code = response.status_code, _code(response)
    if status == 429 or (status == 403 and code is None):
        return MarketplaceUnavailable("the shop asked us to slow down", retry_after_s=_retry_after(response))
    if status == 503 and not changes:
        return MarketplaceUnavailable("the shop is not available", retry_after_s=_retry_after(response))
    if status >= 500 and code != codes.NOT_REFUNDED:
        return _lost(f"HTTP {status}", changes)
    return MarketplaceRefused(code or f"http_{status}")


def _code(response: httpx.Response) -> str | None:
    """None: not WordPress, but something in front of it, has answered."""
    try:
        return wire.Refusal.model_validate_json(response.content).code[:100]
    except ValidationError:
        return None


def _lost(reason: str, changes: bool) -> Exception:
    """A question can simply be asked again; of a change nobody knows whether it was made."""
    return MarketplaceOutcomeUnknown(reason) if changes else MarketplaceUnavailable(reason)


def read(model: TypeAdapter[T], content: bytes) -> T:
    try:
        return model.validate_json(content)
    except ValidationError as error:
        raise MarketplaceUnavailable("the shop's answer cannot be read") from error


def _retry_after(response: httpx.Response) -> float:
    try:
        return min(max(float(response.headers.get("Retry-After", "2")), 0.5), 300.0)
    except ValueError:
        return 2.0
