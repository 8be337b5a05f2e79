"""What every carrier has to do alike, whatever its API looks like: sold once, or said that nobody knows."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from shipping_service.domain.consignment import DocumentKind, VoidOutcome, media_type_of
from shipping_service.use_cases.ports import (
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
)

from .members import Ground, Member, find_members

MEMBERS = find_members()
GIVEN_BACK = {VoidOutcome.SUBMITTED, VoidOutcome.VOIDED, VoidOutcome.NOT_APPLICABLE}


@pytest.fixture(params=MEMBERS, ids=lambda one: one.carrier.code)
def member(request: pytest.FixtureRequest) -> Member:
    found: Member = request.param
    return found


@pytest.fixture
async def ground(member: Member, tmp_path: Path) -> AsyncIterator[Ground]:
    async with member.opened(tmp_path) as opened:
        yield opened


async def test_a_label_is_bought_once_with_a_number_and_a_label_to_print(
    member: Member, ground: Ground
) -> None:
    async with ground.gateway() as gateway:
        label = await gateway.buy(member.request, await gateway.prepare(member.request))

    assert label.tracking_number
    assert DocumentKind.LABEL in {one.kind for one in label.documents}
    assert all(media_type_of(one.content) == one.media_type for one in label.documents)
    assert (label.cost_minor is None) == (label.cost_currency is None) == (label.cost_exponent is None)
    assert await ground.sold() == 1


async def test_the_carriers_books_say_what_was_sold_and_whether_it_still_counts(
    member: Member, ground: Ground
) -> None:
    async with ground.gateway() as gateway:
        label = await gateway.buy(member.request, await gateway.prepare(member.request))
        (sold,) = await ground.labels()
        await gateway.void(label.carrier_ref)
        (afterwards,) = await ground.labels()

    assert sold["tracking_number"] == label.tracking_number
    assert sold["street"] in member.request.ship_to.lines
    assert letters(sold["reference"]).startswith(letters(str(member.request.reference).split("/")[0]))
    assert (sold["is_live"], afterwards["is_live"]) == (True, not member.capabilities.can_void)


async def test_preparing_costs_nothing_however_often(member: Member, ground: Ground) -> None:
    async with ground.gateway() as gateway:
        for _ in range(3):
            await gateway.prepare(member.request)

    assert await ground.sold() == 0


async def test_a_sale_whose_answer_is_lost_is_found_again_or_nobody_knows(
    member: Member, ground: Ground
) -> None:
    async with ground.gateway() as gateway:
        prepared = await gateway.prepare(member.request)
        await ground.misbehave(member.sale, "do_then_drop_connection")
        with pytest.raises(CarrierOutcomeUnknown) as unknown:
            await gateway.buy(member.request, prepared)

        assert unknown.value.reference == member.request.reference
        assert await ground.sold() == 1
        if member.capabilities.can_find:
            found = await gateway.find(member.request, prepared.carrier_ref)
            assert found is not None
            assert found.tracking_number
            assert DocumentKind.LABEL in {one.kind for one in found.documents}
            assert await ground.sold() == 1


async def test_a_sale_that_was_not_made_is_not_found_or_nobody_knows(member: Member, ground: Ground) -> None:
    async with ground.gateway() as gateway:
        prepared = await gateway.prepare(member.request)
        await ground.misbehave(member.sale, "error_500")
        with pytest.raises((CarrierOutcomeUnknown, CarrierUnavailable)):
            await gateway.buy(member.request, prepared)

        assert await ground.sold() == 0
        if member.capabilities.can_find:
            with suppress(CarrierOutcomeUnknown):  # of a carrier whose "not found" proves nothing
                assert await gateway.find(member.request, prepared.carrier_ref) is None


async def test_who_is_asked_to_slow_down_has_bought_nothing(member: Member, ground: Ground) -> None:
    async with ground.gateway() as gateway:
        prepared = await gateway.prepare(member.request)
        await ground.misbehave(member.sale, "throttle")
        with pytest.raises(CarrierUnavailable):
            await gateway.buy(member.request, prepared)

        assert await ground.sold() == 0
        await gateway.buy(member.request, prepared)
    assert await ground.sold() == 1


async def test_a_refusal_has_a_code_and_says_nothing_personal(member: Member, ground: Ground) -> None:
    async with ground.gateway() as gateway:
        prepared = await gateway.prepare(member.request)
        await ground.misbehave(member.sale, "refuse")
        with pytest.raises(CarrierRejected) as refused:
            await gateway.buy(member.request, prepared)

    assert refused.value.code
    assert not [text for text in personal(member) if text in repr(refused.value)]
    assert await ground.sold() == 0


async def test_credentials_that_are_refused_are_no_parcels_fault(member: Member, ground: Ground) -> None:
    async with ground.gateway(secret="guessed") as gateway:
        with pytest.raises(CarrierMisconfigured) as stopped:
            await gateway.buy(member.request, await gateway.prepare(member.request))

    assert "guessed" not in str(stopped.value)
    assert await ground.sold() == 0


async def test_a_carrier_that_is_not_reached_has_sold_nothing(member: Member, ground: Ground) -> None:
    async with ground.gateway(base_url="http://127.0.0.1:1") as gateway:
        with pytest.raises(CarrierUnavailable):
            await gateway.buy(member.request, await gateway.prepare(member.request))


async def test_a_label_is_taken_back_where_the_carrier_does_that_and_twice_is_once(
    member: Member, ground: Ground
) -> None:
    async with ground.gateway() as gateway:
        label = await gateway.buy(member.request, await gateway.prepare(member.request))
        outcomes = [await gateway.void(label.carrier_ref) for _ in range(2)]

        if member.capabilities.can_void:
            assert set(outcomes) <= GIVEN_BACK
            assert await gateway.void_state(label.carrier_ref) in GIVEN_BACK
        else:
            assert outcomes == [VoidOutcome.REJECTED] * 2


def personal(member: Member) -> list[str]:
    to = member.request.ship_to
    return [one for one in (to.name, to.phone, to.email, *to.lines) if one]


def letters(reference: str) -> str:
    """Carriers take other punctuation, or none."""
    return "".join(one for one in reference if one.isalnum())
