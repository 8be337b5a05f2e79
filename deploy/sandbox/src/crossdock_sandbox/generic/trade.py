"""Buying in a seller's own shop."""

import base64
import json
import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.generic.deliveries import DeliveryGiven, delivery_of
from crossdock_sandbox.generic.store import Shop, Store
from crossdock_sandbox.trade import Cart, Change, Keys, Known, Parcel, ShopWanted
from crossdock_sandbox.webhooks import Deliverer


class GenericTrade:
    """A Trade."""

    tells_email = True
    issues_labels = False

    def __init__(self, store: Store, deliverer: Deliverer) -> None:
        self._store = store
        self._deliverer = deliverer

    def open_shop(self, shop: str, wanted: ShopWanted, base_url: str) -> Keys:
        known = self._store.shop(shop)
        secret = known.secret if known else f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
        self._store.put_shop(Shop(shop, secret, wanted.notices_url))
        for one in wanted.listings:
            self._store.list_sku(shop, one.sku)
        return Keys(
            shop_ref=shop,
            webhook_secrets=(secret,),
            options={"url": f"{base_url}/{shop}/crossdock", "orders_url": f"{base_url}/{shop}/orders"},
        )

    async def confirm(self, shop: str) -> str | None:
        return None

    def place(self, shop: str, number: str, cart: Cart) -> str:
        order = _order(shop, number, cart)
        self._store.put_order(shop, order)
        self._tell(shop, order)
        return str(order["id"])

    def change(self, shop: str, order_id: str, change: Change) -> None:
        order = self._store.order(shop, order_id)
        if order is None:
            raise LookupError(f"{shop} has no order {order_id}")
        news = (
            {"payment": "paid"} if change == "paid" else {"status": "cancelled", "cancel_reason": "customer"}
        )
        order |= {**news, "updated_at": clock.precise(clock.now())}
        self._store.put_order(shop, order)
        self._tell(shop, order)

    def known(self, shop: str, order_id: str) -> Known:
        order = self._store.order(shop, order_id) or {}
        skus = {line["id"]: line["sku"] for line in order["lines"]}
        parcels = []
        for row in self._store.parcels(shop, order_id):
            said, units = json.loads(row["body_json"]), Counter[str]()
            for line, count in said["units"].items():
                units[skus[line]] += count
            parcels.append(Parcel(said["tracking_number"], units))
        return Known(order["status"] == "cancelled", parcels)

    def stock(self, shop: str) -> Mapping[str, int | None]:
        return self._store.stock(shop)

    def has_shop(self, shop: str) -> bool:
        return self._store.shop(shop) is not None

    def send_notices(self) -> None:
        self._deliverer.wake()

    def _tell(self, shop: str, order: Mapping[str, Any]) -> None:
        sender = self._store.shop(shop)
        if sender is not None:
            self._deliverer.add(delivery_of(sender, order, DeliveryGiven(order_id=order["id"])))


def _order(shop: str, number: str, cart: Cart) -> dict[str, Any]:
    now, at = clock.precise(clock.now()), cart.address
    lines = [
        {
            "id": str(index),
            "sku": line.sku,
            "title": line.title,
            "quantity": line.units,
            "unit_price": cart.amount(line.price),
        }
        for index, line in enumerate(cart.lines, start=1)
    ]
    return {
        "shop": shop,
        "id": number.lstrip("#"),
        "number": number,
        "placed_at": now,
        "updated_at": now,
        "status": "open",
        "payment": "paid" if cart.paid else "pending",
        "currency": cart.currency,
        "tax_included": True,
        "lines": lines,
        "totals": {
            "shipping": cart.amount(cart.shipping),
            "grand_total": cart.amount(cart.goods + cart.shipping),
        },
        "ship_to": {
            "name": at.name,
            "lines": [one for one in (at.street, at.street2) if one],
            "city": at.city,
            "province": at.province,
            "postal_code": at.postal_code,
            "country": at.country,
            "phone": at.phone,
        },
        "buyer": {"name": at.name, "email": cart.email, "locale": cart.locale},
        "shipping_method": cart.method,
    }
