"""From stock.reserved to parcel.shipped with EasyPost's sandbox behind real HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from crossdock_chassis.database import open_engine
from crossdock_chassis.migrations import upgrade
from crossdock_cli.embedded.templates import FreshDatabase
from crossdock_contracts.inventory import HandOver
from crossdock_contracts.shipping import ParcelLabelledV1, ShipmentCancelledV1, VoidState
from crossdock_sandbox.easypost.app import running_easypost
from crossdock_sandbox.easypost.office import EasyPostOptions
from shipping_service.adapters.carrier_registry import load_carriers
from shipping_service.adapters.carriers.easypost.client import EasyPostGateway
from shipping_service.adapters.carriers.easypost.settings import EasyPostSettings
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.ports import DomainSettings

from .conftest import MIGRATIONS
from .samples import NEW_YORK, AnOrder
from .stage import StageWith, names, only

CAPABILITIES = load_carriers(["easypost"])["easypost"].capabilities


@pytest.fixture
async def sandbox_url(tmp_path: Path) -> AsyncIterator[str]:
    """A running EasyPost that decides about a refund when a test says so."""
    async with running_easypost(tmp_path, options=EasyPostOptions(refund_delay_s=600)) as sandbox:
        yield sandbox.base_url


@pytest.fixture
async def stage(fresh_database: FreshDatabase, sandbox_url: str) -> AsyncIterator[StageWith[EasyPostGateway]]:
    urls = fresh_database("shipping", lambda owner_url: upgrade(MIGRATIONS, owner_url))
    assert CAPABILITIES is not None
    settings = DomainSettings({"easypost": CAPABILITIES}, timedelta(days=90))
    database = open_database(open_engine(urls.app_url), settings)
    gateway = EasyPostGateway(
        EasyPostSettings(api_key=SecretStr("EZTKsandbox000000000000"), base_url=sandbox_url)
    )
    stage = StageWith(database, urls, gateway, CAPABILITIES, "easypost")
    await stage.set_up("DHLExpress:DomesticExpress")
    yield stage
    await gateway.close()
    await database.dispose()


async def test_an_order_at_home_gets_its_label_and_leaves(stage: StageWith[EasyPostGateway]) -> None:
    order = AnOrder(skus=("mug", "cap"), units=2)

    said = await stage.labelled(order)

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    labelled = said[0]
    assert isinstance(labelled, ParcelLabelledV1)
    assert (labelled.carrier, labelled.service, labelled.weight_g) == ("dhl_express", "DomesticExpress", 800)
    assert labelled.cost is not None
    documents = await stage.rows("select content, media_type from document where kind = 'label'")
    assert [(one.content[:5], one.media_type) for one in documents] == [(b"%PDF-", "application/pdf")]
    topics = await stage.rows("select topic from event_log order by seq")
    assert [one.topic for one in topics] == ["parcel.labelled", "parcel.shipped"]


async def test_a_service_that_does_not_serve_the_lane_needs_a_person(
    stage: StageWith[EasyPostGateway],
) -> None:
    order = AnOrder(consignee=NEW_YORK)

    await stage.labelled(order)

    (row,) = await stage.rows("select trouble_code, trouble_field from shipment")
    assert row.trouble_code.startswith("service_not_offered")
    assert row.trouble_field == "service"
    assert await stage.exceptions(order) == ["shipment_rejected"]


async def test_an_order_over_a_border_is_declared_and_leaves(stage: StageWith[EasyPostGateway]) -> None:
    async with stage.database.transaction() as tx:
        (rule,) = await tx.rules.of("default")
    await stage.set_up("FedEx:INTERNATIONAL_ECONOMY")
    async with stage.database.transaction() as tx:
        await tx.rules.remove("default", rule.rule_id)

    said = await stage.labelled(AnOrder(consignee=NEW_YORK, units=3))

    assert names(said) == ["parcel.labelled", "parcel.shipped"]


async def test_an_answer_that_gets_lost_costs_one_label(
    stage: StageWith[EasyPostGateway], sandbox_url: str
) -> None:
    async with httpx.AsyncClient(base_url=sandbox_url) as control:
        rules = [{"operation": "shipment.buy", "mode": "do_then_drop_connection", "times": 1}]
        (await control.put("/_sandbox/faults", json=rules)).raise_for_status()

        said = await stage.labelled(AnOrder())
        fired = (await control.get("/_sandbox/faults")).json()

    assert names(said) == ["parcel.labelled", "parcel.shipped"]
    assert [one["fired"] for one in fired["faults"]] == [1]
    assert len(await stage.rows("select 1 from label")) == 1


async def test_a_cancelled_label_is_refunded(stage: StageWith[EasyPostGateway], sandbox_url: str) -> None:
    order = AnOrder(hand_over=HandOver.MANUAL)
    await stage.labelled(order)

    cancelled = only(ShipmentCancelledV1, await stage.hear(order.cancelled()))
    await stage.work()
    assert await stage.labels(order) == ["void_submitted"]
    (label,) = await stage.rows("select carrier_ref from label")
    async with httpx.AsyncClient(base_url=sandbox_url) as control:
        decided = await control.post(
            f"/_sandbox/shipments/{label.carrier_ref}/refund", json={"status": "refunded"}
        )
    decided.raise_for_status()
    async with stage.database.transaction() as tx:
        await tx.jobs.again("check_void", f"{await stage.shipment(order)}/1/1")
    await stage.work()

    assert cancelled.void is VoidState.PENDING
    assert await stage.labels(order) == ["voided"]
