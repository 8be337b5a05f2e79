import httpx

from ..samples import AnOrder
from ..stage import Stage

RULE = {
    "priority": 10,
    "name": "heavy goes with the other service",
    "conditions": {"min_weight_g": 300, "countries": ["DE"], "currency": "EUR", "max_value": "100.00"},
    "carrier": "scripted",
    "service": "Parcel:Heavy",
}


async def test_a_rule_decides_the_service_of_what_is_planned_after_it(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    created = await client.post("/v1/shipping-rules", json=RULE)
    order = AnOrder()

    await stage.labelled(order)
    shown = (await client.get(f"/v1/shipments/{await stage.shipment(order)}")).json()

    assert created.status_code == 201
    assert created.headers["location"].endswith(created.json()["rule_id"])
    assert (shown["service"], shown["rule_id"]) == ("Parcel:Heavy", created.json()["rule_id"])


async def test_rules_are_listed_as_they_are_tried_changed_and_removed(client: httpx.AsyncClient) -> None:
    rule = (await client.post("/v1/shipping-rules", json=RULE)).json()
    url = f"/v1/shipping-rules/{rule['rule_id']}"

    first = [one["name"] for one in (await client.get("/v1/shipping-rules")).json()]
    changed = await client.put(url, json={**RULE, "priority": 500, "active": False})
    second = [one["name"] for one in (await client.get("/v1/shipping-rules")).json()]
    removed = await client.delete(url)
    gone = await client.get(url)

    assert first == [RULE["name"], "everything"]
    assert (changed.json()["active"], changed.json()["conditions"]["max_value"]) == (False, "100.00")
    assert second == ["everything", RULE["name"]]
    assert (removed.status_code, gone.status_code) == (204, 404)


async def test_a_dry_run_says_which_rule_matches_and_why_the_others_do_not(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    await client.post("/v1/shipping-rules", json=RULE)
    order = AnOrder(skus=("cap",))
    await stage.hear(order.created(), order.reserved())

    light = await client.post(
        "/v1/shipping-rules/dry-run", json={"shipment_id": str(await stage.shipment(order))}
    )
    described = await client.post(
        "/v1/shipping-rules/dry-run",
        json={"country": "DE", "weight_g": 300, "value": "99.99", "currency": "EUR"},
    )

    assert [(one["name"], one["because"]) for one in light.json()["tried"]] == [
        (RULE["name"], "weight"),
        ("everything", "matched"),
    ]
    assert described.json()["rule"]["service"] == "Parcel:Heavy"


async def test_rules_that_cannot_work_are_refused(client: httpx.AsyncClient) -> None:
    unconnected = await client.post("/v1/shipping-rules", json={**RULE, "carrier": "other"})
    backwards = await client.post(
        "/v1/shipping-rules", json={**RULE, "conditions": {"min_weight_g": 2, "max_weight_g": 1}}
    )

    assert (unconnected.status_code, backwards.status_code) == (422, 422)
    assert unconnected.json()["detail"] == "carrier_not_connected"
    assert backwards.json()["detail"] == "empty_range"
