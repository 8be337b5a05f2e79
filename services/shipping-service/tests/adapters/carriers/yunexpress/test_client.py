"""The gateway against a real server that checks signatures, keeps books and misbehaves when told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from crossdock_sandbox.yunexpress.app import YunExpressOptions, YunExpressSandbox, running_yunexpress
from shipping_service.adapters.carriers.yunexpress import CARRIER
from shipping_service.adapters.carriers.yunexpress.client import YunExpressGateway
from shipping_service.adapters.carriers.yunexpress.tests.examples import (
    APP_ID,
    APP_SECRET,
    AUSTIN,
    a_request,
    the_settings,
)
from shipping_service.domain.consignment import DocumentKind, TaxId, VoidOutcome
from shipping_service.domain.refusal import Remedy
from shipping_service.use_cases.ports import (
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    LabelPending,
    Prepared,
)

ORDER_NUMBER = "019aa7f0-5f6e-7c3a-9d7e-0a1b2c3d4e5f-1"
BOOKED_BEFORE = Prepared(ORDER_NUMBER)  # as after a restart: without an offer


@asynccontextmanager
async def a_sandbox(folder: Path, **options: Any) -> AsyncIterator[YunExpressSandbox]:
    given = YunExpressOptions(app=f"{APP_ID}:{APP_SECRET}", **options)
    async with running_yunexpress(folder, options=given) as running:
        yield running


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[YunExpressSandbox]:
    async with a_sandbox(tmp_path) as running:
        yield running


@pytest.fixture
async def control(sandbox: YunExpressSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as client:
        yield client


@pytest.fixture
async def gateway(sandbox: YunExpressSandbox) -> AsyncIterator[YunExpressGateway]:
    async with a_gateway(sandbox.base_url) as opened:
        yield opened


@asynccontextmanager
async def a_gateway(url: str, **settings: Any) -> AsyncIterator[YunExpressGateway]:
    gateway = YunExpressGateway(the_settings(**{"base_url": url, "timeout_s": 10} | settings))
    try:
        yield gateway
    finally:
        await gateway.close()


async def misbehave(control: httpx.AsyncClient, operation: str, mode: str, **more: Any) -> None:
    rule = {"operation": operation, "mode": mode, "times": 1}
    answer = await control.put("/_sandbox/faults", json=[rule | more])
    assert answer.is_success, answer.text


async def rows(control: httpx.AsyncClient, table: str, **filters: str) -> list[dict[str, Any]]:
    answer = await control.get(f"/_sandbox/books/{table}", params=filters)
    found: list[dict[str, Any]] = answer.json()["rows"]
    return found


# -- the way it should go


async def test_an_order_is_created_under_our_number_and_gives_its_label_and_its_price(
    gateway: YunExpressGateway, control: httpx.AsyncClient
) -> None:
    request = a_request(tax_ids=(TaxId("IOSS", "IM2760001234", of_sender=True),))

    prepared = await gateway.prepare(request)
    label = await gateway.buy(request, prepared)

    (order,) = await rows(control, "orders")
    assert prepared.carrier_ref == label.carrier_ref == order["customer_order_number"] == ORDER_NUMBER
    assert label.tracking_number == order["waybill_number"]
    assert (label.carrier, label.service) == ("yunexpress", "BKPHR")
    assert (label.cost_minor, label.cost_currency, label.cost_exponent) == (6834, "CNY", 2)
    assert [(one.kind, one.media_type) for one in label.documents] == [
        (DocumentKind.LABEL, "application/pdf")
    ]
    assert order["request"]["packages"] == [{"weight": "0.701", "length": "13", "width": "10", "height": "9"}]


async def test_a_label_that_is_only_a_link_is_fetched_without_our_token(tmp_path: Path) -> None:
    async with a_sandbox(tmp_path, labels_as_links=True) as sandbox, a_gateway(sandbox.base_url) as gateway:
        label = await gateway.buy(a_request(), await gateway.prepare(a_request()))

    assert label.documents[0].content.startswith(b"%PDF-")


async def test_the_folder_offers_a_gateway_made_from_the_environment(
    sandbox: YunExpressSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("APP_ID", APP_ID), ("APP_SECRET", APP_SECRET), ("BASE_URL", sandbox.base_url)):
        monkeypatch.setenv(f"CARRIER_YUNEXPRESS_{name}", value)
    assert CARRIER.open_gateway is not None
    gateway = CARRIER.open_gateway()

    label = await gateway.buy(a_request(), await gateway.prepare(a_request()))
    await gateway.close()

    assert label.tracking_number.startswith("YT")


# -- tokens


async def test_many_calls_at_once_buy_one_token(
    gateway: YunExpressGateway, control: httpx.AsyncClient
) -> None:
    await asyncio.gather(*(gateway.find(a_request(), None) for _ in range(8)))

    assert len(await rows(control, "calls", operation="token.create")) == 1


async def test_a_token_that_ends_before_its_time_is_replaced_once_and_nothing_is_done_twice(
    gateway: YunExpressGateway, control: httpx.AsyncClient
) -> None:
    prepared = await gateway.prepare(a_request())
    await control.delete("/_sandbox/tokens")

    await gateway.buy(a_request(), prepared)

    assert len(await rows(control, "orders")) == 1
    assert len(await rows(control, "calls", operation="token.create")) == 2


async def test_a_token_is_replaced_before_its_end(tmp_path: Path) -> None:
    async with (
        a_sandbox(tmp_path, token_s=60.5) as sandbox,
        a_gateway(sandbox.base_url) as gateway,
        httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as control,
    ):
        await gateway.find(a_request(), None)
        await asyncio.sleep(0.6)
        await gateway.find(a_request(), None)

        assert len(await rows(control, "calls", operation="token.create")) == 2
        assert not [one for one in await rows(control, "calls") if one["status"] == 401]


@pytest.mark.parametrize("mode", ["error_500", "throttle", "do_then_drop_connection"])
async def test_without_a_token_nothing_was_done(
    mode: str, gateway: YunExpressGateway, control: httpx.AsyncClient
) -> None:
    await misbehave(control, "token.create", mode)

    with pytest.raises(CarrierUnavailable):
        await gateway.buy(a_request(), Prepared(ORDER_NUMBER, "68.34 CNY"))

    assert await rows(control, "orders") == []


@pytest.mark.parametrize("wrong", [{"app_secret": SecretStr("guessed")}, {"app_id": "guessed"}])
async def test_a_wrong_app_is_no_parcels_fault(wrong: dict[str, Any], sandbox: YunExpressSandbox) -> None:
    async with a_gateway(sandbox.base_url, **wrong) as gateway:
        with pytest.raises(CarrierMisconfigured, match="CARRIER_YUNEXPRESS_APP_ID") as stopped:
            await gateway.find(a_request(), None)

    assert "guessed" not in str(stopped.value)


# -- numbers and labels that come later


async def test_a_number_that_comes_later_is_waited_for_and_the_order_is_there_once(tmp_path: Path) -> None:
    request = a_request(service="THPHR")
    async with (
        a_sandbox(tmp_path, number_delay_s=3600) as sandbox,
        a_gateway(sandbox.base_url, retry_label_after_s=7) as gateway,
        httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as control,
    ):
        with pytest.raises(LabelPending, match="NUMBER_NOT_AWAITED") as pending:
            await gateway.buy(request, await gateway.prepare(request))
        with pytest.raises(LabelPending):
            await gateway.buy(request, BOOKED_BEFORE)
        with pytest.raises(LabelPending):
            await gateway.find(request, ORDER_NUMBER)
        number = {"tracking_number": "9405500208303109884199"}
        await control.patch(f"/_sandbox/orders/{ORDER_NUMBER}", json=number)
        label = await gateway.buy(request, BOOKED_BEFORE)

        (order,) = await rows(control, "orders")
        assert pending.value.retry_after_s == 7
        assert label.tracking_number == order["waybill_number"]
        assert len(await rows(control, "calls", operation="order.create")) == 1


@pytest.mark.parametrize("service", ["BKPHR", "THPHU"])
async def test_a_label_that_comes_later_is_waited_for(service: str, tmp_path: Path) -> None:
    request = a_request(service=service)
    async with (
        a_sandbox(tmp_path, label_delay_s=3600) as sandbox,
        a_gateway(sandbox.base_url, number_not_awaited=frozenset({"THPHU"})) as gateway,
        httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as control,
    ):
        with pytest.raises(LabelPending, match="no label yet: 00200425"):
            await gateway.buy(request, await gateway.prepare(request))
        await control.patch(f"/_sandbox/orders/{ORDER_NUMBER}", json={"label_ready": True})

        assert (await gateway.buy(request, BOOKED_BEFORE)).tracking_number


async def test_a_channel_that_says_it_has_no_number_is_not_waited_for(gateway: YunExpressGateway) -> None:
    request = a_request(service="THPHU")

    assert (await gateway.buy(request, await gateway.prepare(request))).tracking_number


@pytest.mark.parametrize("mode", ["error_500", "throttle", "refuse", "do_then_drop_connection"])
async def test_whatever_keeps_the_label_of_a_booked_order_away_it_is_waited_for(
    mode: str, gateway: YunExpressGateway, control: httpx.AsyncClient
) -> None:
    prepared = await gateway.prepare(a_request())
    await misbehave(control, "order.label", mode, times=2)  # a GET may be repeated by the connection pool

    with pytest.raises(LabelPending):
        await gateway.buy(a_request(), prepared)

    await control.delete("/_sandbox/faults")
    assert (await gateway.buy(a_request(), BOOKED_BEFORE)).tracking_number
    assert len(await rows(control, "orders")) == 1


@pytest.mark.parametrize("mode", ["error_500", "throttle", "refuse"])
async def test_nothing_depends_on_the_price(
    mode: str, gateway: YunExpressGateway, control: httpx.AsyncClient
) -> None:
    await gateway.find(a_request(), None)
    await misbehave(control, "price.trial", mode, times=2)

    label = await gateway.buy(a_request(), BOOKED_BEFORE)

    assert (label.cost_minor, label.cost_currency, label.cost_exponent) == (None, None, None)


# -- exactly once


@pytest.mark.parametrize(
    ("mode", "booked"),
    [("error_500", 0), ("hang", 0), ("answer_late", 1), ("do_then_drop_connection", 1)],
)
async def test_a_lost_answer_is_an_unknown_outcome_and_then_found_or_not(
    mode: str,
    booked: int,
    sandbox: YunExpressSandbox,
    gateway: YunExpressGateway,
    control: httpx.AsyncClient,
) -> None:
    async with a_gateway(sandbox.base_url, timeout_s=1) as impatient:
        await impatient.find(a_request(), None)
        await misbehave(control, "order.create", mode, delay_s=3)
        with pytest.raises(CarrierOutcomeUnknown):
            await impatient.buy(a_request(), Prepared(ORDER_NUMBER, "68.34 CNY"))
    found = await gateway.find(a_request(), ORDER_NUMBER)

    assert (found is not None) is bool(booked)
    assert len(await rows(control, "orders")) == booked


async def test_creating_an_order_again_gives_the_one_there_is(
    gateway: YunExpressGateway, control: httpx.AsyncClient
) -> None:
    prepared = await gateway.prepare(a_request())

    labels = [await gateway.buy(a_request(), prepared) for _ in range(2)]

    assert labels[0] == labels[1]
    assert len(await rows(control, "orders")) == 1


@pytest.mark.parametrize("mode", ["error_500", "throttle"])
async def test_a_refusal_that_may_be_a_duplicates_is_believed_only_after_a_look(
    mode: str, gateway: YunExpressGateway, control: httpx.AsyncClient
) -> None:
    prepared = await gateway.prepare(a_request())
    await gateway.buy(a_request(), prepared)
    await misbehave(control, "order.get", mode, times=2)

    with pytest.raises(CarrierOutcomeUnknown):
        await gateway.buy(a_request(), prepared)


async def test_a_duplicate_that_cannot_be_found_is_no_refusal(
    gateway: YunExpressGateway, control: httpx.AsyncClient
) -> None:
    prepared = await gateway.prepare(a_request())
    await gateway.buy(a_request(), prepared)
    await misbehave(control, "order.get", "refuse")

    with pytest.raises(CarrierOutcomeUnknown):
        await gateway.buy(a_request(), prepared)


async def test_two_at_once_make_one_order(gateway: YunExpressGateway, control: httpx.AsyncClient) -> None:
    prepared = await gateway.prepare(a_request())

    labels = await asyncio.gather(*(gateway.buy(a_request(), prepared) for _ in range(4)))

    assert len({one.tracking_number for one in labels}) == 1
    assert len(await rows(control, "orders")) == 1


async def test_a_question_without_an_answer_is_asked_again_later(
    gateway: YunExpressGateway, control: httpx.AsyncClient
) -> None:
    await gateway.find(a_request(), None)
    await misbehave(control, "order.get", "error_500")

    with pytest.raises(CarrierUnavailable):
        await gateway.find(a_request(), ORDER_NUMBER)


# -- refusals


async def test_a_refused_address_keeps_their_code_and_names_our_field(gateway: YunExpressGateway) -> None:
    request = a_request(ship_to=replace(AUSTIN, lines=("1 Refuse Address Rd",)))

    with pytest.raises(CarrierRejected) as refused:
        await gateway.buy(request, await gateway.prepare(request))

    assert (refused.value.code, refused.value.field) == ("00200400", "ship_to.lines")
    assert refused.value.remedy is Remedy.FIX_ADDRESS
    assert "Refuse Address" not in repr(refused.value)
    assert "Refuse Address" in (refused.value.words or "")


async def test_a_service_that_the_account_has_not_gives_way_to_another(gateway: YunExpressGateway) -> None:
    request = a_request(service="FZZXR")

    with pytest.raises(CarrierRejected) as refused:
        await gateway.buy(request, await gateway.prepare(request))

    assert refused.value.remedy is Remedy.CHOOSE_ANOTHER_SERVICE


async def test_what_the_account_has_learnt_mends_a_code(
    sandbox: YunExpressSandbox, control: httpx.AsyncClient
) -> None:
    async with a_gateway(sandbox.base_url, remedies={"00200410": "try_later"}) as gateway:
        prepared = await gateway.prepare(a_request())
        await misbehave(control, "order.create", "refuse")
        with pytest.raises(CarrierRejected) as refused:
            await gateway.buy(a_request(), prepared)

    assert refused.value.remedy is Remedy.TRY_LATER


# -- taking back


async def test_an_order_is_cancelled_until_the_warehouse_has_the_parcel(
    gateway: YunExpressGateway, control: httpx.AsyncClient
) -> None:
    label = await gateway.buy(a_request(), await gateway.prepare(a_request()))

    assert await gateway.void_state(label.carrier_ref) is VoidOutcome.SUBMITTED
    assert await gateway.void(label.carrier_ref) is VoidOutcome.VOIDED
    assert (await rows(control, "orders"))[0]["status"] == "E"


@pytest.mark.parametrize("status", ["B", "C", "D"])
async def test_a_parcel_in_the_warehouse_is_not_taken_back(
    status: str, gateway: YunExpressGateway, control: httpx.AsyncClient
) -> None:
    label = await gateway.buy(a_request(), await gateway.prepare(a_request()))
    await control.patch(f"/_sandbox/orders/{label.tracking_number}", json={"status": status})

    assert await gateway.void(label.carrier_ref) is VoidOutcome.REJECTED
    assert await gateway.void_state(label.carrier_ref) is VoidOutcome.REJECTED


async def test_a_waybill_number_that_a_person_gave_is_as_good_a_name(gateway: YunExpressGateway) -> None:
    label = await gateway.buy(a_request(), await gateway.prepare(a_request()))

    assert await gateway.find(a_request(), label.tracking_number) == label
    assert await gateway.void(label.tracking_number) is VoidOutcome.VOIDED


@pytest.mark.parametrize("mode", ["error_500", "do_then_drop_connection"])
async def test_a_cancel_without_an_answer_is_asked_again(
    mode: str, gateway: YunExpressGateway, control: httpx.AsyncClient
) -> None:
    label = await gateway.buy(a_request(), await gateway.prepare(a_request()))
    await misbehave(control, "order.cancel", mode)

    with pytest.raises(CarrierUnavailable):
        await gateway.void(label.carrier_ref)

    assert await gateway.void(label.carrier_ref) is VoidOutcome.VOIDED


async def test_an_order_that_was_cancelled_there_is_no_label(gateway: YunExpressGateway) -> None:
    prepared = await gateway.prepare(a_request())
    label = await gateway.buy(a_request(), prepared)
    await gateway.void(label.carrier_ref)

    for again in (gateway.find(a_request(), ORDER_NUMBER), gateway.buy(a_request(), prepared)):
        with pytest.raises(CarrierRejected, match="order_cancelled_at_yunexpress"):
            await again


async def test_an_order_that_they_do_not_know_is_not_cancelled(gateway: YunExpressGateway) -> None:
    with pytest.raises(CarrierRejected):
        await gateway.void("019aa7f0-nobody-knows-it")
