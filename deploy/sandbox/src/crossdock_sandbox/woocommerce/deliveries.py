"""The site's side: what the control API takes, and webhooks as WooCommerce sends them.

Source: woocommerce/woocommerce `plugins/woocommerce/includes/class-wc-webhook.php` (deliver, deliver_ping,
generate_signature, get_new_delivery_id), read 2026-11-22.
"""

import base64
import hashlib
import hmac
import time
from datetime import datetime
from typing import Annotated, Any, Literal

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from crossdock_sandbox.webhooks import Delivery, Signature
from crossdock_sandbox.woocommerce.php import php_json
from crossdock_sandbox.woocommerce.store import Shop, Store

WEBHOOK_ID = 12
USER_AGENT = "WooCommerce/10.4.3 Hookshot (WordPress/6.9)"
PING = "ping"
PING_S = 60.0

Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class ShopGiven(BaseModel):
    """`POST /_sandbox/shops`: a site with a key and a webhook for us."""

    model_config = ConfigDict(extra="forbid")

    shop: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    site: Annotated[str, StringConstraints(pattern=r"^https?://\S+/$", max_length=500)] | None = None
    consumer_key: Annotated[str, StringConstraints(pattern=r"^ck_[!-9;-~]{1,200}$")]
    consumer_secret: Annotated[str, StringConstraints(pattern=r"^cs_[!-~]{1,200}$")]
    permissions: Literal["read", "write", "read_write"] = "read_write"
    webhook_secret: Text
    webhook_url: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=2000)]
    shipment_tracking: bool = True
    gmt_offset_h: int = Field(default=0, ge=-12, le=14)

    def shop_row(self) -> Shop:
        return Shop(**{**self.model_dump(), "site": self.site or f"https://{self.shop}.example/"})


class RefundGiven(BaseModel):
    """`POST /_sandbox/shops/{shop}/orders/{id}/refunds`; `units`: line id to quantity."""

    model_config = ConfigDict(extra="forbid")

    amount: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?$")]
    reason: str = ""
    units: dict[int, Annotated[int, Field(ge=1)]] = {}


class DeliveryGiven(BaseModel):
    """`POST /_sandbox/shops/{shop}/deliveries`: one webhook, as it is or spoiled on purpose."""

    model_config = ConfigDict(extra="forbid")

    topic: Annotated[str, StringConstraints(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=100)]
    order_id: int | None = Field(default=None, ge=1)
    copies: int = Field(default=1, ge=1, le=100)
    signature: Signature = Signature.GOOD
    body: str | None = Field(default=None, max_length=4_000_000)  # sent as it is, instead of the order
    not_before: datetime | None = None


class OrderUnknown(LookupError):
    """The shop has no such order, and no body was given instead."""


def deliveries_of(shop: Shop, store: Store, given: DeliveryGiven) -> list[Delivery]:
    """The copies to send, with the order's body as it is now. Raises OrderUnknown."""
    body = _body(shop, store, given)
    resource, event = given.topic.split(".")
    delivery_id = new_delivery_id()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-WC-Webhook-Source": shop.site,
        "X-WC-Webhook-Topic": given.topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-ID": str(WEBHOOK_ID),
        "X-WC-Webhook-Delivery-ID": delivery_id,
    }
    if given.signature is not Signature.MISSING:
        secret = shop.webhook_secret if given.signature is Signature.GOOD else f"not-{shop.webhook_secret}"
        headers["X-WC-Webhook-Signature"] = sign(secret, body)
    delivery = Delivery(
        sender=shop.shop,
        topic=given.topic,
        reference=None if given.order_id is None else str(given.order_id),
        webhook_id=delivery_id,
        url=shop.webhook_url,
        headers=headers,
        body=body,
        not_before=given.not_before.timestamp() if given.not_before else 0.0,
    )
    return [delivery] * given.copies


def ping_of(shop: Shop) -> Delivery:
    """What is sent when a webhook is saved: form-encoded, unsigned, without any header of WooCommerce's."""
    return Delivery(
        sender=shop.shop,
        topic=PING,
        reference=None,
        webhook_id=PING,
        url=shop.webhook_url,
        headers={"Content-Type": "application/x-www-form-urlencoded", "User-Agent": USER_AGENT},
        body=f"webhook_id={WEBHOOK_ID}".encode(),
    )


async def ping(shop: Shop) -> str | None:
    """Send the ping and wait for its answer: what a merchant is shown who cannot save the webhook."""
    sent, timeout = ping_of(shop), aiohttp.ClientTimeout(total=PING_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(sent.url, data=sent.body, headers=sent.headers, allow_redirects=False) as response,
        ):
            status = response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"Error: Delivery URL cannot be reached: {type(error).__name__}"
    return None if status == 200 else f"Error: Delivery URL returned response code: {status}"


def new_delivery_id() -> str:
    """A hash of the webhook's id and the second: deliveries of one second share it."""
    return hashlib.md5(f"{WEBHOOK_ID}{int(time.time())}".encode(), usedforsecurity=False).hexdigest()


def sign(secret: str, body: bytes) -> str:
    """Base64 of the HMAC-SHA256 over the raw body; the five special characters in the secret are decoded."""
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#039;", "'"), ("&amp;", "&")):
        secret = secret.replace(entity, character)
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _body(shop: Shop, store: Store, given: DeliveryGiven) -> bytes:
    if given.body is not None:
        return given.body.encode()
    order: dict[str, Any] | None = store.order(shop.shop, given.order_id) if given.order_id else None
    if order is None:
        raise OrderUnknown(f"shop {shop.shop} has no order {given.order_id}")
    return php_json({"id": order["id"]} if given.topic == "order.deleted" else order)
