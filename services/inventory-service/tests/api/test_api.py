"""The API on the real application and database."""

import pytest

from crossdock_chassis.ids import new_id
from crossdock_contracts.inventory import SkuChangedV1, StockReservedV1
from crossdock_contracts.orders import FulfilmentPolicy

from ..samples import AnOrder
from ..stage import all_of, only
from .conftest import Api

WAREHOUSE = {
    "name": "Praha",
    "address_lines": ["Dock 7"],
    "city": "Praha",
    "country": "CZ",
    "time_zone": "Europe/Prague",
    "cut_off": "14:30",
    "hand_over": "manual",
    "priority": 3,
    "serves": ["CZ", "DE"],
}


def a_receipt(*units: int, reference: str = "note-a") -> dict[str, object]:
    lines = [{"sku": sku, "units": one} for sku, one in zip(("mug", "cap"), units, strict=False)]
    return {"warehouse": "BER", "reference": reference, "lines": lines}


async def test_a_warehouse_is_put_shown_and_deactivated_with_who_did_it(api: Api) -> None:
    put = await api.client.put("/v1/warehouses/PRG", json=WAREHOUSE, headers={"x-reason": "opened"})
    gone = await api.client.post("/v1/warehouses/PRG/deactivation")

    shown = (await api.client.get("/v1/warehouses/PRG")).json()
    listed = (await api.client.get("/v1/warehouses")).json()
    assert (put.status_code, gone.status_code) == (200, 204)
    assert (shown["active"], sorted(shown["serves"]), shown["cut_off"]) == (False, ["CZ", "DE"], "14:30")
    assert [one["code"] for one in listed["items"]] == ["BER", "POZ", "PRG"]
    changes = await api.stage.rows(
        "select actor_name, reason from catalogue_change where code = 'PRG' order by 1, 2"
    )
    assert [tuple(one) for one in changes] == [("anna", "opened"), ("anna", None)]


async def test_a_time_zone_nobody_knows_is_refused(api: Api) -> None:
    answer = await api.client.put("/v1/warehouses/PRG", json=WAREHOUSE | {"time_zone": "Europe/Prag"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "body.time_zone"


async def test_a_changed_sku_is_told_once_and_an_unchanged_one_not(api: Api) -> None:
    body = {"title": "Mug", "weight_g": 320, "hs_code": "691110", "origin_country": "PL"}

    for _ in range(2):
        await api.client.put("/v1/skus/a/b", json=body)

    told = only(await api.stage.said_since(), SkuChangedV1)
    assert (told.facts.sku, told.facts.weight_g, told.actor.name) == ("a/b", 320, "anna")
    assert (await api.client.get("/v1/skus/a/b")).json()["hs_code"] == "691110"


async def test_skus_are_paged_searched_and_deactivated(api: Api) -> None:
    first = (await api.client.get("/v1/skus", params={"limit": 1})).json()
    second = (await api.client.get("/v1/skus", params={"limit": 1, "cursor": first["next_cursor"]})).json()
    await api.client.post("/v1/skus/cap/deactivation")
    active = (await api.client.get("/v1/skus", params={"active": True, "search": "m"})).json()

    assert [one["sku"] for one in first["items"] + second["items"]] == ["cap", "mug"]
    assert second["next_cursor"] is None
    assert [one["sku"] for one in active["items"]] == ["mug"]


async def test_a_receipt_serves_who_waits_and_shows_the_levels(api: Api) -> None:
    order = AnOrder(lines={"mug": 2}, policy=FulfilmentPolicy.BACKORDER)
    await api.stage.hear(order.created())

    answer = await api.client.post("/v1/receipts", json=a_receipt(5))

    assert answer.status_code == 201
    (level,) = answer.json()["items"]
    assert (level["on_hand"], level["reserved"], level["available_to_promise"]) == (5, 2, 3)
    assert only(await api.stage.said_since(), StockReservedV1).complete


async def test_a_receipt_with_the_same_key_is_booked_once_and_the_same_note_is_refused(api: Api) -> None:
    first = await api.client.post("/v1/receipts", json=a_receipt(5), headers={"idempotency-key": "k1"})

    again = await api.client.post("/v1/receipts", json=a_receipt(5), headers={"idempotency-key": "k1"})
    other = await api.client.post("/v1/receipts", json=a_receipt(5), headers={"idempotency-key": "k2"})

    assert again.json() == first.json()
    assert (other.status_code, other.json()["type"]) == (409, "/problems/already-received")
    assert await api.stage.level("mug") == (5, 0, 0)


@pytest.mark.parametrize(("what", "slug"), [({"warehouse": "NYC"}, "unknown-warehouse"), ({}, "unknown-sku")])
async def test_a_receipt_of_what_nobody_knows_is_refused_whole(
    api: Api, what: dict[str, str], slug: str
) -> None:
    body = a_receipt(5) | what | ({} if what else {"lines": [{"sku": "gizmo", "units": 1}]})

    answer = await api.client.post("/v1/receipts", json=body)

    assert (answer.status_code, answer.json()["type"]) == (404, f"/problems/{slug}")
    assert await api.stage.level("mug") == (0, 0, 0)


async def test_an_adjustment_tells_what_it_took_back_and_first_what_it_would(api: Api) -> None:
    await api.stage.receive("mug", 2)
    await api.stage.hear(AnOrder(lines={"mug": 2}).created())
    body = {"warehouse": "BER", "sku": "mug", "counted": 1, "reason": "counted"}

    would = (await api.client.post("/v1/adjustments", json=body | {"dry_run": True})).json()
    before = await api.stage.level("mug")
    did = (await api.client.post("/v1/adjustments", json=body)).json()

    assert (would["asked_back"], did["asked_back"]) == (2, 2)
    assert (before, await api.stage.level("mug")) == ((2, 2, 0), (1, 2, 1))
    (short,) = (await api.client.get("/v1/exceptions")).json()["items"]
    assert (short["kind"], short["sku"]) == ("short", "mug")

    resolved = await api.client.post(
        f"/v1/exceptions/{short['exception_id']}/resolution", json={"resolution": "bought more"}
    )
    assert resolved.status_code == 204
    assert (await api.client.get("/v1/exceptions")).json()["items"] == []
    assert (await api.client.get("/v1/exceptions", params={"state": "resolved"})).json()["items"][0][
        "resolved_by"
    ] == "anna"


async def test_a_change_below_nothing_is_refused(api: Api) -> None:
    body = {"warehouse": "BER", "sku": "mug", "change": -1, "reason": "broken"}

    answer = await api.client.post("/v1/adjustments", json=body)

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/below-nothing")


async def test_levels_ledger_reservations_and_waiting_demand_are_shown(api: Api) -> None:
    await api.stage.receive("mug", 3)
    order = AnOrder(lines={"mug": 5}, policy=FulfilmentPolicy.BACKORDER)
    await api.stage.hear(order.created())

    (level,) = (await api.client.get("/v1/levels", params={"sku": "mug"})).json()["items"]
    (movement,) = (await api.client.get("/v1/ledger", params={"kind": "receipt"})).json()["items"]
    shown = (await api.client.get(f"/v1/orders/{order.order_id}/reservations")).json()
    (waiting,) = (await api.client.get("/v1/waiting-demand", params={"sku": "mug"})).json()["items"]

    assert (level["on_hand"], level["reserved"]) == (3, 3)
    assert (movement["units"], movement["reference"], movement["actor_name"]) == (3, "note-1", "anna")
    assert [(one["units"], one["state"]) for one in shown["allocations"]] == [(3, "published")]
    assert (waiting["order_id"], waiting["waiting"]) == (str(order.order_id), 2)
    assert (await api.client.get("/v1/drift")).json() == {"items": []}


async def test_waiting_demand_without_a_ship_by_is_paged_to_the_end(api: Api) -> None:
    orders = [AnOrder(lines={"mug": 1}, policy=FulfilmentPolicy.BACKORDER, ship_by=None) for _ in range(3)]
    await api.stage.hear(*(one.created() for one in orders))

    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await api.client.get("/v1/waiting-demand", params={"limit": 2, **cursor})).json()
        found += [one["order_id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert sorted(found) == sorted(str(one.order_id) for one in orders)


async def test_drift_is_found_when_somebody_changed_a_level_by_hand(api: Api) -> None:
    await api.stage.receive("mug", 3)
    async with api.stage.database.transaction() as tx:
        await tx.connection.exec_driver_sql("update stock_level set on_hand = 4")

    (drift,) = (await api.client.get("/v1/drift")).json()["items"]

    assert (drift["sku"], drift["on_hand"], drift["ledger"]) == ("mug", 4, 3)


async def test_a_csv_is_only_checked_unless_told_otherwise_and_taken_whole_or_not_at_all(api: Api) -> None:
    good = "sku,title,weight_g,active\nhat,Hat,90,true\nbag,Bag,,false\n"
    bad = "sku,title,weight_g,active\nhat,Hat,heavy,true\nbag,Bag,,maybe\n"

    checked = (
        await api.client.post(
            "/v1/skus.csv", content=good, headers={"content-type": "text/csv; charset=utf-8"}
        )
    ).json()
    refused = (await api.client.post("/v1/skus.csv?dry_run=false", content=bad)).json()
    before = (await api.client.get("/v1/skus")).json()["items"]
    written = (await api.client.post("/v1/skus.csv?dry_run=false", content=good)).json()

    assert (checked["lines"], checked["written"], checked["dry_run"]) == (2, 0, True)
    assert [(one["line"], one["column"]) for one in refused["errors"]] == [(2, "weight_g"), (3, "active")]
    assert [one["sku"] for one in before] == ["cap", "mug"]
    assert written["written"] == 2
    exported = (await api.client.get("/v1/skus.csv")).text
    assert "hat,Hat,90,,,,,,,none,true" in exported.splitlines()
    again = (await api.client.post("/v1/skus.csv", content=exported)).json()
    assert (again["lines"], again["errors"]) == (4, [])


async def test_receipts_come_as_csv_with_an_error_per_line(api: Api) -> None:
    lines = ("BER,mug,0", "NYC,mug,1", "BER,gizmo,1", "BER,cap,2", "BER,cap,2")
    bad = "reference,warehouse,sku,units\n" + "".join(f"n1,{line}\n" for line in lines)
    good = "reference,warehouse,sku,units\nn1,BER,mug,4\nn1,BER,cap,2\n"

    refused = (await api.client.post("/v1/receipts.csv?dry_run=false", content=bad)).json()
    written = (await api.client.post("/v1/receipts.csv?dry_run=false", content=good)).json()
    twice = (await api.client.post("/v1/receipts.csv?dry_run=false", content=good)).json()

    assert [(one["line"], one["column"]) for one in refused["errors"]] == [
        (2, "units"),
        (3, "warehouse"),
        (4, "sku"),
        (6, "reference"),
    ]
    assert written["written"] == 2
    assert [one["column"] for one in twice["errors"]] == ["reference", "reference"]
    assert (await api.client.get("/v1/levels.csv")).text.splitlines()[1:] == [
        "cap,BER,-,sellable,2,0,0",
        "mug,BER,-,sellable,4,0,0",
    ]


@pytest.mark.parametrize(
    "content", ["sku\nx\n", "sku,title,color\na,b,c\n", "sku,title\na\n", 'sku,title\n"a,b\n']
)
async def test_a_file_that_cannot_be_read_is_a_problem(api: Api, content: str) -> None:
    answer = await api.client.post("/v1/skus.csv", content=content)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unreadable-csv")


async def test_another_merchant_sees_and_changes_nothing_of_ours(api: Api) -> None:
    await api.stage.receive("mug", 3)
    order = AnOrder(lines={"mug": 5}, policy=FulfilmentPolicy.BACKORDER)
    await api.stage.hear(order.created())
    theirs = await api.token(merchant_id="other", scopes=("stock:read", "stock:write"))

    lists = [
        (await api.client.get(f"/v1/{name}", headers=theirs)).json()["items"]
        for name in ("warehouses", "skus", "levels", "ledger", "waiting-demand", "exceptions", "drift")
    ]
    order_seen = await api.client.get(f"/v1/orders/{order.order_id}/reservations", headers=theirs)
    receipt = await api.client.post("/v1/receipts", json=a_receipt(5), headers=theirs)

    assert lists == [[]] * 7
    assert order_seen.status_code == 404
    assert receipt.status_code == 404
    assert await api.stage.level("mug") == (3, 3, 0)


async def test_who_may_only_read_does_not_write(api: Api) -> None:
    reader = await api.token(scopes=("stock:read",))

    answer = await api.client.post("/v1/receipts", json=a_receipt(5), headers=reader)

    assert answer.status_code == 403
    assert all_of(await api.stage.said_since(), StockReservedV1) == []


async def test_an_exception_nobody_knows_is_not_found(api: Api) -> None:
    answer = await api.client.post(f"/v1/exceptions/{new_id()}/resolution", json={"resolution": "x"})

    assert answer.status_code == 404
