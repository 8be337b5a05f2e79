"""The shop's side: what the control API takes, and webhooks exactly as Shopify sends them."""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Annotated, Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from crossdock_sandbox import clock
from crossdock_sandbox.shopify.store import Shop, Store
from crossdock_sandbox.webhooks import Delivery, Signature

Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class ShopGiven(BaseModel):
    """`POST /_sandbox/shops`: a shop with our app installed in it."""

    model_config = ConfigDict(extra="forbid")

    shop: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    client_secret: Text
    access_token: Text
    webhook_url: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=2000)]
    api_version: Annotated[str, StringConstraints(pattern=r"^\d{4}-(01|04|07|10)$")] = "2026-10"

    def shop_row(self) -> Shop:
        return Shop(**self.model_dump())


class DeliveryGiven(BaseModel):
    """`POST /_sandbox/shops/{shop}/deliveries`: one webhook, as it is or spoiled on purpose."""

    model_config = ConfigDict(extra="forbid")

    topic: Annotated[str, StringConstraints(pattern=r"^[a-z_]+/[a-z_]+$", max_length=100)]
    order_id: int | None = Field(default=None, ge=1)
    copies: int = Field(default=1, ge=1, le=100)  # all with the same webhook id, as Shopify's duplicates are
    signature: Signature = Signature.GOOD
    body: str | None = Field(default=None, max_length=4_000_000)  # sent as it is, instead of the order
    webhook_id: Text | None = None
    event_id: Text | None = None
    not_before: datetime | None = None


class OrderUnknown(LookupError):
    """The shop has no such order, and no body was given instead."""


def deliveries_of(shop: Shop, store: Store, given: DeliveryGiven) -> list[Delivery]:
    """The copies to send, with the order's body as it is now. Raises OrderUnknown."""
    body = _body(shop, store, given)
    webhook_id = given.webhook_id or str(uuid4())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": given.topic,
        "X-Shopify-Shop-Domain": shop.domain,
        "X-Shopify-API-Version": shop.api_version,
        "X-Shopify-Webhook-Id": webhook_id,
        "X-Shopify-Event-Id": given.event_id or str(uuid4()),
        "X-Shopify-Triggered-At": clock.precise(clock.now()),
    }
    if given.signature is not Signature.MISSING:
        secret = shop.client_secret if given.signature is Signature.GOOD else f"not-{shop.client_secret}"
        headers["X-Shopify-Hmac-SHA256"] = sign(secret, body)
    delivery = Delivery(
        sender=shop.shop,
        topic=given.topic,
        reference=None if given.order_id is None else str(given.order_id),
        webhook_id=webhook_id,
        url=shop.webhook_url,
        headers=headers,
        body=body,
        not_before=given.not_before.timestamp() if given.not_before else 0.0,
    )
    return [delivery] * given.copies


def sign(secret: str, body: bytes) -> str:
    """Base64 of the HMAC-SHA256 over the raw body, the key being the client secret's UTF-8 bytes.

    Source: shopify.dev, "Verify webhook deliveries", read 2026-11-21.
    """
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _body(shop: Shop, store: Store, given: DeliveryGiven) -> bytes:
    if given.body is not None:
        return given.body.encode()
    row = store.order(shop.shop, given.order_id) if given.order_id is not None else None
    if row is None:
        raise OrderUnknown(f"shop {shop.shop} has no order {given.order_id}")
    order: dict[str, Any] = json.loads(row["body_json"])
    if given.topic == "orders/delete":
        order = {"id": order["id"]}
    return json.dumps(order, ensure_ascii=False, separators=(",", ":")).encode()
