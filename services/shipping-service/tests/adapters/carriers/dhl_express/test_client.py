"""The gateway against a real server that speaks MyDHL API, keeps books and misbehaves when told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from crossdock_sandbox.dhl_express.app import DhlExpressOptions, DhlExpressSandbox, running_dhl_express
from shipping_service.adapters.carriers.dhl_express import CARRIER
from shipping_service.adapters.carriers.dhl_express.client import DhlExpressGateway
from shipping_service.adapters.carriers.dhl_express.tests.examples import (
    ACCOUNT,
    DUTIES_ACCOUNT,
    HAMBURG,
    KEY,
    MUGS,
    NEW_YORK,
    SECRET,
    a_domestic_request,
    a_request,
    the_settings,
)
from shipping_service.domain.consignment import Box, ConsignmentRequest, DocumentKind, TaxId, VoidOutcome
from shipping_service.use_cases.ports import (
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    Prepared,
)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[DhlExpressSandbox]:
    options = DhlExpressOptions(login=f"{KEY}:{SECRET}", accounts=(ACCOUNT,))
    async with running_dhl_express(tmp_path, options=options) as running:
        yield running


@pytest.fixture
async def control(sandbox: DhlExpressSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as client:
        yield client


@pytest.fixture
async def gateway(sandbox: DhlExpressSandbox) -> AsyncIterator[DhlExpressGateway]:
    async with a_gateway(sandbox.base_url) as opened:
        yield opened


@asynccontextmanager
async def a_gateway(url: str, **settings: Any) -> AsyncIterator[DhlExpressGateway]:
    given: dict[str, Any] = {"base_url": f"{url}/mydhlapi", "timeout_s": 10} | settings
    gateway = DhlExpressGateway(the_settings(**given))
    try:
        yield gateway
    finally:
        await gateway.close()


async def misbehave(control: httpx.AsyncClient, mode: str, **more: Any) -> None:
    rule = {"operation": "shipment.create", "mode": mode, "times": 1}
    answer = await control.put("/_sandbox/faults", json=[rule | more])
    assert answer.is_success, answer.text


async def labels_sold(control: httpx.AsyncClient) -> list[dict[str, Any]]:
    """What they will charge for, as their books say."""
    rows: list[dict[str, Any]] = (await control.get("/_sandbox/books/shipments")).json()["rows"]
    return rows


# -- the way it should go


async def test_a_label_across_a_border_is_bought_in_one_call(
    gateway: DhlExpressGateway, control: httpx.AsyncClient
) -> None:
    request = a_request(tax_ids=(TaxId("EIN", "12-3456789"),))

    prepared = await gateway.prepare(request)
    label = await gateway.buy(request, prepared)

    assert prepared == Prepared(None)
    assert label.carrier_ref == label.tracking_number
    assert (label.carrier, label.service) == ("dhl_express", "P")
    assert (label.cost_currency, label.cost_exponent) == ("EUR", 2)
    assert [(one.kind, one.media_type) for one in label.documents] == [
        (DocumentKind.LABEL, "application/pdf"),
        (DocumentKind.COMMERCIAL_INVOICE, "application/pdf"),
    ]
    assert b"691110" in label.documents[1].content
    (sold,) = await labels_sold(control)
    assert sold["tracking_number"] == label.tracking_number
    assert sold["reference"] == sold["message_reference"] == "019aa7f05f6e7c3a9d7e0a1b2c3d4e5f/1"


@pytest.mark.parametrize(
    "request_",
    [
        a_domestic_request(),
        a_domestic_request(box=Box(weight_g=250)),
        a_domestic_request(service="U", ship_to=replace(HAMBURG, city="Lyon", country="FR")),
        a_request(service="P:P", customs=(MUGS, replace(MUGS, sku="CUP", description="Porcelain cup"))),
        a_request(tax_ids=(TaxId("IOSS", "IM2760001234"), TaxId("EORI", "DE123456789", of_sender=True))),
    ],
)
async def test_every_kind_of_shipment_is_taken(
    request_: ConsignmentRequest, gateway: DhlExpressGateway
) -> None:
    label = await gateway.buy(request_, await gateway.prepare(request_))

    assert label.documents[0].kind is DocumentKind.LABEL
    assert len(label.documents) == (2 if request_.customs else 1)


async def test_duties_are_paid_where_there_is_an_account_for_them(sandbox: DhlExpressSandbox) -> None:
    request = a_request(incoterm="DDP")

    async with a_gateway(sandbox.base_url, duties_account_number=DUTIES_ACCOUNT) as gateway:
        label = await gateway.buy(request, await gateway.prepare(request))

    assert label.tracking_number


async def test_a_thermal_label_comes_where_that_is_set_and_its_invoice_as_pdf(
    sandbox: DhlExpressSandbox,
) -> None:
    request = a_request()
    async with a_gateway(sandbox.base_url, label_format="ZPL", label_dpi="200") as gateway:
        label = await gateway.buy(request, await gateway.prepare(request))

    assert [one.media_type for one in label.documents] == ["application/zpl", "application/pdf"]


async def test_the_folder_offers_a_gateway_made_from_the_environment(
    sandbox: DhlExpressSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "API_KEY": KEY,
        "API_SECRET": SECRET,
        "ACCOUNT_NUMBER": ACCOUNT,
        "TIME_ZONE": "Europe/Berlin",
        "BASE_URL": f"{sandbox.base_url}/mydhlapi",
    }.items():
        monkeypatch.setenv(f"CARRIER_DHL_EXPRESS_{name}", value)

    assert CARRIER.open_gateway is not None
    gateway = CARRIER.open_gateway()
    label = await gateway.buy(a_request(), Prepared(None))
    await gateway.close()

    assert CARRIER.code == "dhl_express"
    assert label.tracking_number


def test_it_is_said_that_nothing_can_be_found_or_taken_back() -> None:
    assert CARRIER.capabilities is not None
    assert not CARRIER.capabilities.can_find
    assert not CARRIER.capabilities.can_void
    assert not CARRIER.capabilities.pays_once


async def test_who_asks_all_the_same_is_told_neither_sold_nor_voided(gateway: DhlExpressGateway) -> None:
    with pytest.raises(CarrierRejected, match="cannot_be_asked"):
        await gateway.find(a_request(), None)

    assert await gateway.void("1234567891") is VoidOutcome.REJECTED
    assert await gateway.void_state("1234567891") is VoidOutcome.REJECTED


# -- refusals


@pytest.mark.parametrize(
    ("request_", "code", "field"),
    [
        (
            a_request(ship_to=replace(NEW_YORK, lines=("1 Refuse address",))),
            "invalid",
            "ship_to.city",
        ),
        (a_request(ship_to=replace(NEW_YORK, postal_code=None)), "invalid", "ship_to.postal_code"),
        (
            a_request(ship_to=replace(NEW_YORK, province="N")),
            "invalid: expected minLength: 2, actual: 1",
            "ship_to.province",
        ),
        (a_request(service="N"), "invalid", "service"),
        (a_request(service="D"), "invalid", "service"),
        (
            a_request(customs=(replace(MUGS, description="Unique machinery"),)),
            "7147: description matches a keyword, update it",
            "customs",
        ),
        (a_request(customs=(replace(MUGS, hs_code="6911"),)), "invalid", "customs.0.hs_code"),
        (a_request(box=Box(weight_g=71_000)), "invalid", "box.weight_g"),
        (a_request(customs=(), incoterm=None), "invalid", "customs"),
    ],
)
async def test_a_refusal_says_what_to_mend_and_sells_nothing(
    request_: ConsignmentRequest,
    code: str,
    field: str,
    gateway: DhlExpressGateway,
    control: httpx.AsyncClient,
) -> None:
    prepared = await gateway.prepare(request_)

    with pytest.raises(CarrierRejected) as refused:
        await gateway.buy(request_, prepared)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert await labels_sold(control) == []


async def test_a_service_that_the_account_may_not_use_wants_another_service(
    gateway: DhlExpressGateway, control: httpx.AsyncClient
) -> None:
    await misbehave(control, "refuse")

    with pytest.raises(CarrierRejected) as refused:
        await gateway.buy(a_request(), Prepared(None))

    assert (refused.value.code, refused.value.field) == (
        "8003: account not allowed for this service",
        "service",
    )


async def test_what_cannot_be_right_is_refused_before_anything_is_sent(
    gateway: DhlExpressGateway, control: httpx.AsyncClient
) -> None:
    with pytest.raises(CarrierRejected) as refused:
        await gateway.prepare(a_request(ship_to=replace(NEW_YORK, phone=None)))

    assert (refused.value.code, refused.value.field) == ("missing_phone", "ship_to.phone")
    assert (await control.get("/_sandbox/books/calls")).json()["rows"] == []


# -- nothing was sold


async def test_being_asked_to_slow_down_is_no_outcome(
    gateway: DhlExpressGateway, control: httpx.AsyncClient
) -> None:
    await misbehave(control, "throttle")

    with pytest.raises(CarrierUnavailable):
        await gateway.buy(a_request(), Prepared(None))
    label = await gateway.buy(a_request(), Prepared(None))

    assert [one["tracking_number"] for one in await labels_sold(control)] == [label.tracking_number]


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with a_gateway("http://127.0.0.1:1") as gateway:
        with pytest.raises(CarrierUnavailable, match="not reached"):
            await gateway.buy(a_request(), Prepared(None))


# -- nobody knows


@pytest.mark.parametrize(
    ("mode", "sold"),
    [("error_500", 0), ("hang", 0), ("answer_late", 1), ("do_then_drop_connection", 1)],
)
async def test_a_lost_answer_is_an_unknown_outcome_whether_or_not_it_was_sold(
    mode: str, sold: int, sandbox: DhlExpressSandbox, control: httpx.AsyncClient
) -> None:
    await misbehave(control, mode, delay_s=2)
    request = a_request()

    async with a_gateway(sandbox.base_url, timeout_s=0.5) as impatient:
        with pytest.raises(CarrierOutcomeUnknown) as unknown:
            await impatient.buy(request, Prepared(None))

    assert unknown.value.reference == request.reference
    assert len(await labels_sold(control)) == sold


# -- a person has to look


async def test_a_wrong_login_is_no_parcels_fault(
    sandbox: DhlExpressSandbox, control: httpx.AsyncClient
) -> None:
    async with a_gateway(sandbox.base_url, api_secret=SecretStr("guessed")) as gateway:
        with pytest.raises(CarrierMisconfigured, match="CARRIER_DHL_EXPRESS_API_KEY") as stopped:
            await gateway.buy(a_request(), Prepared(None))

    assert "guessed" not in str(stopped.value)
    assert await labels_sold(control) == []


async def test_a_wrong_account_is_no_parcels_fault(sandbox: DhlExpressSandbox) -> None:
    async with a_gateway(sandbox.base_url, account_number="111111111") as gateway:
        with pytest.raises(CarrierMisconfigured, match="CARRIER_DHL_EXPRESS_ACCOUNT_NUMBER"):
            await gateway.buy(a_request(), Prepared(None))


async def test_a_wrong_address_of_theirs_is_no_parcels_fault(sandbox: DhlExpressSandbox) -> None:
    async with a_gateway(sandbox.base_url, base_url=f"{sandbox.base_url}/mydhlapi/v2") as gateway:
        with pytest.raises(CarrierMisconfigured, match="BASE_URL"):
            await gateway.buy(a_request(), Prepared(None))
