"""Pushes as Shopee sends them: a pointer, signed over callback URL, vertical bar and raw body; no id.

Source: minchao/shopee-php `src/SignatureValidator.php`, read 2026-11-22.
"""

import json
import time
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from crossdock_sandbox.shopee.door import sign
from crossdock_sandbox.shopee.store import Shop, Store
from crossdock_sandbox.webhooks import Delivery, Signature

ORDER_STATUS = 3


class PushGiven(BaseModel):
    """`POST /_sandbox/shops/{shop_id}/pushes`: one push, as it is or spoiled on purpose."""

    model_config = ConfigDict(extra="forbid")

    order_sn: str | None = Field(default=None, max_length=64)
    code: int = Field(default=ORDER_STATUS, ge=0, le=999)
    copies: int = Field(default=1, ge=1, le=100)
    signature: Signature = Signature.GOOD
    by_partner_key: bool = False
    body: str | None = Field(default=None, max_length=100_000)  # sent as it is, instead
    not_before: datetime | None = None


class OrderUnknown(LookupError):
    """The shop has no such order, and no body was given instead."""


def pushes_of(shop: Shop, store: Store, given: PushGiven) -> list[Delivery]:
    """The copies to send, about the order as it is now. Raises OrderUnknown."""
    body = given.body.encode() if given.body is not None else _body(shop, store, given)
    headers = {"Content-Type": "application/json"}
    if given.signature is not Signature.MISSING:
        key = shop.partner_key if given.by_partner_key else shop.push_key
        key = key if given.signature is Signature.GOOD else f"not-{key}"
        headers["Authorization"] = sign(key, f"{shop.callback_url}|{body.decode()}")
    delivery = Delivery(
        sender=str(shop.shop_id),
        topic=str(given.code),
        reference=given.order_sn,
        webhook_id="",
        url=shop.webhook_url,
        headers=headers,
        body=body,
        not_before=given.not_before.timestamp() if given.not_before else 0.0,
    )
    return [delivery] * given.copies


def _body(shop: Shop, store: Store, given: PushGiven) -> bytes:
    order = store.order(shop.shop_id, given.order_sn) if given.order_sn else None
    if order is None:
        raise OrderUnknown(f"shop {shop.shop_id} has no order {given.order_sn}")
    data = {"items": [], "ordersn": order["order_sn"], "status": order["order_status"]}
    data |= {"completed_scenario": "", "update_time": order["update_time"]}
    push = {"data": data, "shop_id": shop.shop_id, "code": given.code, "timestamp": int(time.time())}
    return json.dumps(push, separators=(",", ":")).encode()
