"""A merchant's life in each service, made through the doors everybody uses: HTTP and events."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx

from crossdock_contracts.envelope import Event
from crossdock_contracts.inventory import StockReservedV1
from crossdock_contracts.registry import EVENTS
from crossdock_contracts.samples import sample_bytes
from crossdock_contracts.shipping import ParcelShippedV1

from .members import Member
from .shop import account_given, delivery_headers, order_body
from .tape import Raw, Tape

#: What stands in every personal field of the merchant's orders, and nowhere else.
CANARY: Final = "Kanarienvogel"
SHOP: Final = "seeds.myshopify.com"
WAREHOUSE: Final = {
    "name": "Shenzhen 1",
    "address_lines": ["88 Beispiel Road"],
    "city": "Shenzhen",
    "postal_code": "518000",
    "country": "CN",
    "phone": "+8675512345678",
    "time_zone": "Asia/Shanghai",
    "cut_off": "16:00",
    "hand_over": "automatic",
}


def sample_event(event_type: str, **changes: Any) -> Event:
    """A contract's sample, with a canary for a buyer and changes at its top level."""
    fields = json.loads(sample_bytes(event_type))
    for person in ("consignee", "buyer"):
        if fields.get(person):
            fields[person] |= {"name": CANARY, "email": f"{CANARY.lower()}@example.com"}
    if fields.get("consignee"):
        fields["consignee"] |= {"lines": [f"{CANARY}weg 1"], "city": f"{CANARY}stadt"}
    return EVENTS[event_type].model_validate(fields | changes)


def seed(member: Member) -> None:
    """Give the default merchant something of everything a route can show."""
    with httpx.Client(base_url=member.url, headers=member.token(), trust_env=False) as client:
        _SEEDS[member.name](member, client)


def _hear(member: Member, *events: Event) -> None:
    async def play() -> None:
        tape = Tape(member.name, member.database)
        await tape.begin()
        await tape.play([Raw.of(one) for one in events])

    member.run(play())


def _order(member: Member, client: httpx.Client) -> None:
    made = client.put("/v1/accounts/seeds", json=account_given(SHOP))
    assert made.status_code == 200, made.text
    mapped = client.put("/v1/accounts/seeds/sku-map/KIT", json={"components": [{"sku": "A", "units": 2}]})
    assert mapped.status_code == 200, mapped.text
    address = {**order_body()["shipping_address"], "name": CANARY, "address1": f"{CANARY}weg 1"}
    raw = json.dumps(order_body(shipping_address=address, email=f"{CANARY}@example.com")).encode()
    another = json.dumps(order_body(id=1, name="#1")).encode()
    for body in (raw, another, b"no order"):
        taken = client.post("/webhooks/shopify/seeds", content=body, headers=delivery_headers(body, SHOP))
        assert taken.status_code == 200
    skus = {line["sku"] for line in order_body()["line_items"]}
    facts = json.loads(sample_bytes("crossdock.sku.changed.v1"))["facts"]
    _hear(member, *(sample_event("crossdock.sku.changed.v1", facts={**facts, "sku": one}) for one in skus))
    (order,) = client.get("/v1/orders", params={"ref": "#1042"}).json()["items"]
    lines = client.get(f"/v1/orders/{order['order_id']}").json()["lines"]
    reserved = json.loads(sample_bytes(StockReservedV1.TYPE))
    contents = json.loads(sample_bytes(ParcelShippedV1.TYPE))["contents"]
    for mine, allocation, content in zip(lines, reserved["allocations"], contents, strict=True):
        theirs = {"line_id": mine["line_id"], "sku": mine["sku"]}
        allocation.update(theirs)
        content.update(theirs)
    about = {"order_id": order["order_id"], "order_version": order["version"]}
    missing = [{**one, "line_id": lines[1]["line_id"], "waiting": False} for one in reserved["unfilled"]]
    _hear(
        member,
        sample_event(StockReservedV1.TYPE, allocations=reserved["allocations"], unfilled=missing, **about),
        sample_event(ParcelShippedV1.TYPE, contents=contents, **about),
    )


def _inventory(member: Member, client: httpx.Client) -> None:
    made = client.put("/v1/warehouses/SZX1", json=WAREHOUSE)
    assert made.status_code == 200, made.text
    for sku in ("STAND-SLV", "CABLE-2M"):
        assert client.put(f"/v1/skus/{sku}", json={"title": "Seed"}).status_code == 200
    lines = [{"sku": "STAND-SLV", "units": 5}]
    received = client.post("/v1/receipts", json={"warehouse": "SZX1", "reference": "seed-1", "lines": lines})
    assert received.status_code == 201, received.text
    _hear(
        member,
        sample_event("crossdock.order.created.v1"),
        sample_event("crossdock.parcel.shipped.v1", order_id="01934f5e-7b1c-7000-8000-0000000000ff"),
    )


def _shipping(member: Member, client: httpx.Client) -> None:
    rule = {"priority": 1, "name": "All", "carrier": "easypost", "service": "First"}
    assert client.post("/v1/shipping-rules", json=rule).status_code == 201
    _hear(member, sample_event("crossdock.order.created.v1"), sample_event("crossdock.stock.reserved.v1"))


def _notify(member: Member, client: httpx.Client) -> None:
    profile = client.put("/v1/profiles/main", json={"display_name": "Seeds"})
    assert profile.status_code == 204, profile.text
    _hear(member, sample_event("crossdock.order.created.v1"), sample_event("crossdock.parcel.shipped.v1"))


_SEEDS: Final[Mapping[str, Callable[[Member, httpx.Client], None]]] = {
    "order": _order,
    "inventory": _inventory,
    "shipping": _shipping,
    "notify": _notify,
}
