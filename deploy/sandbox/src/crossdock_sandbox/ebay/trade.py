"""Buying from a seller at eBay, who collects no tax of its own."""

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from crossdock_sandbox import clock
from crossdock_sandbox.ebay.notices import Keys as SigningKeys
from crossdock_sandbox.ebay.notices import NoticeGiven, challenge, notices_of
from crossdock_sandbox.ebay.oauth import OAuth
from crossdock_sandbox.ebay.orders_api import SellingApi
from crossdock_sandbox.ebay.store import Seller, Store, millis
from crossdock_sandbox.trade import Cart, Change, Keys, Known, Pair, Parcel, ShopWanted, Sold
from crossdock_sandbox.webhooks import Deliverer

UNPAID, PAID = "PENDING", "PAID"
NOT_STARTED = "NOT_STARTED"
#: The site that sells in a currency. Japan and Brazil have none: their people buy from the American one.
SITES = {"EUR": "EBAY_DE", "GBP": "EBAY_GB"}
AMERICAN = "EBAY_US"


class EbayTrade:
    """A Trade. The shop's name is the seller's user name, and each seller has an application of their own."""

    tells_email = True
    issues_labels = False

    def __init__(
        self, store: Store, deliverer: Deliverer, signing_keys: SigningKeys, api: SellingApi, oauth: OAuth
    ) -> None:
        self._store = store
        self._deliverer = deliverer
        self._signing_keys = signing_keys
        self._api = api
        self._oauth = oauth

    def open_shop(self, shop: str, wanted: ShopWanted, base_url: str) -> Keys:
        seller = replace(self._store.seller(shop) or _new_seller(shop), endpoint=wanted.notices_url)
        self._store.put_seller(seller)
        for one in wanted.listings:
            if self._store.item(shop, one.sku) is None:
                self._store.put_item(shop, one.sku, locked=False)
        return Keys(
            shop_ref=shop,
            api_base_url=base_url,
            webhook_secrets=(seller.verification_token,),
            secrets={"client_secret": seller.client_secret},
            options={"client_id": seller.client_id, "endpoint": seller.endpoint},
            tokens=self._consented(seller),
        )

    async def confirm(self, shop: str) -> str | None:
        """The challenge, without which eBay keeps no address."""
        status, verified = await challenge(self._seller(shop))
        if verified:
            return None
        answered = "was not reached" if status is None else f"answered HTTP {status}"
        return f"the endpoint {answered}, and not with the proof that the challenge asks for"

    def place(self, shop: str, number: str, cart: Cart) -> str:
        seller, order_id = self._seller(shop), self._new_order_id(shop)
        self._store.put_order(shop, order_id, _order(shop, order_id, cart))
        self._tell(seller, order_id)
        return order_id

    def change(self, shop: str, order_id: str, change: Change) -> None:
        """Checkout that is completed by a payment is told of like a new one; of a cancel nobody is told."""
        seller, order = self._seller(shop), self._kept(shop, order_id)
        if change == "paid" and order["orderPaymentStatus"] == UNPAID:
            self._store.change_order(shop, order, _payment(order["pricingSummary"]["total"]))
            self._tell(seller, order_id)
        if change == "cancelled" and _may_be_cancelled(order):
            cancel_id = self._api.wish_cancel(shop, order)
            self._api.complete_cancel(shop, order, cancel_id)

    def known(self, shop: str, order_id: str) -> Known:
        order = self._kept(shop, order_id)
        skus = {line["lineItemId"]: line["sku"] for line in order["lineItems"]}
        parcels = []
        for row in self._store.fulfillments(shop, order_id):
            units = Counter[str]()
            for line in json.loads(row["lines_json"]):
                units[skus[line["lineItemId"]]] += line["quantity"]
            parcels.append(Parcel(row["tracking_number"], units))
        return Known(_is_cancelled(order), parcels)

    def stock(self, shop: str) -> Mapping[str, int | None]:
        return {row["sku"]: row["quantity"] for row in self._store.items(shop)}

    def has_shop(self, shop: str) -> bool:
        return self._store.seller(shop) is not None

    def send_notices(self) -> None:
        self._deliverer.wake()

    def _consented(self, seller: Seller) -> Pair:
        """What the seller's consent brought: the first token there ever was."""
        row = self._store.first_token(seller.shop)
        if row is None:
            self._oauth.issue(seller.client_id, seller.shop)
            return self._consented(seller)
        expires_at = datetime.fromtimestamp(row["expires_at"], UTC)
        return Pair(row["token"], millis(expires_at), seller.refresh_token)

    def _seller(self, shop: str) -> Seller:
        seller = self._store.seller(shop)
        if seller is None:
            raise LookupError(f"there is no seller {shop}")
        return seller

    def _kept(self, shop: str, order_id: str) -> dict[str, Any]:
        order = self._store.order(shop, order_id)
        if order is None:
            raise LookupError(f"{shop} has no order {order_id}")
        return order

    def _new_order_id(self, shop: str) -> str:
        while True:
            digits = f"{secrets.randbelow(10**12):012}"
            order_id = f"{digits[:2]}-{digits[2:7]}-{digits[7:]}"
            if self._store.order(shop, order_id) is None:
                return order_id

    def _tell(self, seller: Seller, order_id: str) -> None:
        given = NoticeGiven(topic="ORDER_CONFIRMATION", order_id=order_id)
        for one in notices_of(seller, self._store, self._signing_keys, given):
            self._deliverer.add(one)


def _new_seller(shop: str) -> Seller:
    return Seller(
        shop=shop,
        client_id=f"{shop}-PRD-{secrets.token_hex(8)}",
        client_secret=f"PRD-{secrets.token_hex(16)}",
        refresh_token=f"v^1.1#{secrets.token_urlsafe(32)}",
        verification_token=secrets.token_urlsafe(32),
        endpoint="",
    )


def _is_cancelled(order: Mapping[str, Any]) -> bool:
    return bool(order["cancelStatus"]["cancelState"] == "CANCELED")


def _may_be_cancelled(order: Mapping[str, Any]) -> bool:
    """Nothing of it has left."""
    return order["orderFulfillmentStatus"] == NOT_STARTED and not _is_cancelled(order)


def _order(shop: str, order_id: str, cart: Cart) -> dict[str, Any]:
    now, total = millis(clock.now()), _amount(cart, cart.goods + cart.shipping)
    paid = _payment(total) if cart.paid else {"orderPaymentStatus": UNPAID, "paymentSummary": {"refunds": []}}
    return {
        "orderId": order_id,
        "legacyOrderId": order_id,
        "creationDate": now,
        "lastModifiedDate": now,
        "orderFulfillmentStatus": NOT_STARTED,
        **paid,
        "sellerId": shop,
        "buyer": {"username": f"buyer_{hashlib.sha256(cart.email.encode()).hexdigest()[:10]}"},
        "pricingSummary": {
            "priceSubtotal": _amount(cart, cart.goods),
            "deliveryCost": _amount(cart, cart.shipping),
            "total": total,
        },
        "cancelStatus": {"cancelState": "NONE_REQUESTED"},
        "fulfillmentStartInstructions": [
            {
                "fulfillmentInstructionsType": "SHIP_TO",
                "ebaySupportedFulfillment": False,
                "shippingStep": {"shipTo": _ship_to(cart), "shippingServiceCode": cart.method},
            }
        ],
        "fulfillmentHrefs": [],
        "lineItems": [_line(order_id, index, line, cart) for index, line in enumerate(cart.lines, start=1)],
    }


def _line(order_id: str, index: int, line: Sold, cart: Cart) -> dict[str, Any]:
    site = SITES.get(cart.currency, AMERICAN)
    return {
        "lineItemId": f"{order_id.replace('-', '')}{index:03}",
        "legacyItemId": str(int(hashlib.sha256(line.sku.encode()).hexdigest()[:10], 16)),
        "sku": line.sku,
        "title": line.title,
        "lineItemCost": _amount(cart, line.price * line.units),
        "quantity": line.units,
        "soldFormat": "FIXED_PRICE",
        "listingMarketplaceId": site,
        "purchaseMarketplaceId": site,
        "lineItemFulfillmentStatus": NOT_STARTED,
        "appliedPromotions": [],
        "taxes": [],
        "ebayCollectAndRemitTaxes": [],
    }


def _ship_to(cart: Cart) -> dict[str, Any]:
    at = cart.address
    contact = {
        "addressLine1": at.street,
        "addressLine2": at.street2,
        "city": at.city,
        "stateOrProvince": at.province,
        "postalCode": at.postal_code,
        "countryCode": at.country,
    }
    return {
        "fullName": at.name,
        "contactAddress": {name: value for name, value in contact.items() if value},
        "primaryPhone": {"phoneNumber": at.phone},
        "email": cart.email,
    }


def _payment(total: Mapping[str, str]) -> dict[str, Any]:
    """What is shown of an order that is paid as a whole."""
    payment = {
        "paymentMethod": "EBAY",
        "paymentDate": millis(clock.now()),
        "amount": total,
        "paymentStatus": PAID,
    }
    return {"orderPaymentStatus": PAID, "paymentSummary": {"refunds": [], "payments": [payment]}}


def _amount(cart: Cart, minor: int) -> dict[str, str]:
    """eBay writes no zeros at the end: `58.8`."""
    return {"value": f"{Decimal(cart.amount(minor)).normalize():f}", "currency": cart.currency}
