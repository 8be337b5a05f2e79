"""The real application over the real database."""

import base64
import hashlib
from uuid import uuid4

import httpx

from crossdock_chassis.http import add_token
from crossdock_contracts.inventory import HandOver
from crossdock_contracts.orders import FulfilmentState
from crossdock_contracts.shipping import ShipmentCancelledV1
from shipping_service.persistence.erasing import erase_expired
from shipping_service.use_cases.ports import Capabilities, CarrierRejected

from ..samples import HAMBURG, NEW_YORK, AnOrder
from ..scripted_carrier import Lost
from ..stage import Stage, names, only


async def test_the_list_is_filtered_and_goes_on_page_by_page(stage: Stage, client: httpx.AsyncClient) -> None:
    manual = [AnOrder(hand_over=HandOver.MANUAL) for _ in range(3)]
    for order in manual:
        await stage.labelled(order)
    await stage.labelled(AnOrder())

    first = (await client.get("/v1/shipments", params={"state": "labelled", "limit": 2})).json()
    second = (
        await client.get(
            "/v1/shipments", params={"state": "labelled", "limit": 2, "cursor": first["next_cursor"]}
        )
    ).json()
    one = (await client.get("/v1/shipments", params={"order_id": str(manual[0].order_id)})).json()
    elsewhere = (await client.get("/v1/shipments", params={"warehouse": "POZ"})).json()

    found = [row["order_id"] for row in first["items"] + second["items"]]
    assert found == [str(order.order_id) for order in reversed(manual)]
    assert second["next_cursor"] is None
    assert [row["tracking_number"] is not None for row in one["items"]] == [True]
    assert elsewhere["items"] == []


async def test_a_shipment_shows_its_rule_its_label_and_what_stands_against_its_hand_over(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)
    await stage.hear(order.changed(FulfilmentState.HELD))

    shown = (await client.get(f"/v1/shipments/{await stage.shipment(order)}")).json()

    assert [(one["name"], one["because"]) for one in shown["rules_tried"]] == [("everything", "matched")]
    assert (shown["carrier"], shown["service"]) == ("scripted", "Parcel:Economy")
    assert [(one["number"], one["state"]) for one in shown["labels"]] == [(1, "bought")]
    assert shown["hand_over_blocked"] == "order_held"
    assert "Beispiel" not in str(shown)


async def test_the_timeline_tells_who_did_what(stage: Stage, client: httpx.AsyncClient) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)
    shipment = await stage.shipment(order)
    await client.post(f"/v1/shipments/{shipment}/hand-over")

    lines = (await client.get(f"/v1/shipments/{shipment}/timeline")).json()["items"]

    assert [one["what"] for one in lines] == ["planned", "buying", "labelled", "handed_over"]
    assert (lines[-1]["actor_kind"], lines[-1]["actor_name"]) == ("person", "tester")
    assert lines[0]["cause_event_id"] is not None


async def test_a_label_is_downloaded_with_its_type_its_hash_and_a_name(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = AnOrder()
    await stage.labelled(order)
    shipment = await stage.shipment(order)
    (document,) = (await client.get(f"/v1/shipments/{shipment}")).json()["documents"]
    url = f"/v1/shipments/{shipment}/documents/{document['document_id']}"

    answer = await client.get(url)
    again = await client.get(url, headers={"If-None-Match": answer.headers["etag"]})

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert answer.headers["content-disposition"].startswith('attachment; filename="label-')
    assert (again.status_code, again.content) == (304, b"")


async def test_a_label_is_erased_when_its_time_is_over(stage: Stage, client: httpx.AsyncClient) -> None:
    order = AnOrder()
    await stage.labelled(order)
    shipment = await stage.shipment(order)
    async with stage.database.engine.begin() as connection:
        await connection.exec_driver_sql("update document set personal_until = now() - interval '1 day'")
        await connection.exec_driver_sql("update consignee set personal_until = now() - interval '1 day'")

    erased = await erase_expired(stage.database)

    (document,) = (await client.get(f"/v1/shipments/{shipment}")).json()["documents"]
    answer = await client.get(f"/v1/shipments/{shipment}/documents/{document['document_id']}")
    assert (erased, answer.status_code, document["erased"]) == (2, 410, True)
    assert await stage.rows("select 1 from consignee") == []


async def test_a_hand_over_is_said_once_however_often_it_is_sent(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)
    url = f"/v1/shipments/{await stage.shipment(order)}/hand-over"

    answers = [
        await client.post(url, headers={"Idempotency-Key": "k1"}),
        await client.post(url, headers={"Idempotency-Key": "k1"}),
        await client.post(url),
    ]

    assert [one.status_code for one in answers] == [204, 204, 204]
    assert names(await stage.said()) == ["parcel.shipped"]


async def test_many_are_handed_over_and_each_refusal_has_its_reason(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    ready, held, planned = (AnOrder(hand_over=HandOver.MANUAL) for _ in range(3))
    await stage.labelled(ready)
    await stage.labelled(held)
    await stage.hear(held.changed(FulfilmentState.HELD))
    await stage.hear(planned.created(FulfilmentState.HELD), planned.reserved())
    ids = [str(await stage.shipment(one)) for one in (ready, held, planned)]

    answer = await client.post("/v1/shipments/hand-over", json={"shipment_ids": ids})

    assert [one["refused"] for one in answer.json()["results"]] == [None, "order_held", "not_labelled"]
    assert names(await stage.said()) == ["parcel.shipped"]


async def test_a_hand_over_of_a_label_that_is_out_of_date_is_refused(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)
    await stage.hear(order.moved_to(HAMBURG))

    answer = await client.post(f"/v1/shipments/{await stage.shipment(order)}/hand-over")

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/hand-over-refused")
    assert await stage.said() == []


async def test_a_refused_service_is_repaired_by_another_one(stage: Stage, client: httpx.AsyncClient) -> None:
    order = AnOrder()
    stage.carrier.on("prepare", CarrierRejected("service_not_offered", "service"))
    await stage.labelled(order)
    url = f"/v1/shipments/{await stage.shipment(order)}/repair"

    unconnected = await client.post(url, json={"carrier": "other", "service": "X:Y"})
    answer = await client.post(url, json={"service": "Parcel:Express", "box": {"weight_g": 900}})
    said = await stage.work()
    too_late = await client.post(url, json={})

    assert (unconnected.status_code, answer.status_code, too_late.status_code) == (422, 202, 409)
    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert (stage.carrier.requests[-1].service, stage.carrier.requests[-1].box.weight_g) == (
        "Parcel:Express",
        900,
    )


async def test_what_a_person_has_tried_again_still_follows_from_what_happened_to_the_order(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = AnOrder()
    for _ in range(2):
        stage.carrier.on("prepare", CarrierRejected("service_not_offered", "service"))
    await stage.labelled(order)
    url = f"/v1/shipments/{await stage.shipment(order)}/repair"
    for _ in range(2):
        await client.post(url, json={})
        await stage.work()

    causes = await stage.rows(
        "select distinct array_position(headers, 'ce_causationid') is null as missing from event_log"
    )

    assert [one.missing for one in causes] == [False]


async def test_missing_customs_facts_are_named_one_after_the_other_and_repaired_for_this_shipment(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = AnOrder(skus=("bare",), consignee=NEW_YORK)
    codes = []
    await stage.hear(order.created(), order.reserved())
    shipment = await stage.shipment(order)

    for repair in ({"weight_g": 50}, {"hs_code": "950300"}, {"origin_country": "CN"}):
        shown = (await client.get(f"/v1/shipments/{shipment}")).json()
        codes.append(shown["trouble_code"])
        await client.post(f"/v1/shipments/{shipment}/repair", json={"skus": {"bare": repair}})
    said = await stage.work()

    assert codes == ["missing_weight", "missing_hs_code", "missing_origin"]
    assert names(said)[-2:] == ["parcel.labelled", "parcel.shipped"]
    (item,) = stage.carrier.requests[-1].customs
    assert (item.hs_code, item.origin_country, item.unit_weight_g) == ("950300", "CN", 50)


async def lost_for_good(stage: Stage) -> AnOrder:
    order = AnOrder()
    stage.capabilities = Capabilities(can_find=False, can_void=True, void_is_async=False)
    stage.carrier.on("buy", Lost(done=True))
    await stage.labelled(order)
    return order


async def test_a_person_decides_that_a_label_was_not_bought_and_another_one_is(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = await lost_for_good(stage)
    url = f"/v1/shipments/{await stage.shipment(order)}/outcome"

    answer = await client.post(url, json={"outcome": "not_bought", "reason": "not in the portal"})
    said = await stage.work()
    again = await client.post(url, json={"outcome": "not_bought", "reason": "once more"})

    assert (answer.status_code, again.status_code) == (202, 409)
    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert await stage.labels(order) == ["dropped", "bought"]
    assert await stage.exceptions(order) == []


async def test_a_person_brings_the_label_of_a_carrier_that_cannot_be_asked(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = await lost_for_good(stage)
    label = {
        "carrier_ref": "portal-1",
        "carrier": "Scripted Post",
        "service": "Economy",
        "tracking_number": "BYHAND1",
        "media_type": "application/pdf",
        "content": base64.b64encode(b"%PDF-1.7 by hand").decode(),
    }

    answer = await client.post(
        f"/v1/shipments/{await stage.shipment(order)}/outcome",
        json={"outcome": "bought", "label": label, "reason": "found in the portal"},
    )
    said = await stage.work()

    assert answer.status_code == 202
    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert stage.carrier.calls.count("buy") == 1
    assert [one.state for one in await stage.rows("select state from job")] == ["done"]


async def test_a_person_names_the_id_and_the_carrier_is_asked_by_it(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = AnOrder()
    stage.carrier.on("buy", Lost(done=True))
    stage.carrier.on("find", CarrierRejected("NOT.FOUND"))
    await stage.labelled(order)
    (ref,) = stage.carrier.bought

    await client.post(
        f"/v1/shipments/{await stage.shipment(order)}/outcome",
        json={"outcome": "bought", "carrier_ref": ref, "reason": "it is this one"},
    )
    said = await stage.work()

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert stage.carrier.calls.count("buy") == 1


async def test_a_cancelled_unknown_outcome_is_answered_by_the_persons_decision(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = await lost_for_good(stage)
    assert await stage.hear(order.cancelled()) == []

    await client.post(
        f"/v1/shipments/{await stage.shipment(order)}/outcome",
        json={"outcome": "not_bought", "reason": "not in the portal"},
    )

    assert len(only(ShipmentCancelledV1, await stage.said()).allocation_ids) == 1


async def test_exceptions_say_what_to_do_and_are_closed_with_a_reason(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = AnOrder()
    await stage.labelled(order)
    await stage.hear(order.cancelled())

    (shown,) = (await client.get("/v1/exceptions", params={"code": "cancel_refused"})).json()["items"]
    url = f"/v1/exceptions/{shown['exception_id']}/resolution"
    answers = [
        (await client.post(url, json={"resolution": "recalled by phone"})).status_code for _ in range(2)
    ]

    assert "recall" in shown["next_step"]
    assert answers == [204, 404]
    assert (await client.get("/v1/exceptions")).json()["items"] == []


async def test_carrier_accounts_show_what_they_can_do_and_what_waits(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = AnOrder()
    await stage.hear(order.created(), order.reserved())

    (shown,) = (await client.get("/v1/carrier-accounts")).json()

    assert (shown["code"], shown["can_find"], shown["jobs_waiting"]) == ("scripted", True, 1)


async def test_another_merchant_sees_and_moves_nothing(stage: Stage, client: httpx.AsyncClient) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)
    shipment = await stage.shipment(order)
    token = await add_token(
        stage.database,
        name="stranger",
        merchant_id="other",
        scopes=["shipments:read", "shipments:write"],
    )
    client.headers["Authorization"] = f"Bearer {token}"

    answers = [
        await client.get(f"/v1/shipments/{shipment}"),
        await client.get(f"/v1/shipments/{shipment}/timeline"),
        await client.get(f"/v1/shipments/{shipment}/documents/{uuid4()}"),
        await client.post(f"/v1/shipments/{shipment}/hand-over"),
        await client.post(f"/v1/shipments/{shipment}/repair", json={}),
    ]

    assert [one.status_code for one in answers] == [404] * 5
    assert (await client.get("/v1/shipments")).json()["items"] == []
    assert await stage.states(order) == ["labelled"]
