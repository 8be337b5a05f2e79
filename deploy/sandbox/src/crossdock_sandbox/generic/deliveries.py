"""A delivery of an order, signed as Standard Webhooks has it, or spoiled on purpose."""

import json
import time
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from crossdock_sandbox.generic.signing import sign
from crossdock_sandbox.generic.store import Shop
from crossdock_sandbox.webhooks import Delivery, Signature

DELIVERY = "order"

Text = Annotated[str, Field(min_length=1, max_length=500)]


class DeliveryGiven(BaseModel):
    model_config = ConfigDict(extra="forbid")

    order_id: Text
    copies: int = Field(default=1, ge=1, le=100)  # all under the same webhook id
    signature: Signature = Signature.GOOD
    age_s: int = 0  # how long ago it was signed


def delivery_of(shop: Shop, order: Mapping[str, Any], given: DeliveryGiven) -> Delivery:
    body = json.dumps(order, ensure_ascii=False).encode()
    message_id, timestamp = f"msg_{uuid4().hex}", int(time.time()) - given.age_s
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
    }
    if given.signature is not Signature.MISSING:
        secret = shop.secret if given.signature is Signature.GOOD else "not the secret"
        headers["webhook-signature"] = sign(secret, message_id, timestamp, body)
    return Delivery(shop.shop, DELIVERY, given.order_id, message_id, shop.webhook_url, headers, body)
