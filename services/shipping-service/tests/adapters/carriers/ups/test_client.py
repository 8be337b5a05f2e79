"""The gateway against a real server that speaks UPS's API, keeps books and misbehaves when told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock_sandbox.ups.app import UpsSandbox, running_ups
from crossdock_sandbox.ups.office import UpsOptions
from shipping_service.adapters.carriers.ups import CARRIER
from shipping_service.adapters.carriers.ups.client import UpsGateway
from shipping_service.adapters.carriers.ups.tests.examples import (
    ACCOUNT,
    CLIENT,
    HAMBURG,
    MUGS,
    NEW_YORK,
    SECRET,
    a_domestic_request,
    a_request,
    the_settings,
)
from shipping_service.domain.consignment import Box, ConsignmentRequest, DocumentKind, TaxId, VoidOutcome
from shipping_service.domain.refusal import Remedy
from shipping_service.use_cases.ports import (
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    Prepared,
)

LYON = replace(HAMBURG, city="Lyon", country="FR", phone="+33 4 72 00 00 00")
CHICAGO = replace(NEW_YORK, name="Lumo", city="Chicago", province="IL", postal_code="60601")


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[UpsSandbox]:
    options = UpsOptions(login=f"{CLIENT}:{SECRET}", accounts=(ACCOUNT,))
    async with running_ups(tmp_path, options=options) as running:
        yield running


@pytest.fixture
async def control(sandbox: UpsSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as client:
        yield client


@pytest.fixture
async def gateway(sandbox: UpsSandbox) -> AsyncIterator[UpsGateway]:
    async with a_gateway(sandbox.base_url) as opened:
        yield opened


@asynccontextmanager
async def a_gateway(url: str, **settings: Any) -> AsyncIterator[UpsGateway]:
    gateway = UpsGateway(the_settings(**{"base_url": url, "timeout_s": 10} | settings))
    try:
        yield gateway
    finally:
        await gateway.close()


async def misbehave(control: httpx.AsyncClient, operation: str, mode: str, **more: Any) -> None:
    rule = {"operation": operation, "mode": mode, "times": 1, **more}
    (await control.put("/_sandbox/faults", json=[rule])).raise_for_status()


async def sold(control: httpx.AsyncClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await control.get("/_sandbox/books/shipments")).json()["rows"]
    return rows


async def calls(control: httpx.AsyncClient, operation: str) -> list[str]:
    """What each call of this kind came to."""
    rows = (await control.get(f"/_sandbox/books/calls?operation={operation}")).json()["rows"]
    return [row["outcome"] for row in rows]


# -- the way it should go


async def test_a_shipment_is_sold_with_label_invoice_and_our_price(
    gateway: UpsGateway, control: httpx.AsyncClient
) -> None:
    request = a_request()

    label = await gateway.buy(request, await gateway.prepare(request))

    assert [(one.kind, one.media_type) for one in label.documents] == [
        (DocumentKind.LABEL, "application/zpl"),
        (DocumentKind.COMMERCIAL_INVOICE, "application/pdf"),
    ]
    (row,) = await sold(control)
    assert (row["tracking_number"], row["account"]) == (label.tracking_number, ACCOUNT)
    assert label.cost_minor == int(row["price"].replace(".", ""))
    assert row["reference"] == "019aa7f05f6e7c3a9d7e0a1b2c3d4e5fN1"
    assert label.tracking_url == f"https://www.ups.com/track?tracknum={label.tracking_number}"


@pytest.mark.parametrize(
    ("request_", "settings"),
    [
        (a_domestic_request(), {}),
        (a_domestic_request(box=Box(weight_g=250)), {"label_format": "GIF"}),
        (a_domestic_request(service="65", ship_to=LYON), {}),
        (a_request(customs=(MUGS, replace(MUGS, sku="CUP", description="Porcelain cup"))), {}),
        (a_request(incoterm="DDP"), {"pays_duties": True}),
        (a_request(tax_ids=(TaxId("EORI", "DE123456789", of_sender=True), TaxId("SSN", "078051120"))), {}),
        (a_domestic_request(service="03", ship_from=CHICAGO, ship_to=NEW_YORK), {"units": "imperial"}),
        (
            a_request(
                ship_from=CHICAGO, ship_to=LYON, tax_ids=(TaxId("IOSS", "IM2760001234", of_sender=True),)
            ),
            {"units": "imperial"},
        ),
    ],
)
async def test_every_kind_of_shipment_is_taken(
    request_: ConsignmentRequest, settings: dict[str, Any], sandbox: UpsSandbox
) -> None:
    async with a_gateway(sandbox.base_url, **settings) as gateway:
        label = await gateway.buy(request_, await gateway.prepare(request_))

    wanted = {"ZPL": "application/zpl", "GIF": "image/gif"}[settings.get("label_format", "ZPL")]
    assert label.documents[0].media_type == wanted
    assert len(label.documents) == (2 if request_.customs else 1)


async def test_the_folder_offers_a_gateway_made_from_the_environment(
    sandbox: UpsSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "CLIENT_ID": CLIENT,
        "CLIENT_SECRET": SECRET,
        "ACCOUNT_NUMBER": ACCOUNT,
        "BASE_URL": sandbox.base_url,
    }.items():
        monkeypatch.setenv(f"CARRIER_UPS_{name}", value)

    assert CARRIER.open_gateway is not None
    gateway = CARRIER.open_gateway()
    label = await gateway.buy(a_request(), Prepared(None))
    await gateway.close()

    assert CARRIER.code == "ups"
    assert label.tracking_number.startswith(f"1Z{ACCOUNT}65")


# -- the token


async def test_many_calls_share_one_token(gateway: UpsGateway, control: httpx.AsyncClient) -> None:
    references = [f"{a_request().reference}{number}" for number in range(8)]
    await asyncio.gather(
        *(gateway.buy(replace(a_request(), reference=one[-35:]), Prepared(None)) for one in references)
    )

    assert await calls(control, "token.create") == ["ok"]
    assert len(await sold(control)) == 8


async def test_a_token_that_ended_early_costs_no_sale_and_makes_none_twice(
    gateway: UpsGateway, control: httpx.AsyncClient
) -> None:
    first = await gateway.buy(a_request(), Prepared(None))
    (await control.delete("/_sandbox/tokens")).raise_for_status()

    second = await gateway.buy(a_request(reference="another/1"), Prepared(None))

    assert [one["tracking_number"] for one in await sold(control)] == [
        first.tracking_number,
        second.tracking_number,
    ]
    assert await calls(control, "token.create") == ["ok", "ok"]


@pytest.mark.parametrize("mode", ["error_500", "throttle", "do_then_drop_connection"])
async def test_without_a_token_nothing_is_sold_and_later_is_fine(
    mode: str, gateway: UpsGateway, control: httpx.AsyncClient
) -> None:
    await misbehave(control, "token.create", mode)

    with pytest.raises(CarrierUnavailable):
        await gateway.buy(a_request(), Prepared(None))
    assert await sold(control) == []

    await gateway.buy(a_request(), Prepared(None))
    assert len(await sold(control)) == 1


# -- refusals


@pytest.mark.parametrize(
    ("request_", "code", "field", "remedy"),
    [
        (
            a_request(ship_to=replace(NEW_YORK, lines=("1 Refuse Address",))),
            "990002",
            "ship_to.city",
            Remedy.FIX_ADDRESS,
        ),
        (
            a_request(ship_to=replace(NEW_YORK, postal_code="100")),
            "990002",
            "ship_to.postal_code",
            Remedy.FIX_ADDRESS,
        ),
        (a_request(service="03"), "111210", "service", Remedy.CHOOSE_ANOTHER_SERVICE),
        (a_request(box=Box(weight_g=71_000)), "990002", None, Remedy.UNTRANSLATED),
        (a_request(customs=(replace(MUGS, hs_code="69"),)), "990001", None, Remedy.UNTRANSLATED),
    ],
)
async def test_a_refusal_says_what_to_mend_and_sells_nothing(
    request_: ConsignmentRequest,
    code: str,
    field: str | None,
    remedy: Remedy,
    gateway: UpsGateway,
    control: httpx.AsyncClient,
) -> None:
    with pytest.raises(CarrierRejected) as refused:
        await gateway.buy(request_, await gateway.prepare(request_))

    assert (refused.value.code, refused.value.field, refused.value.remedy) == (code, field, remedy)
    assert refused.value.words
    assert await sold(control) == []


async def test_what_cannot_be_right_is_refused_before_anything_is_sent(
    gateway: UpsGateway, control: httpx.AsyncClient
) -> None:
    with pytest.raises(CarrierRejected) as refused:
        await gateway.prepare(a_request(ship_to=replace(NEW_YORK, phone=None)))

    assert (refused.value.code, refused.value.field) == ("missing_phone", "ship_to.phone")
    assert (await control.get("/_sandbox/books/calls")).json()["rows"] == []


async def test_a_wrong_account_is_no_parcels_fault(sandbox: UpsSandbox) -> None:
    async with a_gateway(sandbox.base_url, account_number="XX9999") as gateway:
        with pytest.raises(CarrierMisconfigured, match=r"120100.*CARRIER_UPS_CLIENT_ID"):
            await gateway.buy(a_request(), Prepared(None))


async def test_a_wrong_address_of_theirs_is_no_parcels_fault(sandbox: UpsSandbox) -> None:
    async with a_gateway(sandbox.base_url, base_url=f"{sandbox.base_url}/elsewhere") as gateway:
        with pytest.raises(CarrierMisconfigured, match="BASE_URL"):
            await gateway.buy(a_request(), Prepared(None))


# -- nobody knows


@pytest.mark.parametrize(
    ("mode", "sold_then"),
    [("error_500", 0), ("hang", 0), ("answer_late", 1), ("do_then_drop_connection", 1)],
)
async def test_a_lost_answer_is_an_unknown_outcome_whether_or_not_it_was_sold(
    mode: str, sold_then: int, sandbox: UpsSandbox, control: httpx.AsyncClient
) -> None:
    await misbehave(control, "shipment.create", mode, delay_s=2)
    request = a_request()

    async with a_gateway(sandbox.base_url, timeout_s=0.7) as impatient:
        with pytest.raises(CarrierOutcomeUnknown) as unknown:
            await impatient.buy(request, Prepared(None))

    assert unknown.value.reference == request.reference
    assert len(await sold(control)) == sold_then


async def test_a_label_that_was_sold_is_got_again_by_our_reference_with_its_invoice(
    gateway: UpsGateway, control: httpx.AsyncClient
) -> None:
    await gateway.buy(a_request(reference="another/1"), Prepared(None))
    await misbehave(control, "shipment.create", "do_then_drop_connection")
    with pytest.raises(CarrierOutcomeUnknown):
        await gateway.buy(a_request(), Prepared(None))

    label = await gateway.find(a_request(), None)

    assert label is not None
    assert label.tracking_number == (await sold(control))[1]["tracking_number"]
    assert [one.kind for one in label.documents] == [DocumentKind.LABEL, DocumentKind.COMMERCIAL_INVOICE]
    assert label.cost_minor is None
    assert len(await sold(control)) == 2


async def test_at_home_in_the_us_a_label_is_got_again_by_the_packages_reference(sandbox: UpsSandbox) -> None:
    request = a_domestic_request(service="03", ship_from=CHICAGO, ship_to=NEW_YORK)

    async with a_gateway(sandbox.base_url, units="imperial") as gateway:
        bought = await gateway.buy(request, Prepared(None))
        found = await gateway.find(request, None)

    assert found is not None
    assert found.tracking_number == bought.tracking_number


async def test_a_person_may_name_the_number_of_the_label(gateway: UpsGateway) -> None:
    bought = await gateway.buy(a_request(reference="another/1"), Prepared(None))

    found = await gateway.find(a_request(), bought.tracking_number)

    assert found is not None
    assert found.tracking_number == bought.tracking_number


async def test_a_label_that_cannot_be_found_yet_is_not_taken_for_one_that_was_not_sold(
    tmp_path: Path,
) -> None:
    options = UpsOptions(login=f"{CLIENT}:{SECRET}", accounts=(ACCOUNT,), found_after_s=60)
    async with running_ups(tmp_path / "slow", options=options) as slow, a_gateway(slow.base_url) as gateway:
        await gateway.buy(a_request(), Prepared(None))

        with pytest.raises(CarrierOutcomeUnknown):
            await gateway.find(a_request(), None)


async def test_one_of_two_shipments_with_one_reference_is_not_chosen(gateway: UpsGateway) -> None:
    for _ in range(2):
        await gateway.buy(a_request(), Prepared(None))

    with pytest.raises(CarrierOutcomeUnknown):
        await gateway.find(a_request(), None)


@pytest.mark.parametrize("mode", ["error_500", "throttle", "do_then_drop_connection"])
async def test_asking_may_be_repeated(mode: str, gateway: UpsGateway, control: httpx.AsyncClient) -> None:
    bought = await gateway.buy(a_request(), Prepared(None))
    await misbehave(control, "label.recover", mode)

    with pytest.raises(CarrierUnavailable):
        await gateway.find(a_request(), None)
    found = await gateway.find(a_request(), None)

    assert found is not None
    assert found.tracking_number == bought.tracking_number


# -- taken back


async def test_a_label_is_taken_back_at_once_and_only_once(
    gateway: UpsGateway, control: httpx.AsyncClient
) -> None:
    label = await gateway.buy(a_request(), Prepared(None))

    outcomes = [await gateway.void(label.carrier_ref), await gateway.void_state(label.carrier_ref)]

    assert outcomes == [VoidOutcome.VOIDED] * 2
    assert await calls(control, "shipment.void") == ["ok", "refused:990004"]
    assert [bool(one["voided_at"]) for one in await sold(control)] == [True]


async def test_a_parcel_on_its_way_is_not_taken_back(gateway: UpsGateway, control: httpx.AsyncClient) -> None:
    label = await gateway.buy(a_request(), Prepared(None))
    scan = {"type": "I", "code": "OR"}
    (await control.post(f"/_sandbox/shipments/{label.tracking_number}/scan", json=scan)).raise_for_status()

    assert await gateway.void(label.carrier_ref) is VoidOutcome.REJECTED
    assert await gateway.void("../1Z unknown") is VoidOutcome.REJECTED


@pytest.mark.parametrize("mode", ["error_500", "throttle"])
async def test_a_void_whose_answer_is_lost_is_asked_for_again(
    mode: str, gateway: UpsGateway, control: httpx.AsyncClient
) -> None:
    label = await gateway.buy(a_request(), Prepared(None))
    await misbehave(control, "shipment.void", mode)

    with pytest.raises(CarrierUnavailable):
        await gateway.void(label.carrier_ref)

    assert await gateway.void(label.carrier_ref) is VoidOutcome.VOIDED
