"""Every process that calls for an account takes from one bucket."""

import asyncio

import pytest

from order_service.messaging.calls import PatientMeter
from order_service.persistence.quotas import AccountMeter
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.marketplace import MarketplaceUnavailable, Quota, QuotaUsedUp

from .samples import an_account
from .test_journeys import connect

SLOW = {"search": Quota(rate_per_s=0.01, burst=3)}


async def taken(meters: list[AccountMeter], calls: int) -> int:
    outcomes = await asyncio.gather(
        *(meters[n % len(meters)].take("search") for n in range(calls)), return_exceptions=True
    )
    assert all(one is None or isinstance(one, MarketplaceUnavailable) for one in outcomes)
    return sum(one is None for one in outcomes)


async def test_no_more_calls_go_through_than_the_bucket_holds(database: OrderDatabase) -> None:
    account = an_account()
    await connect(database, account)
    meters = [AccountMeter(database, account, SLOW) for _ in range(2)]
    assert await taken(meters, 10) == 3


async def test_who_comes_too_late_is_told_how_long_to_wait(database: OrderDatabase) -> None:
    await connect(database, an_account())
    meter = AccountMeter(database, an_account(), SLOW)
    await taken([meter], 3)
    with pytest.raises(MarketplaceUnavailable) as refused:
        await meter.take("search")
    assert refused.value.retry_after_s is not None
    assert 60 < refused.value.retry_after_s <= 100


async def test_what_has_begun_waits_for_its_next_call_if_that_is_soon(database: OrderDatabase) -> None:
    await connect(database, an_account())
    quick = {"search": Quota(rate_per_s=20, burst=2)}
    patient, late = (PatientMeter(AccountMeter(database, an_account(), quick)) for _ in range(2))
    for _ in range(6):
        await patient.take("search")
    with pytest.raises(QuotaUsedUp):
        await late.take("search")

    await patient.learn("search", 0.01)
    calls = asyncio.gather(*(patient.take("search") for _ in range(3)))
    with pytest.raises(QuotaUsedUp):
        await calls


async def test_what_the_platform_says_of_its_quota_counts_from_then_on(database: OrderDatabase) -> None:
    await connect(database, an_account())
    meter = AccountMeter(database, an_account(), SLOW)
    await taken([meter], 3)
    await meter.learn("search", 1000.0)
    await asyncio.sleep(0.05)
    assert await taken([meter], 3) == 3


async def test_another_account_has_a_bucket_of_its_own(database: OrderDatabase) -> None:
    other = an_account(account="other", shop_ref="other.myshopify.com")
    await connect(database, an_account())
    await connect(database, other)
    first, second = AccountMeter(database, an_account(), SLOW), AccountMeter(database, other, SLOW)
    await taken([first], 3)
    assert await taken([second], 3) == 3


async def test_an_operation_without_a_quota_costs_nothing(database: OrderDatabase) -> None:
    meter = AccountMeter(database, an_account(account="nobody"), SLOW)
    for _ in range(10):
        await meter.take("fetch")
