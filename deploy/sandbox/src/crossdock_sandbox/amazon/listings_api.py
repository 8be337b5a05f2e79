"""Listings Items 2021-08-01: as much of it as stock needs."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from crossdock_sandbox.amazon.store import Seller, Store
from crossdock_sandbox.amazon.words import Refused, api_error
from crossdock_sandbox.calls import Answer

AVAILABILITY = "/attributes/fulfillment_availability"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Availability(_Body):
    fulfillment_channel_code: Literal["DEFAULT"]
    quantity: int = Field(ge=0)
    lead_time_to_ship_max_days: int | None = Field(default=None, ge=0)


class _Patch(_Body):
    op: Literal["merge", "replace"]
    path: Literal["/attributes/fulfillment_availability"]
    value: list[_Availability] = Field(min_length=1, max_length=1)


class ListingPatch(_Body):
    productType: str = Field(pattern=r"^[A-Z0-9_]+$")
    patches: list[_Patch] = Field(min_length=1, max_length=1)


class ListingsApi:
    def __init__(self, store: Store) -> None:
        self._store = store

    def patch(
        self, seller: Seller, seller_id: str, sku: str, query: Mapping[str, str], given: ListingPatch
    ) -> Answer:
        """`merge` keeps what it does not name, `replace` wipes it."""
        _check(seller, seller_id, query)
        listing = self._store.listing(seller_id, sku)
        if listing is None:
            raise Refused(api_error(404, "NOT_FOUND", "The SKU is not in the seller's catalog."))
        issue = {"code": "90220", "message": "The listing cannot be changed.", "severity": "ERROR"}
        if listing["locked"]:
            return _said(sku, "INVALID", [issue])
        (patch,) = given.patches
        (value,) = patch.value
        lead_time = value.lead_time_to_ship_max_days
        if patch.op == "merge" and lead_time is None:
            lead_time = listing["lead_time_days"]
        self._store.put_listing(seller_id, sku, value.quantity, lead_time, locked=False)
        return _said(sku, "ACCEPTED", [])

    def search(self, seller: Seller, seller_id: str, query: Mapping[str, str]) -> Answer:
        _check(seller, seller_id, query)
        listings = self._store.listings(seller_id)
        page = [{"sku": one["sku"]} for one in listings[: int(query.get("pageSize", "10"))]]
        return Answer({"numberOfResults": len(listings), "items": page})


def _check(seller: Seller, seller_id: str, query: Mapping[str, str]) -> None:
    if seller_id != seller.seller_id:
        raise Refused(api_error(403, "Unauthorized", "Access to requested resource is denied."))
    asked = set(query.get("marketplaceIds", "").split(","))
    if not asked <= seller.marketplaces:
        raise Refused(api_error(400, "InvalidInput", "marketplaceIds are not the seller's."))


def _said(sku: str, status: str, issues: list[dict[str, Any]]) -> Answer:
    content = {"sku": sku, "status": status, "submissionId": uuid4().hex, "issues": issues}
    return Answer(content, outcome=status.lower(), reference=sku)
