"""`GET …/orders/{id}.json` and `GET …/orders.json`: orders as webhooks carry them, priced by calls instead of
points.
"""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.shopify.graphql_api import Bucket
from crossdock_sandbox.shopify.store import Store

ORDER = "order.json"  # the operation's name in books and faults; `order` is GraphQL's
ORDERS = "orders.json"
POINTS_PER_CALL = 50  # every plan has 50 points of GraphQL for one call of REST: 100 and 2, 200 and 4, ...


class _First(BaseModel):
    """What the first page is asked with. The original passes over names that it does not know."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=250)] = 50
    status: Literal["open", "closed", "cancelled", "any"] = "open"
    updated_at_min: AwareDatetime | None = None
    updated_at_max: AwareDatetime | None = None


class _Following(BaseModel):
    """Further pages take nothing but these two."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[int, Field(ge=1, le=250)] = 50
    page_info: str


class RestApi:
    """The routes of the legacy REST Admin API that are needed: their shape is the webhooks'.

    Source: shopify.dev, REST Admin API "Order", "Make paginated requests" and "REST Admin API rate limits",
    read 2026-11-22.
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

    def orders(self, shop: str, given: Mapping[str, str], version: str, url: str) -> Answer:
        """A page of orders, the newest first, and in the Link header where the next one is."""
        if not self._bucket(shop).take(1):
            return self.throttled(shop, version)
        headers = self._headers(shop, version)
        try:
            limit, asked, before_id = _question(given)
        except (ValidationError, ValueError):
            return Answer({"errors": "Bad Request"}, 400, "refused", headers=headers)
        rows = self._store.orders_changed(
            shop, asked.updated_at_min, asked.updated_at_max, before_id=before_id, limit=limit + 1
        )
        shown = [row for row in rows[:limit] if _has_status(row["cancelled_at"], asked.status)]
        if len(rows) > limit:
            page = _page_info(asked, rows[limit - 1]["id"])
            query = urlencode({"limit": limit, "page_info": page})
            headers["Link"] = f'<{url}?{query}>; rel="next"'
        content = {"orders": [json.loads(row["body_json"]) for row in shown]}
        return Answer(content, detail={"orders": len(shown)}, headers=headers)

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


def _question(given: Mapping[str, str]) -> tuple[int, _First, int | None]:
    """Raises ValidationError, or ValueError for a page that was never told."""
    if "page_info" not in given:
        first = _First.model_validate(dict(given))
        return first.limit, first, None
    following = _Following.model_validate(dict(given))
    try:
        kept = json.loads(base64.urlsafe_b64decode(following.page_info))
    except binascii.Error as error:
        raise ValueError("page_info") from error
    before_id = kept.pop("before_id")
    return following.limit, _First.model_validate(kept), int(before_id)


def _page_info(asked: _First, before_id: int) -> str:
    kept = {**asked.model_dump(mode="json"), "before_id": before_id}
    return base64.urlsafe_b64encode(json.dumps(kept).encode()).decode()


def _has_status(cancelled_at: str | None, status: str) -> bool:
    return status == "any" or (cancelled_at is not None) == (status == "cancelled")


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
