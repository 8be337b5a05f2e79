"""`GET …/orders/{id}.json`: the order as webhooks carry it, priced by calls instead of points."""

import json
import math
from dataclasses import dataclass

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.shopify.graphql_api import Bucket
from crossdock_sandbox.shopify.store import Store

ORDER = "order.json"  # the operation's name in books and faults; `order` is GraphQL's
POINTS_PER_CALL = 50  # every plan has 50 points of GraphQL for one call of REST: 100 and 2, 200 and 4, ...


class RestApi:
    """The one route of the legacy REST Admin API that is needed: its shape is the webhooks'.

    Source: shopify.dev, REST Admin API "Order" and "REST Admin API rate limits", read 2026-11-22.
    """

    def __init__(self, store: Store, points_per_s: float) -> None:
        self._store = store
        self._calls_per_s = points_per_s / POINTS_PER_CALL
        self._buckets: dict[str, Bucket] = {}

    def order(self, shop: str, order_id: str, version: str) -> Answer:
        """The kept body below `order`, or Shopify's 404 for what is not an id of this shop's orders."""
        bucket = self._bucket(shop)
        if not bucket.take(1):
            return self.throttled(shop, version)
        is_id = order_id.isascii() and order_id.isdigit() and len(order_id) <= 18
        row = self._store.order(shop, int(order_id)) if is_id else None
        if row is None:
            return Answer({"errors": "Not Found"}, 404, "not_found", headers=self._headers(shop, version))
        content = {"order": json.loads(row["body_json"])}
        return Answer(content, reference=order_id, headers=self._headers(shop, version))

    def throttled(self, shop: str, version: str) -> Answer:
        """Shopify's word for "too fast": 429 and the seconds until a call has leaked out of the bucket."""
        text = (
            f"Exceeded {self._calls_per_s:g} calls per second for api client."
            " Reduce request rates to resume uninterrupted service."
        )
        headers = {**self._headers(shop, version), "Retry-After": f"{max(1.0, 1 / self._calls_per_s):.1f}"}
        return Answer({"errors": text}, 429, "throttled", headers=headers)

    def _bucket(self, shop: str) -> Bucket:
        return self._buckets.setdefault(shop, Bucket(self._calls_per_s))

    def _headers(self, shop: str, version: str) -> dict[str, str]:
        bucket = self._bucket(shop)
        used = math.ceil(bucket.maximum - bucket.available)
        return {
            "X-Shopify-API-Version": version,
            "X-Shopify-Shop-Api-Call-Limit": f"{used}/{bucket.maximum:g}",
        }


@dataclass(frozen=True, slots=True)
class RestWords:
    """REST's way of saying what any platform says."""

    api: RestApi
    shop: str
    version: str

    def server_error(self) -> Answer:
        return Answer({"errors": "Internal Server Error"}, 500, "server_error")

    def throttled(self) -> Answer:
        return self.api.throttled(self.shop, self.version)

    def refused(self, operation: str) -> Answer:
        """What an app without the scope gets."""
        return Answer(
            {"errors": f"[API] This action requires merchant approval for read_orders scope ({operation})."},
            403,
            "refused",
        )
