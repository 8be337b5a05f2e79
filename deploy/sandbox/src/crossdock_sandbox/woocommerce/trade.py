"""Buying on a WooCommerce site that does not calculate taxes: prices are what the buyer pays."""

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.trade import Cart, Change, Keys, Known, Parcel, ShopWanted
from crossdock_sandbox.webhooks import Deliverer
from crossdock_sandbox.woocommerce.deliveries import DeliveryGiven, deliveries_of, ping
from crossdock_sandbox.woocommerce.store import Shop, Store

UNPAID, PAID, CANCELLED = "pending", "processing", "cancelled"
#: Until it is completed an order may be cancelled.
CANCELLABLE = frozenset({UNPAID, PAID, "on-hold"})
#: Crossdock notes which units a number stands for in the metadata: the plug-in has no place for them.
PARCEL = "_crossdock_parcel_"


class WooCommerceTrade:
    """A Trade. Every shop is a site of its own with the Shipment Tracking plug-in."""

    tells_email = True
    issues_labels = False

    def __init__(self, store: Store, deliverer: Deliverer) -> None:
        self._store = store
        self._deliverer = deliverer

    def open_shop(self, shop: str, wanted: ShopWanted, base_url: str) -> Keys:
        site = replace(self._store.shop(shop) or _new_site(shop), webhook_url=wanted.notices_url)
        self._store.put_shop(site)
        known = self.stock(shop)
        for one in wanted.listings:
            if one.sku not in known:
                self._store.put_product(shop, one.sku, 0, locked=False)
        return Keys(
            shop_ref=site.site.partition("://")[2].rstrip("/"),
            api_base_url=f"{base_url}/{shop}",
            webhook_secrets=(site.webhook_secret,),
            access_token=f"{site.consumer_key}:{site.consumer_secret}",
        )

    async def confirm(self, shop: str) -> str | None:
        """The ping of a webhook that is saved."""
        return await ping(self._site(shop))

    def place(self, shop: str, number: str, cart: Cart) -> str:
        site, order_id = self._site(shop), self._store.next_id()
        self._store.put_order(site, order_id, self._order(site, order_id, number, cart))
        self._tell(site, order_id, "order.created")
        return str(order_id)

    def change(self, shop: str, order_id: str, change: Change) -> None:
        site, order = self._site(shop), self._kept(shop, order_id)
        news: dict[str, Any] = {}
        if change == "paid" and order["status"] == UNPAID:
            news = {"status": PAID, **_at("date_paid", clock.now(), site)}
        if change == "cancelled" and order["status"] in CANCELLABLE:
            news = {"status": CANCELLED}
        if news:
            self._store.change_order(site, order, news)
            self._tell(site, order["id"], "order.updated")

    def known(self, shop: str, order_id: str) -> Known:
        """A number is in the plug-in before its units are noted; until then it stands for none."""
        order = self._kept(shop, order_id)
        noted = {one["key"]: one["value"] for one in order["meta_data"]}
        skus = {str(line["id"]): line["sku"] for line in order["line_items"]}
        parcels = []
        for row in self._store.trackings(shop, order["id"]):
            said, units = noted.get(PARCEL + row["tracking_number"], {"units": {}}), Counter[str]()
            for line, count in said["units"].items():
                units[skus[line]] += count
            parcels.append(Parcel(row["tracking_number"], units))
        return Known(order["status"] == CANCELLED, parcels)

    def stock(self, shop: str) -> Mapping[str, int | None]:
        return {row["sku"]: row["stock_quantity"] for row in self._store.products(shop)}

    def has_shop(self, shop: str) -> bool:
        return self._store.shop(shop) is not None

    def send_notices(self) -> None:
        self._deliverer.wake()

    def _site(self, shop: str) -> Shop:
        site = self._store.shop(shop)
        if site is None:
            raise LookupError(f"there is no shop {shop}")
        return site

    def _kept(self, shop: str, order_id: str) -> dict[str, Any]:
        order = self._store.order(shop, int(order_id))
        if order is None:
            raise LookupError(f"{shop} has no order {order_id}")
        return order

    def _tell(self, site: Shop, order_id: int, topic: str) -> None:
        """Not by a webhook that was disabled."""
        if self._store.webhook_is_active(site.shop):
            for one in deliveries_of(site, self._store, DeliveryGiven(topic=topic, order_id=order_id)):
                self._deliverer.add(one)

    def _order(self, site: Shop, order_id: int, number: str, cart: Cart) -> dict[str, Any]:
        now, nothing = clock.now(), cart.amount(0)
        person = _person(cart)
        paid_at = _at("date_paid", now, site) if cart.paid else {"date_paid": None, "date_paid_gmt": None}
        return {
            "id": order_id,
            "parent_id": 0,
            "number": number,
            "status": PAID if cart.paid else UNPAID,
            "currency": cart.currency,
            "prices_include_tax": False,
            **_at("date_created", now, site),
            **_at("date_modified", now, site),
            **paid_at,
            "discount_total": nothing,
            "shipping_total": cart.amount(cart.shipping),
            "total_tax": nothing,
            "total": cart.amount(cart.goods + cart.shipping),
            "billing": {**person, "email": cart.email},
            "shipping": person,
            "customer_note": "",
            "meta_data": [],
            "line_items": self._lines(site, cart),
            "shipping_lines": [self._shipping(cart)],
            "tax_lines": [],
            "fee_lines": [],
            "coupon_lines": [],
            "refunds": [],
        }

    def _lines(self, site: Shop, cart: Cart) -> list[dict[str, Any]]:
        products = {row["sku"]: row["id"] for row in self._store.products(site.shop)}
        return [
            {
                "id": self._store.next_id(),
                "name": line.title,
                "product_id": products.get(line.sku, 0),
                "variation_id": 0,
                "quantity": line.units,
                "subtotal": cart.amount(line.price * line.units),
                "subtotal_tax": cart.amount(0),
                "total": cart.amount(line.price * line.units),
                "total_tax": cart.amount(0),
                "taxes": [],
                "meta_data": [],
                "sku": line.sku,
            }
            for line in cart.lines
        ]

    def _shipping(self, cart: Cart) -> dict[str, Any]:
        return {
            "id": self._store.next_id(),
            "method_title": cart.method,
            "method_id": "flat_rate",
            "total": cart.amount(cart.shipping),
            "total_tax": cart.amount(0),
            "taxes": [],
        }


def _new_site(shop: str) -> Shop:
    return Shop(
        shop=shop,
        site=f"https://{shop}.example/",
        consumer_key=f"ck_{secrets.token_hex(20)}",
        consumer_secret=f"cs_{secrets.token_hex(20)}",
        permissions="read_write",
        webhook_secret=secrets.token_urlsafe(32),
        webhook_url="",
        shipment_tracking=True,
        gmt_offset_h=0,
    )


def _at(name: str, moment: datetime, site: Shop) -> dict[str, str]:
    """A time twice, as WooCommerce writes it: the site's own, and UTC; both without an offset."""
    utc = moment.replace(microsecond=0, tzinfo=None)
    local = utc + timedelta(hours=site.gmt_offset_h)
    return {name: local.isoformat(), f"{name}_gmt": utc.isoformat()}


def _person(cart: Cart) -> dict[str, str]:
    """WooCommerce has an empty text where there is nothing."""
    at = cart.address
    return {
        "first_name": at.first_name,
        "last_name": at.last_name,
        "company": "",
        "address_1": at.street,
        "address_2": at.street2 or "",
        "city": at.city,
        "state": at.province or "",
        "postcode": at.postal_code,
        "country": at.country,
        "phone": at.phone,
    }
