"""The gateway against a real server that speaks EasyPost's API, keeps books and misbehaves when told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from crossdock_sandbox.easypost.app import EasyPostSandbox, running_easypost
from crossdock_sandbox.easypost.office import EasyPostOptions
from shipping_service.adapters.carriers.easypost import CARRIER
from shipping_service.adapters.carriers.easypost.client import EasyPostGateway
from shipping_service.adapters.carriers.easypost.settings import EasyPostSettings
from shipping_service.adapters.carriers.easypost.tests.examples import (
    BERLIN,
    BOSTON,
    a_domestic_request,
    a_request,
)
from shipping_service.domain.consignment import DocumentKind, TaxId, VoidOutcome
from shipping_service.use_cases.ports import (
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    Prepared,
)

KEY = "EZTKexampleKey000000"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[EasyPostSandbox]:
    options = EasyPostOptions(api_keys=(KEY,), refund_delay_s=60)
    async with running_easypost(tmp_path, options=options) as running:
        yield running


@pytest.fixture
async def control(sandbox: EasyPostSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as client:
        yield client


@pytest.fixture
async def gateway(sandbox: EasyPostSandbox) -> AsyncIterator[EasyPostGateway]:
    async with a_gateway(sandbox.base_url) as opened:
        yield opened


@asynccontextmanager
async def a_gateway(base_url: str, **settings: Any) -> AsyncIterator[EasyPostGateway]:
    given: dict[str, Any] = {"api_key": SecretStr(KEY), "base_url": base_url, "timeout_s": 10} | settings
    gateway = EasyPostGateway(EasyPostSettings(**given))
    try:
        yield gateway
    finally:
        await gateway.close()


async def misbehave(control: httpx.AsyncClient, operation: str, mode: str, **more: Any) -> None:
    answer = await control.put("/_sandbox/faults", json=[{"operation": operation, "mode": mode, **more}])
    assert answer.is_success, answer.text


async def calls(control: httpx.AsyncClient, operation: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await control.get(f"/_sandbox/books/calls?operation={operation}")).json()[
        "rows"
    ]
    return rows


async def labels_paid(control: httpx.AsyncClient) -> int:
    """How many purchases went through, as their books say."""
    return sum(call["outcome"] == "ok" for call in await calls(control, "shipment.buy"))


# -- the way it should go


async def test_a_label_across_a_border_is_bought(
    gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    request = a_request(incoterm="DAP", tax_ids=(TaxId("IOSS", "IM2760001234", of_sender=True),))

    prepared = await gateway.prepare(request)
    label = await gateway.buy(request, prepared)

    assert label.carrier_ref == prepared.carrier_ref
    assert (label.carrier, label.service) == ("usps", "FirstClassPackageInternationalService")
    assert label.tracking_number.startswith("LZ")
    assert (label.cost_minor, label.cost_currency, label.cost_exponent) == (1988, "USD", 2)
    assert label.tracker_ref is not None
    [document] = label.documents
    assert (document.kind, document.media_type) == (DocumentKind.LABEL, "application/pdf")
    assert document.content.startswith(b"%PDF-")
    assert [call["reference"] for call in await calls(control, "shipment.buy")] == [request.reference]


async def test_the_folder_offers_a_gateway_made_from_the_environment(
    sandbox: EasyPostSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARRIER_EASYPOST_API_KEY", KEY)
    monkeypatch.setenv("CARRIER_EASYPOST_BASE_URL", sandbox.base_url)

    assert CARRIER.open_gateway is not None
    gateway = CARRIER.open_gateway()
    prepared = await gateway.prepare(a_request())
    await gateway.close()

    assert CARRIER.code == "easypost"
    assert prepared.carrier_ref is not None
    assert prepared.carrier_ref.startswith("shp_")


async def test_a_domestic_label_comes_as_png_where_that_is_set(sandbox: EasyPostSandbox) -> None:
    request = a_domestic_request()
    async with a_gateway(sandbox.base_url, label_format="PNG") as gateway:
        label = await gateway.buy(request, await gateway.prepare(request))

    assert label.documents[0].media_type == "image/png"


async def test_buying_again_gives_the_same_label_and_pays_once(
    gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    request = a_request()
    prepared = await gateway.prepare(request)

    first = await gateway.buy(request, prepared)
    second = await gateway.buy(request, prepared)

    assert first == second
    assert await labels_paid(control) == 1


async def test_what_is_not_bought_is_not_found(gateway: EasyPostGateway) -> None:
    request = a_request()
    prepared = await gateway.prepare(request)

    assert await gateway.find(request, prepared.carrier_ref) is None
    assert await gateway.find(request, None) is None


async def test_buying_without_a_prepared_shipment_is_refused(gateway: EasyPostGateway) -> None:
    with pytest.raises(CarrierRejected, match="not_prepared"):
        await gateway.buy(a_request(), Prepared(None))


# -- refusals


async def test_an_unserved_destination_is_refused_before_anything_is_paid(
    gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    request = a_request(ship_to=replace(BERLIN, lines=("Refuse at rate 1",)))

    with pytest.raises(CarrierRejected) as refused:
        await gateway.prepare(request)

    assert refused.value.code == "no_rates: USPS rate_error"
    assert await calls(control, "shipment.buy") == []


async def test_a_service_that_is_not_offered_is_refused_with_those_that_are(
    gateway: EasyPostGateway,
) -> None:
    with pytest.raises(CarrierRejected) as refused:
        await gateway.prepare(a_domestic_request(service="USPS:Teleport"))

    assert refused.value.field == "service"
    assert "USPS:GroundAdvantage" in refused.value.code


async def test_a_bad_address_is_refused_by_our_field(gateway: EasyPostGateway) -> None:
    with pytest.raises(CarrierRejected) as refused:
        await gateway.prepare(a_domestic_request(ship_to=replace(BOSTON, postal_code=None)))

    assert (refused.value.code, refused.value.field) == (
        "ADDRESS.PARAMETERS.INVALID",
        "ship_to.postal_code",
    )


async def test_a_refusal_at_the_purchase_keeps_its_code_and_nothing_personal(
    gateway: EasyPostGateway,
) -> None:
    request = a_request(ship_to=replace(BERLIN, lines=("Refuse at buy 7",)))
    prepared = await gateway.prepare(request)

    with pytest.raises(CarrierRejected) as refused:
        await gateway.buy(request, prepared)

    assert (refused.value.code, refused.value.field) == ("SHIPMENT.POSTAGE.FAILURE", "ship_to.lines")
    assert "Refuse at buy" not in repr(refused.value)
    assert await gateway.find(request, prepared.carrier_ref) is None


async def test_the_offer_of_a_moment_ago_is_bought_without_another_look(
    gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    request = a_request()

    await gateway.buy(request, await gateway.prepare(request))
    looked = len(await calls(control, "shipment.get"))
    await gateway.buy(request, without_offer(await gateway.prepare(request)))

    assert looked == 0
    assert len(await calls(control, "shipment.get")) == 1
    assert await labels_paid(control) == 2


def without_offer(prepared: Prepared) -> Prepared:
    """As it is known after a restart."""
    return Prepared(prepared.carrier_ref)


# -- nothing was sent, or nothing was done


@pytest.mark.parametrize("operation", ["shipment.create", "shipment.get", "shipment.buy"])
async def test_being_asked_to_slow_down_is_no_outcome(
    operation: str, gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    await misbehave(control, operation, "throttle", times=1)
    request = a_request()

    with pytest.raises(CarrierUnavailable):
        await gateway.buy(request, without_offer(await gateway.prepare(request)))

    label = await gateway.buy(request, await gateway.prepare(request))
    assert label.tracking_number
    assert await labels_paid(control) == 1


async def test_a_server_that_is_not_there_is_unavailable(sandbox: EasyPostSandbox) -> None:
    async with a_gateway("http://127.0.0.1:1") as gateway:
        with pytest.raises(CarrierUnavailable, match="not reached"):
            await gateway.prepare(a_request())
        with pytest.raises(CarrierUnavailable, match="not reached"):
            await gateway.buy(a_request(), Prepared("shp_1"))


@pytest.mark.parametrize("mode", ["error_500", "hang", "do_then_drop_connection"])
async def test_a_creation_without_an_answer_is_made_again_because_it_costs_nothing(
    mode: str, sandbox: EasyPostSandbox, control: httpx.AsyncClient
) -> None:
    await misbehave(control, "shipment.create", mode, times=1)
    request = a_request()

    async with a_gateway(sandbox.base_url, timeout_s=0.5) as impatient:
        with pytest.raises(CarrierUnavailable):
            await impatient.prepare(request)
    async with a_gateway(sandbox.base_url) as gateway:
        label = await gateway.buy(request, await gateway.prepare(request))

    assert label.tracking_number
    assert await labels_paid(control) == 1


# -- nobody knows


async def test_a_purchase_whose_answer_is_lost_is_found_and_paid_once(
    gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    request = a_request()
    prepared = await gateway.prepare(request)
    await misbehave(control, "shipment.buy", "do_then_drop_connection", times=1)

    with pytest.raises(CarrierOutcomeUnknown) as unknown:
        await gateway.buy(request, prepared)
    found = await gateway.find(request, prepared.carrier_ref)

    assert unknown.value.reference == request.reference
    assert found is not None
    assert found == await gateway.buy(request, prepared)
    assert await labels_paid(control) == 1


async def test_a_purchase_answered_too_late_is_found(
    sandbox: EasyPostSandbox, gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    request = a_request()
    prepared = await gateway.prepare(request)
    await misbehave(control, "shipment.buy", "answer_late", times=1, delay_s=2)

    async with a_gateway(sandbox.base_url, timeout_s=0.5) as impatient:
        with pytest.raises(CarrierOutcomeUnknown):
            await impatient.buy(request, prepared)

    assert await gateway.find(request, prepared.carrier_ref) is not None


@pytest.mark.parametrize("mode", ["error_500", "hang"])
async def test_a_purchase_that_was_not_made_is_unknown_then_not_found_then_made(
    mode: str, sandbox: EasyPostSandbox, gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    request = a_request()
    prepared = await gateway.prepare(request)
    await misbehave(control, "shipment.buy", mode, times=1)

    async with a_gateway(sandbox.base_url, timeout_s=0.5) as impatient:
        with pytest.raises(CarrierOutcomeUnknown):
            await impatient.buy(request, prepared)
    found = await gateway.find(request, prepared.carrier_ref)
    label = await gateway.buy(request, prepared)

    assert found is None
    assert label.tracking_number
    assert await labels_paid(control) == 1


@pytest.mark.parametrize("mode", ["error_500", "do_then_drop_connection", "throttle"])
async def test_asking_without_an_answer_is_never_taken_for_not_bought(
    mode: str, gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    request = a_request()
    carrier_ref = await bought(gateway)

    await misbehave(control, "shipment.get", mode)

    with pytest.raises(CarrierUnavailable):
        await gateway.find(request, carrier_ref)
    with pytest.raises(CarrierUnavailable):
        await gateway.void_state(carrier_ref)


# -- taking it back


async def test_a_refund_is_submitted_asked_about_and_paid(
    gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    carrier_ref = await bought(gateway)

    asked = await gateway.void(carrier_ref)
    asked_again = await gateway.void(carrier_ref)
    meanwhile = await gateway.void_state(carrier_ref)
    await decide(control, carrier_ref, "refunded")

    assert asked is asked_again is meanwhile is VoidOutcome.SUBMITTED
    assert await gateway.void_state(carrier_ref) is VoidOutcome.VOIDED
    assert await gateway.void(carrier_ref) is VoidOutcome.VOIDED
    assert len(await calls(control, "shipment.refund")) == 1


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [("rejected", VoidOutcome.REJECTED), ("not_applicable", VoidOutcome.NOT_APPLICABLE)],
)
async def test_a_refund_that_ends_otherwise_says_how(
    decision: str, outcome: VoidOutcome, gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    carrier_ref = await bought(gateway)
    await gateway.void(carrier_ref)

    await decide(control, carrier_ref, decision)

    assert await gateway.void_state(carrier_ref) is outcome


async def test_a_rejected_refund_can_be_asked_for_again(
    gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    carrier_ref = await bought(gateway)
    await gateway.void(carrier_ref)
    await decide(control, carrier_ref, "rejected")

    assert await gateway.void(carrier_ref) is VoidOutcome.SUBMITTED


async def test_a_scanned_parcel_is_not_refunded(gateway: EasyPostGateway, control: httpx.AsyncClient) -> None:
    request = a_request()
    label = await gateway.buy(request, await gateway.prepare(request))
    await control.post(
        f"/_sandbox/trackers/{label.tracking_number}/advance", json={"status": "in_transit", "webhook": False}
    )

    assert await gateway.void(label.carrier_ref) is VoidOutcome.REJECTED


async def test_a_shipment_never_bought_has_nothing_to_refund(
    gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    ref = (await gateway.prepare(a_request())).carrier_ref

    assert await gateway.void(ref or "") is VoidOutcome.NOT_APPLICABLE
    assert await gateway.void_state(ref or "") is VoidOutcome.NOT_APPLICABLE
    assert await calls(control, "shipment.refund") == []


async def test_the_state_of_a_refund_nobody_asked_for_is_refused(gateway: EasyPostGateway) -> None:
    carrier_ref = await bought(gateway)

    with pytest.raises(CarrierRejected, match="refund_not_asked_for"):
        await gateway.void_state(carrier_ref)


@pytest.mark.parametrize("mode", ["error_500", "hang", "throttle", "do_then_drop_connection"])
async def test_a_refund_without_an_answer_is_asked_for_again(
    mode: str, sandbox: EasyPostSandbox, gateway: EasyPostGateway, control: httpx.AsyncClient
) -> None:
    carrier_ref = await bought(gateway)
    await misbehave(control, "shipment.refund", mode, times=1)

    async with a_gateway(sandbox.base_url, timeout_s=0.5) as impatient:
        with pytest.raises(CarrierUnavailable):
            await impatient.void(carrier_ref)

    assert await gateway.void(carrier_ref) is VoidOutcome.SUBMITTED


# -- a person has to look


async def test_a_wrong_key_is_no_parcels_fault(sandbox: EasyPostSandbox) -> None:
    async with a_gateway(sandbox.base_url, api_key=SecretStr("EZTKwrong")) as gateway:
        with pytest.raises(CarrierMisconfigured, match="CARRIER_EASYPOST_API_KEY") as stopped:
            await gateway.prepare(a_request())

    assert "EZTKwrong" not in str(stopped.value)


async def test_an_id_they_do_not_know_is_not_taken_for_not_bought(gateway: EasyPostGateway) -> None:
    with pytest.raises(CarrierMisconfigured):
        await gateway.find(a_request(), "shp_of_another_account")
    with pytest.raises(CarrierMisconfigured):
        await gateway.buy(a_request(), Prepared("shp_of_another_account"))


async def bought(gateway: EasyPostGateway) -> str:
    request = a_request()
    return (await gateway.buy(request, await gateway.prepare(request))).carrier_ref


async def decide(control: httpx.AsyncClient, carrier_ref: str, status: str) -> None:
    answer = await control.post(f"/_sandbox/shipments/{carrier_ref}/refund", json={"status": status})
    assert answer.is_success, answer.text
