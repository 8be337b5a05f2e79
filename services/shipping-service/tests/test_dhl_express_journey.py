"""From stock.reserved to parcel.shipped with DHL Express's sandbox behind real HTTP."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from crossdock_chassis.database import open_engine
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_contracts.envelope import Actor, ActorKind
from crossdock_contracts.inventory import HandOver
from crossdock_contracts.shipping import (
    ParcelLabelledV1,
    ShipmentCancelledV1,
    ShipmentRejectedV1,
    VoidState,
)
from crossdock_sandbox.dhl_express.app import running_dhl_express
from shipping_service.adapters.carrier_registry import load_carriers
from shipping_service.adapters.carriers.dhl_express.client import DhlExpressGateway
from shipping_service.adapters.carriers.dhl_express.settings import DhlExpressSettings
from shipping_service.adapters.carriers.dhl_express.tracker import BATCH_SIZE, DhlExpressTracker
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.decide_outcome import Decision, decide_outcome
from shipping_service.use_cases.ports import DomainSettings
from shipping_service.use_cases.tracking_port import Tracking

from .conftest import MIGRATIONS
from .samples import MERCHANT, NEW_YORK, AnOrder
from .stage import StageWith, names, only

CAPABILITIES = load_carriers(["dhl_express"])["dhl_express"].capabilities
A_PERSON = Actor(kind=ActorKind.PERSON, name="Kim")

Stage = StageWith[DhlExpressGateway]


@pytest.fixture
async def sandbox_url(tmp_path: Path) -> AsyncIterator[str]:
    async with running_dhl_express(tmp_path) as sandbox:
        yield sandbox.base_url


@pytest.fixture
async def control(sandbox_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox_url, trust_env=False) as client:
        yield client


@pytest.fixture
async def stage(fresh_database: FreshDatabase, sandbox_url: str) -> AsyncIterator[Stage]:
    urls = fresh_database("shipping", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    assert CAPABILITIES is not None
    settings = DomainSettings({"dhl_express": CAPABILITIES}, timedelta(days=90), trackers={"dhl_express"})
    database = open_database(open_engine(urls.app_url), settings)
    gateway_settings = DhlExpressSettings(
        api_key=SecretStr("cd-demo-key"),
        api_secret=SecretStr("cd-demo-secret"),
        account_number="123456789",
        base_url=f"{sandbox_url}/mydhlapi",
        time_zone="Europe/Berlin",
    )
    gateway = DhlExpressGateway(gateway_settings)
    stage = StageWith(database, urls, gateway, CAPABILITIES, "dhl_express")
    tracker = DhlExpressTracker(gateway_settings)
    stage.tracking = Tracking(codes={}, open_tracker=lambda: tracker, batch_size=BATCH_SIZE)
    await stage.set_up("P")
    yield stage
    await tracker.close()
    await gateway.close()
    await database.dispose()


async def labels_sold(control: httpx.AsyncClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await control.get("/_sandbox/books/shipments")).json()["rows"]
    return rows


async def lose_an_answer(control: httpx.AsyncClient) -> None:
    rule = {"operation": "shipment.create", "mode": "do_then_drop_connection", "times": 1}
    (await control.put("/_sandbox/faults", json=[rule])).raise_for_status()


async def decide(stage: Stage, order: AnOrder, **decision: Any) -> None:
    shipment_id = await stage.shipment(order)
    async with stage.database.transaction() as tx:
        await decide_outcome(Decision(MERCHANT, shipment_id, A_PERSON, **decision), tx=tx)


async def test_an_order_over_a_border_is_declared_labelled_and_leaves(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    said = await stage.labelled(AnOrder(consignee=NEW_YORK, skus=("mug", "cap"), units=2))

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    labelled = said[0]
    assert isinstance(labelled, ParcelLabelledV1)
    assert (labelled.carrier, labelled.service, labelled.weight_g) == ("dhl_express", "P", 800)
    assert labelled.cost is not None
    assert [one["tracking_number"] for one in await labels_sold(control)] == [labelled.tracking_number]
    documents = await stage.rows("select kind, media_type from document order by kind")
    assert [tuple(one) for one in documents] == [
        ("commercial_invoice", "application/pdf"),
        ("label", "application/pdf"),
    ]


async def test_a_service_that_does_not_serve_the_lane_needs_a_person(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    order = AnOrder()

    rejected = only(ShipmentRejectedV1, await stage.labelled(order))

    assert (rejected.code, rejected.field) == ("invalid", "service")
    assert await stage.states(order) == ["needs_repair"]
    assert await labels_sold(control) == []


async def test_a_lost_answer_waits_for_a_person_and_is_never_bought_again(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    order = AnOrder(consignee=NEW_YORK)
    await lose_an_answer(control)

    said = await stage.labelled(order)
    async with stage.database.transaction() as tx:
        await tx.jobs.again("buy_label", f"{await stage.shipment(order)}/1")
    said += await stage.work()

    assert said == []
    assert await stage.states(order) == ["outcome_unknown"]
    assert await stage.labels(order) == ["unknown"]
    assert await stage.exceptions(order) == ["label_outcome_unknown"]
    assert [one.state for one in await stage.rows("select state from job")] == ["needs_person"]
    assert len(await labels_sold(control)) == 1


async def test_a_process_that_died_in_the_middle_of_the_sale_does_not_buy_again(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    order = AnOrder(consignee=NEW_YORK)
    await stage.hear(order.created(), order.reserved())
    async with stage.database.engine.begin() as connection:
        await connection.exec_driver_sql("update label set state = 'paying'")
        await connection.exec_driver_sql("update job set unknown_since = now()")

    said = await stage.work()

    assert said == []
    assert await stage.states(order) == ["outcome_unknown"]
    assert [one.state for one in await stage.rows("select state from job")] == ["needs_person"]
    assert await labels_sold(control) == []


async def test_a_person_who_knows_that_nothing_was_sold_lets_it_be_bought(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    order = AnOrder(consignee=NEW_YORK)
    rule = {"operation": "shipment.create", "mode": "error_500", "times": 1}
    (await control.put("/_sandbox/faults", json=[rule])).raise_for_status()
    await stage.labelled(order)

    await decide(stage, order)
    said = await stage.work()

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    references = [one["reference"] for one in await labels_sold(control)]
    assert references == [f"{(await stage.shipment(order)).hex}/2"]


async def test_a_cancelled_label_is_given_up_and_shown_because_dhl_takes_none_back(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    order = AnOrder(consignee=NEW_YORK, hand_over=HandOver.MANUAL)
    await stage.labelled(order)

    cancelled = only(ShipmentCancelledV1, await stage.hear(order.cancelled()))
    await stage.work()

    assert cancelled.void is VoidState.ABANDONED
    assert await stage.labels(order) == ["abandoned"]
    assert await stage.exceptions(order) == ["label_not_voided"]
    calls = (await control.get("/_sandbox/books/calls")).json()["rows"]
    assert [one["operation"] for one in calls] == ["shipment.create"]


# -- on the way


async def shipped(stage: Stage) -> tuple[AnOrder, str]:
    """An order that has left over a border, and its waybill."""
    order = AnOrder(consignee=NEW_YORK)
    await stage.labelled(order)
    (row,) = await stage.rows(
        "select tracking_number from followed_parcel where order_id = :id", id=order.order_id
    )
    return order, str(row.tracking_number)


async def scan(control: httpx.AsyncClient, number: str, code: str, hours_ago: float, **more: Any) -> None:
    at = (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()
    body = {"type_code": code, "at": at, **more}
    (await control.post(f"/_sandbox/shipments/{number}/scan", json=body)).raise_for_status()


async def test_parcels_are_asked_about_together_and_end_as_dhl_says(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    (one, first), (other, second) = await shipped(stage), await shipped(stage)
    await scan(control, first, "PU", 30)
    await scan(control, first, "OK", 2, place="New York", country="US", copies=2)
    await scan(control, second, "PU", 30)
    await scan(control, second, "CD", 26, place="New York", country="US")

    said = [*await stage.ask(), *await stage.ask()]

    calls = (await control.get("/_sandbox/books/calls")).json()["rows"]
    assert [one["operation"] for one in calls].count("shipment.track") == 2
    assert sorted(names(said)) == ["parcel.delivered", "parcel.exception", *["parcel.tracked"] * 4]
    assert await stage.states(one) == ["closed"]
    assert await stage.states(other) == ["handed_over"]
    assert await stage.exceptions(other) == ["parcel_customs_hold"]


async def test_a_delivery_in_the_country_it_comes_from_is_no_delivery(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    order, number = await shipped(stage)
    await scan(control, number, "OK", 2, place="Leipzig", country="DE")

    said = await stage.ask()

    assert names(said) == ["parcel.tracked", "parcel.exception"]
    assert await stage.exceptions(order) == ["parcel_exception"]


async def test_a_list_that_is_refused_for_one_of_its_numbers_is_asked_for_in_halves(
    stage: Stage, control: httpx.AsyncClient
) -> None:
    numbers = [(await shipped(stage))[1] for _ in range(3)]
    for number in numbers:
        await scan(control, number, "PU", 1)
    rule = {"operation": "shipment.track", "mode": "refuse", "match": numbers[0]}
    (await control.put("/_sandbox/faults", json=[rule])).raise_for_status()

    said = await stage.ask()

    assert names(said) == ["parcel.tracked"] * 2
    (bad,) = await stage.rows("select tracking_number from followed_parcel where failures = 1")
    assert bad.tracking_number == numbers[0]


async def test_trouble_of_dhl_is_waited_out(stage: Stage, control: httpx.AsyncClient) -> None:
    _, number = await shipped(stage)
    await scan(control, number, "PU", 1)
    modes = ["error_500", "throttle", "do_then_drop_connection"]
    rules = [{"operation": "shipment.track", "mode": mode, "times": 1} for mode in modes]
    (await control.put("/_sandbox/faults", json=rules)).raise_for_status()

    said = await stage.ask()

    assert names(said) == ["parcel.tracked"]
