"""Buying at TikTok Shop: orders whose packages TikTok ships, with a label of its own."""

import hashlib
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.tiktok_shop.deliveries import DeliveryGiven, deliveries_of
from crossdock_sandbox.tiktok_shop.orders_api import CANCELLABLE, OrdersApi
from crossdock_sandbox.tiktok_shop.store import CANCELLED, WAREHOUSE, Shop, Store
from crossdock_sandbox.trade import Address, Cart, Change, Keys, Known, Pair, Parcel, ShopWanted, Sold
from crossdock_sandbox.webhooks import Deliverer

UNPAID, PAID = "UNPAID", "AWAITING_SHIPMENT"
BY_TIKTOK = "TIKTOK"
ACCESS_TOKEN_S = 7 * 86_400


class TikTokShopTrade:
    """A Trade. Shops, products and SKUs have numbers at TikTok, which follow from their names."""

    tells_email = True
    issues_labels = True

    def __init__(self, store: Store, deliverer: Deliverer, orders: OrdersApi) -> None:
        self._store = store
        self._deliverer = deliverer
        self._orders = orders

    def open_shop(self, shop: str, wanted: ShopWanted, base_url: str) -> Keys:
        known = self._store.shop(_shop_id(shop))
        opened = replace(known or _new_shop(shop), webhook_url=wanted.notices_url)
        self._store.put_shop(opened)
        self._list(opened, wanted)
        pair = self._store.pair(opened.shop) or self._store.renew(opened)
        return Keys(
            shop_ref=opened.shop,
            api_base_url=base_url,
            webhook_secrets=(opened.app_secret,),
            options={"app_key": opened.app_key},
            tokens=Pair(
                access_token=pair["access_token"],
                expires_at=clock.rfc3339(datetime.fromtimestamp(pair["expires_at"], UTC)),
                refresh_token=pair["refresh_token"],
            ),
            label_source="marketplace",
        )

    def _list(self, shop: Shop, wanted: ShopWanted) -> None:
        listed = {row["seller_sku"] for row in self._store.skus(shop.shop)}
        for sku in (one.sku for one in wanted.listings if one.sku not in listed):
            self._store.put_sku(shop.shop, _product_id(sku), _sku_id(sku), sku, WAREHOUSE, locked=False)

    async def confirm(self, shop: str) -> str | None:
        return None

    def place(self, shop: str, number: str, cart: Cart) -> str:
        order = _order(f"57{self._store.next_id()}", cart)
        order["line_items"] = [
            _unit(f"57{self._store.next_id()}", line, cart) for line in cart.lines for _ in range(line.units)
        ]
        if cart.paid:
            order |= self._paid(order)
        self._store.put_order(_shop_id(shop), order["id"], order)
        self._tell(shop, order["id"])
        return str(order["id"])

    def change(self, shop: str, order_id: str, change: Change) -> None:
        opened, order = self._store.shop(_shop_id(shop)), self._store.order(_shop_id(shop), order_id)
        if opened is None or order is None:
            raise LookupError(f"{shop} has no order {order_id}")
        if change == "paid" and order["status"] == UNPAID:
            self._store.change_order(opened.shop, order, self._paid(order))
        elif change == "cancelled" and order["status"] in CANCELLABLE:
            self._orders.complete_cancel(opened, {**order, "cancel_reason": "No longer needed"})
        else:
            return
        self._tell(shop, order_id)

    def known(self, shop: str, order_id: str) -> Known:
        order = self._store.order(_shop_id(shop), order_id)
        if order is None:
            raise LookupError(f"{shop} has no order {order_id}")
        parcels: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for unit in order["line_items"]:
            if unit["tracking_number"]:
                parcels[unit["tracking_number"]][unit["seller_sku"]] += 1
        return Known(
            order["status"] == CANCELLED,
            [Parcel(number, units) for number, units in parcels.items()],
            list(parcels) if order["shipping_type"] == BY_TIKTOK else [],
        )

    def stock(self, shop: str) -> Mapping[str, int | None]:
        return {row["seller_sku"]: row["quantity"] for row in self._store.skus(_shop_id(shop))}

    def has_shop(self, shop: str) -> bool:
        return self._store.shop(_shop_id(shop)) is not None

    def send_notices(self) -> None:
        self._deliverer.wake()

    def _paid(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """What the money changes. TikTok packs what was paid, all of it in one package."""
        package_id = self._store.next_id()
        marks = {"display_status": PAID, "package_status": "TO_FULFILL", "package_id": package_id}
        return {
            "status": PAID,
            "paid_time": int(time.time()),
            "line_items": [{**one, **marks} for one in order["line_items"]],
            "packages": [{"id": package_id}],
        }

    def _tell(self, shop: str, order_id: str) -> None:
        sender = self._store.shop(_shop_id(shop))
        if sender is not None:
            for delivery in deliveries_of(sender, self._store, DeliveryGiven(order_id=order_id)):
                self._deliverer.add(delivery)


def _number(prefix: str, name: str) -> str:
    """An id as TikTok has them, the same for the same name."""
    return f"{prefix}{int(hashlib.sha256(name.encode()).hexdigest(), 16) % 10**15:015d}"


def _shop_id(shop: str) -> str:
    return _number("7495", shop)


def _product_id(sku: str) -> str:
    return _number("1728", sku)


def _sku_id(sku: str) -> str:
    return _number("1729", sku)


def _new_shop(shop: str) -> Shop:
    return Shop(
        shop=_shop_id(shop),
        app_key=secrets.token_hex(7),
        app_secret=secrets.token_hex(20),
        shop_cipher=f"ROW_{secrets.token_urlsafe(16)}",
        webhook_url="",
        access_token_s=ACCESS_TOKEN_S,
        labels_wait=False,
        cancels_wait=False,
    )


def _order(order_id: str, cart: Cart) -> dict[str, Any]:
    """As it is before anybody has paid, without its units."""
    now = int(time.time())
    return {
        "id": order_id,
        "status": UNPAID,
        "create_time": now,
        "update_time": now,
        "buyer_email": cart.email,
        "buyer_nickname": cart.address.name,
        "buyer_message": "",
        "shipping_type": BY_TIKTOK,
        "delivery_type": "HOME_DELIVERY",
        "delivery_option_id": "7129104883091801902",
        "delivery_option_name": cart.method,
        "fulfillment_type": "FULFILLMENT_BY_SELLER",
        "warehouse_id": WAREHOUSE,
        "is_buyer_request_cancel": False,
        "is_cod": False,
        "is_sample_order": False,
        "is_on_hold_order": False,
        "is_replacement_order": False,
        "payment": _payment(cart),
        "recipient_address": _address(cart.address),
        "packages": [],
    }


def _payment(cart: Cart) -> dict[str, str]:
    goods, shipping = _amount(cart, cart.goods), _amount(cart, cart.shipping)
    return {
        "currency": cart.currency,
        "sub_total": goods,
        "shipping_fee": shipping,
        "seller_discount": "0",
        "platform_discount": "0",
        "total_amount": _amount(cart, cart.goods + cart.shipping),
        "original_total_product_price": goods,
        "original_shipping_fee": shipping,
        "tax": "0",  # nothing on top: prices contain it
    }


def _unit(unit_id: str, line: Sold, cart: Cart) -> dict[str, Any]:
    price = _amount(cart, line.price)
    return {
        "id": unit_id,
        "sku_id": _sku_id(line.sku),
        "product_id": _product_id(line.sku),
        "product_name": line.title,
        "sku_name": "Default",
        "seller_sku": line.sku,
        "original_price": price,
        "sale_price": price,
        "currency": cart.currency,
        "platform_discount": "0",
        "seller_discount": "0",
        "display_status": UNPAID,
        "package_id": "",
        "is_gift": False,
        "tracking_number": "",
        "shipping_provider_id": "",
        "shipping_provider_name": "",
    }


def _address(at: Address) -> dict[str, Any]:
    levels = (("L0", "Country", at.country), ("L1", "State", at.province), ("L2", "City", at.city))
    street = [line for line in (at.street, at.street2) if line]
    districts: list[dict[str, str]] = [
        {"address_level": level, "address_level_name": kind, "address_name": name}
        for level, kind, name in levels
        if name
    ]
    districts[0]["iso_code"] = at.country
    return {
        "full_address": ", ".join([*(one["address_name"] for one in districts), *street]),
        "phone_number": at.phone,
        "name": at.name,
        "first_name": at.first_name,
        "last_name": at.last_name,
        "region_code": at.country,
        "postal_code": at.postal_code,
        "post_town": "",  # the United Kingdom has it
        "address_line1": at.street,
        "address_line2": at.street2 or "",
        "address_line3": "",
        "address_line4": "",
        "address_detail": ", ".join(street),
        "district_info": districts,
    }


def _amount(cart: Cart, minor: int) -> str:
    """With no more digits than it needs: `18`, `12.5`."""
    return f"{Decimal(cart.amount(minor)).normalize():f}"
