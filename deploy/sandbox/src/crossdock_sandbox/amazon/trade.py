"""Buying from a seller on Amazon, who collects no tax."""

import base64
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.amazon.doors import AWS_ACCOUNT
from crossdock_sandbox.amazon.notices import NoticeGiven, body_of
from crossdock_sandbox.amazon.store import Seller, Store
from crossdock_sandbox.trade import Cart, Change, Keys, Known, Parcel, ShopWanted, Sold

UNPAID, PAID, CANCELLED = "PENDING", "UNSHIPPED", "CANCELLED"
AMERICAN = "ATVPDKIKX0DER"
#: The marketplace that sells in a currency (developer-docs.amazon.com, "Marketplace IDs", read 2026-11-22).
MARKETPLACES = {"USD": AMERICAN, "EUR": "A1PA6795UKMFR9", "BRL": "A2Q3Y263D00KWC", "JPY": "A1VC38T7YXB528"}
QUEUE_REGION = "us-east-1"


class AmazonTrade:
    """A Trade. What is said of a shop's name is said of the seller id that is made of it."""

    tells_email = True
    issues_labels = False

    def __init__(self, store: Store) -> None:
        self._store = store

    def open_shop(self, shop: str, wanted: ShopWanted, base_url: str) -> Keys:
        """Nothing is sent to `notices_url`: notices wait in the seller's queue."""
        seller = self._store.seller(seller_id_of(shop)) or _new_seller(shop)
        self._store.put_seller(seller)
        known = self.stock(shop)
        for one in wanted.listings:
            if one.sku not in known:
                self._store.put_listing(seller.seller_id, one.sku, None, None, locked=False)
        return _keys(seller, base_url)

    async def confirm(self, shop: str) -> str | None:
        return None

    def place(self, shop: str, number: str, cart: Cart) -> str:
        seller = self._seller(shop)
        order = _order(self._new_order_id(seller), cart)
        self._store.put_order(seller.seller_id, order)
        self._tell(seller, order["orderId"])
        return str(order["orderId"])

    def change(self, shop: str, order_id: str, change: Change) -> None:
        """What has left in part cannot be cancelled any more."""
        seller, order = self._seller(shop), self._kept(shop, order_id)
        status = order["fulfillment"]["fulfillmentStatus"]
        changed: dict[str, Any] | None = None
        if change == "paid" and status == UNPAID:
            changed = _with_status(order, PAID)
        if change == "cancelled" and status in {UNPAID, PAID}:
            changed = _with_status({**order, "orderItems": _cancelled(order["orderItems"])}, CANCELLED)
        if changed is not None:
            self._store.put_order(seller.seller_id, changed)
            self._tell(seller, order_id)

    def known(self, shop: str, order_id: str) -> Known:
        order = self._kept(shop, order_id)
        skus = {one["orderItemId"]: one["product"]["sellerSku"] for one in order["orderItems"]}
        parcels = []
        for row in self._store.packages(seller_id_of(shop), order_id):
            units = Counter[str]()
            for one in json.loads(row["items_json"]):
                units[skus[one["orderItemId"]]] += one["quantity"]
            parcels.append(Parcel(row["tracking_number"], units))
        return Known(order["fulfillment"]["fulfillmentStatus"] == CANCELLED, parcels)

    def stock(self, shop: str) -> Mapping[str, int | None]:
        return {row["sku"]: row["quantity"] for row in self._store.listings(seller_id_of(shop))}

    def has_shop(self, shop: str) -> bool:
        return self._store.seller(seller_id_of(shop)) is not None

    def send_notices(self) -> None:
        """They are fetched."""

    def _seller(self, shop: str) -> Seller:
        seller = self._store.seller(seller_id_of(shop))
        if seller is None:
            raise LookupError(f"there is no shop {shop}")
        return seller

    def _kept(self, shop: str, order_id: str) -> dict[str, Any]:
        order = self._store.order(seller_id_of(shop), order_id)
        if order is None:
            raise LookupError(f"{shop} has no order {order_id}")
        return order

    def _new_order_id(self, seller: Seller) -> str:
        while True:
            digits = f"{secrets.randbelow(10**14):014}"
            order_id = f"113-{digits[:7]}-{digits[7:]}"
            if self._store.order(seller.seller_id, order_id) is None:
                return order_id

    def _tell(self, seller: Seller, order_id: str) -> None:
        self._store.add_notice(seller.seller_id, body_of(NoticeGiven(order_id=order_id), seller, self._store))


def seller_id_of(shop: str) -> str:
    """The same for the same name: fourteen letters and digits, as merchant tokens have them."""
    return "A" + base64.b32encode(hashlib.sha256(shop.encode()).digest()).decode()[:13]


def _new_seller(shop: str) -> Seller:
    return Seller(
        seller_id=seller_id_of(shop),
        marketplace_ids=",".join(MARKETPLACES.values()),
        application_id=f"amzn1.sellerapps.app.{secrets.token_hex(16)}",
        client_id=f"amzn1.application-oa2-client.{secrets.token_hex(16)}",
        client_secret=f"amzn1.oa2-cs.v1.{secrets.token_hex(32)}",
        refresh_token=f"Atzr|{secrets.token_urlsafe(48)}",
        aws_access_key_id=f"AKIA{secrets.token_hex(8).upper()}",
        aws_secret_access_key=secrets.token_urlsafe(30),
        queue_region=QUEUE_REGION,
    )


def _keys(seller: Seller, base_url: str) -> Keys:
    return Keys(
        shop_ref=seller.seller_id,
        api_base_url=base_url,
        secrets={
            "lwa_client_secret": seller.client_secret,
            "lwa_refresh_token": seller.refresh_token,
            "aws_access_key_id": seller.aws_access_key_id,
            "aws_secret_access_key": seller.aws_secret_access_key,
        },
        options={
            "region": "na",
            "marketplace_ids": seller.marketplace_ids,
            "application_id": seller.application_id,
            "queue_url": f"{base_url}/{AWS_ACCOUNT}/{seller.seller_id}",
            "queue_region": seller.queue_region,
            "lwa_client_id": seller.client_id,
        },
    )


def _order(order_id: str, cart: Cart) -> dict[str, Any]:
    now = clock.rfc3339(clock.now())
    return {
        "orderId": order_id,
        "orderAliases": [],
        "createdTime": now,
        "lastUpdatedTime": now,
        "programs": [],
        "associatedOrders": [],
        "salesChannel": {
            "channelName": "AMAZON",
            "marketplaceId": MARKETPLACES.get(cart.currency, AMERICAN),
        },
        "buyer": {"buyerName": cart.address.name, "buyerEmail": cart.email},
        "recipient": {"deliveryAddress": _address(cart)},
        "proceeds": {"grandTotal": _money(cart, cart.goods + cart.shipping)},
        "fulfillment": {
            "fulfillmentStatus": PAID if cart.paid else UNPAID,
            "fulfilledBy": "MERCHANT",
            "fulfillmentServiceLevel": cart.method.upper(),
        },
        "orderItems": [_item(order_id, index, line, cart) for index, line in enumerate(cart.lines)],
    }


def _item(order_id: str, index: int, line: Sold, cart: Cart) -> dict[str, Any]:
    """Postage stands with the first item."""
    goods, postage = line.price * line.units, 0 if index else cart.shipping
    parts = {"ITEM": goods, **({"SHIPPING": postage} if postage else {})}
    return {
        "orderItemId": f"{order_id[4:11]}{order_id[12:]}{index:03}",
        "quantityOrdered": line.units,
        "product": {
            "asin": "B0" + hashlib.sha256(line.sku.encode()).hexdigest()[:8].upper(),
            "title": line.title,
            "sellerSku": line.sku,
            "condition": {"conditionType": "NEW", "conditionSubtype": "NEW"},
            "price": {"unitPrice": _money(cart, line.price)},
        },
        "proceeds": {
            "proceedsTotal": _money(cart, goods + postage),
            "breakdowns": [{"type": kind, "subtotal": _money(cart, minor)} for kind, minor in parts.items()],
        },
        "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": line.units},
    }


def _address(cart: Cart) -> dict[str, str]:
    at = cart.address
    given = {
        "name": at.name,
        "addressLine1": at.street,
        "addressLine2": at.street2,
        "city": at.city,
        "stateOrRegion": at.province,
        "postalCode": at.postal_code,
        "countryCode": at.country,
        "phone": at.phone,
        "addressType": "RESIDENTIAL",
    }
    return {name: value for name, value in given.items() if value}


def _money(cart: Cart, minor: int) -> dict[str, str]:
    return {"amount": cart.amount(minor), "currencyCode": cart.currency}


def _with_status(order: Mapping[str, Any], status: str) -> dict[str, Any]:
    fulfillment = {**order["fulfillment"], "fulfillmentStatus": status}
    return {**order, "fulfillment": fulfillment, "lastUpdatedTime": clock.rfc3339(clock.now())}


def _cancelled(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By the buyer, and done: nothing of them is to be sent."""
    done = {
        "cancellation": {"cancellationExecution": {"cancelledBy": "BUYER"}},
        "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": 0},
    }
    return [{**item, **done} for item in items]
