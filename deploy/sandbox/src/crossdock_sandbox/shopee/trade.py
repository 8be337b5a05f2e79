"""Buying at Shopee: orders whose packages Shopee's own channel takes, with a label of its own."""

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.shopee.logistics_api import INVALID, READY, number_of
from crossdock_sandbox.shopee.pushes import PushGiven, pushes_of
from crossdock_sandbox.shopee.store import Shop, Store
from crossdock_sandbox.trade import Address, Cart, Change, Keys, Known, Pair, Parcel, ShopWanted, Sold
from crossdock_sandbox.webhooks import Deliverer

UNPAID, PAID, CANCELLED = "UNPAID", "READY_TO_SHIP", "CANCELLED"
CHANNEL = {"logistics_channel_id": 90016, "shipping_carrier": "Shopee Xpress"}


class ShopeeTrade:
    """A Trade. Shops and items have numbers at Shopee, which follow from their names."""

    tells_email = False
    issues_labels = True

    def __init__(self, store: Store, deliverer: Deliverer) -> None:
        self._store = store
        self._deliverer = deliverer

    def open_shop(self, shop: str, wanted: ShopWanted, base_url: str) -> Keys:
        if not self.has_shop(shop):
            self._store.put_shop(_new_shop(shop))
        self._store.move_pushes(_number(shop), wanted.notices_url)
        opened = self._shop(shop)
        self._list(opened, wanted)
        return Keys(
            shop_ref=str(opened.shop_id),
            api_base_url=base_url,
            webhook_secrets=(opened.push_key,),
            secrets={"partner_key": opened.partner_key},
            options={"partner_id": str(opened.partner_id), "callback_url": opened.callback_url},
            tokens=Pair(
                access_token=opened.access_token,
                expires_at=clock.rfc3339(datetime.fromtimestamp(opened.access_until, UTC)),
                refresh_token=opened.refresh_token,
            ),
            label_source="marketplace",
        )

    def _list(self, shop: Shop, wanted: ShopWanted) -> None:
        listed = {row["sku"] for row in self._store.models(shop.shop_id)}
        for sku in (one.sku for one in wanted.listings if one.sku not in listed):
            self._store.put_model(shop.shop_id, _number(sku), 0, sku, locked=False)

    async def confirm(self, shop: str) -> str | None:
        return None

    def place(self, shop: str, number: str, cart: Cart) -> str:
        order = _order(f"{clock.now():%y%m%d}{self._store.next_id():08X}", cart)
        order["item_list"] = [_item(self._store.next_id(), line, cart) for line in cart.lines]
        if cart.paid:
            order |= self._paid(order)
        self._keep(self._shop(shop), order)
        return str(order["order_sn"])

    def change(self, shop: str, order_id: str, change: Change) -> None:
        opened = self._shop(shop)
        order = self._order(opened, order_id)
        if change == "paid" and order["order_status"] == UNPAID:
            self._keep(opened, order | self._paid(order))
        elif change == "cancelled" and order["order_status"] in {UNPAID, PAID}:
            for package in self._store.packages(order_id):
                self._store.change_package(package["package_number"], logistics_status=INVALID)
            said = {"cancel_by": "buyer", "buyer_cancel_reason": "Change of mind"}
            self._keep(opened, order | said | {"order_status": CANCELLED})

    def known(self, shop: str, order_id: str) -> Known:
        order = self._order(self._shop(shop), order_id)
        skus = {one["order_item_id"]: one["item_sku"] for one in order["item_list"]}
        rows = {row["package_number"]: row for row in self._store.packages(order_id)}
        parcels, labels = [], []
        for package in order["package_list"]:
            row = rows[package["package_number"]]
            number = number_of(row)
            if number is None:
                continue
            units = Counter[str]()
            for one in package["item_list"]:
                units[skus[one["order_item_id"]]] += one["model_quantity"]
            parcels.append(Parcel(number, units))
            if row["downloads"]:
                labels.append(number)
        return Known(order["order_status"] == CANCELLED, parcels, labels)

    def stock(self, shop: str) -> Mapping[str, int | None]:
        return {row["sku"]: row["stock"] for row in self._store.models(_number(shop))}

    def has_shop(self, shop: str) -> bool:
        return self._store.shop(_number(shop)) is not None

    def send_notices(self) -> None:
        self._deliverer.wake()

    def _shop(self, shop: str) -> Shop:
        opened = self._store.shop(_number(shop))
        if opened is None:
            raise LookupError(f"there is no shop {shop}")
        return opened

    def _order(self, shop: Shop, order_sn: str) -> dict[str, Any]:
        order = self._store.order(shop.shop_id, order_sn)
        if order is None:
            raise LookupError(f"shop {shop.shop_id} has no order {order_sn}")
        return order

    def _paid(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """What the money changes. Shopee packs what was paid, all of it in one package."""
        names = ("item_id", "model_id", "order_item_id", "promotion_group_id")
        items = [
            {**{name: one[name] for name in names}, "model_quantity": one["model_quantity_purchased"]}
            for one in order["item_list"]
        ]
        package = {"package_number": f"OFG{self._store.next_id():015d}", "logistics_status": READY, **CHANNEL}
        return {
            "order_status": PAID,
            "pay_time": int(time.time()),
            "package_list": [{**package, "item_list": items}],
        }

    def _keep(self, shop: Shop, order: Mapping[str, Any]) -> None:
        """As it is now, and tell of it."""
        kept = self._store.put_order(shop.shop_id, {**order, "update_time": int(time.time())})
        for push in pushes_of(shop, self._store, PushGiven(order_sn=kept["order_sn"])):
            self._deliverer.add(push)


def _number(name: str) -> int:
    """An id as Shopee has them, the same for the same name."""
    return 10**11 + int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10**11


def _new_shop(shop: str) -> dict[str, Any]:
    """Of an app of its own, since an app has one address for all its pushes."""
    return {
        "shop_id": _number(shop),
        "partner_id": 2_000_000 + secrets.randbelow(10**6),
        "partner_key": secrets.token_hex(32),
        "push_key": secrets.token_hex(32),
        "callback_url": "",
        "webhook_url": "",
        "access_token": secrets.token_hex(16),
        "refresh_token": secrets.token_hex(16),
        "handover": ["pickup", "dropoff"],
        "locations": [],
    }


def _order(order_sn: str, cart: Cart) -> dict[str, Any]:
    """As it is before anybody has paid, without its items."""
    return {
        "order_sn": order_sn,
        "region": cart.address.country,
        "currency": cart.currency,
        "cod": False,
        "total_amount": _amount(cart, cart.goods + cart.shipping),
        "pending_terms": [],
        "order_status": UNPAID,
        "shipping_carrier": CHANNEL["shipping_carrier"],
        "checkout_shipping_carrier": cart.method,
        "payment_method": "Credit Card",
        "estimated_shipping_fee": _amount(cart, cart.shipping),
        "message_to_seller": "",
        "note": "",
        "create_time": int(time.time()),
        "pay_time": 0,
        "days_to_ship": 3,
        "buyer_username": cart.email.partition("@")[0],
        "recipient_address": _address(cart.address),
        "buyer_cancel_reason": "",
        "cancel_by": "",
        "cancel_reason": "",
        "fulfillment_flag": "fulfilled_by_local_seller",
        "package_list": [],
    }


def _item(order_item_id: int, line: Sold, cart: Cart) -> dict[str, Any]:
    """Of an item without variants."""
    price = _amount(cart, line.price)
    return {
        "item_id": _number(line.sku),
        "item_name": line.title,
        "item_sku": line.sku,
        "model_id": 0,
        "model_name": "",
        "model_sku": "",
        "model_quantity_purchased": line.units,
        "model_original_price": price,
        "model_discounted_price": price,
        "order_item_id": order_item_id,
        "promotion_group_id": 0,
        "cancelled_qty": 0,
    }


def _address(at: Address) -> dict[str, str]:
    """`full_address` is all of it in one, and there is no street beside it; phones have no plus."""
    parts = (at.street, at.street2, at.city, at.province, at.postal_code)
    return {
        "name": at.name,
        "phone": "".join(filter(str.isdecimal, at.phone)),
        "town": "",
        "district": "",
        "city": at.city,
        "state": at.province or "",
        "region": at.country,
        "zipcode": at.postal_code,
        "full_address": ", ".join(filter(None, parts)),
    }


def _amount(cart: Cart, minor: int) -> float:
    """A JSON number in major units."""
    return float(cart.amount(minor))
