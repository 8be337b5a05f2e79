"""What a shop is told and asked: signatures, fields, units and ids are checked."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from crossdock_sandbox import clock
from crossdock_sandbox.calls import Answer
from crossdock_sandbox.generic.store import Shop, Store

PAGE = 50

Text = Annotated[str, Field(min_length=1, max_length=500)]
Units = Annotated[int, Field(strict=True, ge=0)]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")

    shop: Text


class Tracking(_Said):
    type: Literal["tracking"]
    order_id: Text
    tracking_number: Text
    tracking_url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None
    carrier: Text
    units: Annotated[dict[str, Annotated[int, Field(strict=True, ge=1)]], Field(min_length=1)]


class Cancel(_Said):
    type: Literal["cancel"]
    order_id: Text
    reason: Literal["out_of_stock", "risk", "unpaid", "merchant"]
    refund: Literal[True] | None = None


class Level(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sku: Text
    units: Units


class Stock(_Said):
    type: Literal["stock"]
    levels: Annotated[list[Level], Field(min_length=1, max_length=100)]


class Check(_Said):
    type: Literal["check"]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    updated_since: AwareDatetime
    updated_until: AwareDatetime
    cursor: str = ""


_SAID: TypeAdapter[Tracking | Cancel | Stock | Check] = TypeAdapter(
    Annotated[Tracking | Cancel | Stock | Check, Field(discriminator="type")]
)


class ShopApi:
    """Every method runs inside the transaction that records it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def tell(self, shop: Shop, message_id: str, body: bytes) -> Answer:
        """A call under an id that is known is answered as the first time, and nothing is done again."""
        try:
            said = _SAID.validate_json(body)
        except ValidationError as error:
            return refused(400, "bad_request", field=".".join(map(str, error.errors()[0]["loc"])))
        if said.shop != shop.shop:
            return refused(400, "another_shop")
        known = self._store.told(shop.shop, message_id)
        if known is not None:
            if json.loads(known["body_json"]) != json.loads(body):
                return refused(409, "id_used_again")
            self._store.count_again(known)
            return Answer(json.loads(known["answer_json"]), outcome="repeated")
        match said:
            case Tracking():
                answer = self._track(shop, said)
            case Cancel():
                answer = self._cancel(shop, said)
            case Stock():
                answer = self._set(shop, said)
            case _:
                answer = Answer({"shop": shop.shop})
        if answer.status == 200 and isinstance(answer.content, dict):
            self._store.keep(shop.shop, message_id, json.loads(body), answer.content)
        return answer

    def _track(self, shop: Shop, said: Tracking) -> Answer:
        order = self._store.order(shop.shop, said.order_id)
        if order is None:
            return refused(404, "order_not_found")
        if order.get("status") == "cancelled":
            return refused(409, "order_cancelled")
        left = Counter({one["id"]: one["quantity"] for one in order["lines"]})
        for row in self._store.parcels(shop.shop, said.order_id):
            left.subtract(json.loads(row["body_json"])["units"])
        if any(left[line] < units for line, units in said.units.items()):
            return refused(422, "too_many_units")
        reference = f"parcel-{len(order.get('shipments', [])) + 1}"
        shown = {"tracking_number": said.tracking_number, "reference": reference}
        self._change(shop, order, shipments=[*order.get("shipments", []), shown])
        return Answer({"reference": reference}, reference=said.order_id)

    def _cancel(self, shop: Shop, said: Cancel) -> Answer:
        order = self._store.order(shop.shop, said.order_id)
        if order is None:
            return refused(404, "order_not_found")
        if order.get("shipments"):
            return refused(409, "order_was_sent")
        packed = {one["id"] for one in order["lines"] if str(one.get("sku")).startswith("PACKED")}
        if not packed:
            self._change(shop, order, status="cancelled", cancel_reason=said.reason)
            return Answer({"reference": said.order_id}, reference=said.order_id)
        self._change(
            shop,
            order,
            lines=[
                one if one["id"] in packed else {**one, "cancelled_quantity": one["quantity"]}
                for one in order["lines"]
            ],
        )
        left = dict.fromkeys(sorted(packed), "already_packed")
        return Answer({"reference": said.order_id, "refused": left}, reference=said.order_id)

    def _change(self, shop: Shop, order: Mapping[str, Any], **changes: Any) -> None:
        now = clock.now().isoformat(timespec="seconds")
        self._store.put_order(shop.shop, {**order, **changes, "updated_at": now})

    def _set(self, shop: Shop, said: Stock) -> Answer:
        unknown = {one.sku: "sku_not_found" for one in said.levels if one.sku.startswith("GHOST")}
        for one in said.levels:
            if one.sku not in unknown:
                self._store.set_stock(shop.shop, one.sku, one.units)
        return Answer({"refused": unknown})

    def order(self, shop: Shop, order_id: str) -> Answer:
        found = self._store.order(shop.shop, order_id)
        return Answer(found, reference=order_id) if found else refused(404, "order_not_found")

    def orders(self, shop: Shop, query: Mapping[str, str]) -> Answer:
        try:
            asked = Asked.model_validate(dict(query))
        except ValidationError as error:
            return refused(400, "bad_request", field=str(error.errors()[0]["loc"][0]))
        since, until = (_epoch(one) for one in (asked.updated_since, asked.updated_until))
        found = self._store.orders(shop.shop, since, until, asked.cursor, PAGE + 1)
        following = found[PAGE - 1]["id"] if len(found) > PAGE else None
        return Answer({"orders": found[:PAGE], "next_cursor": following})


def _epoch(moment: datetime) -> float:
    return moment.astimezone(UTC).timestamp()


def refused(status: int, code: str, **detail: str) -> Answer:
    return Answer({"error": code, **detail}, status, "refused", detail={"code": code, **detail})


class Words:
    """How this shop says what any platform says."""

    def server_error(self) -> Answer:
        return Answer({"error": "broken"}, 500, "server_error")

    def throttled(self) -> Answer:
        return Answer({"error": "too_fast"}, 429, "throttled", headers={"Retry-After": "2"})

    def refused(self, operation: str) -> Answer:
        return refused(422, "not_wanted", operation=operation)
