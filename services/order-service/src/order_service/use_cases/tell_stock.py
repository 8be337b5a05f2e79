"""Marketplaces are told how much they may sell: the newest number of each SKU, however often it has changed.

What changes only marks listings. A round, one job of an account at a time, works the numbers out from what
there is at that moment, tells a batch of them, and asks for the next round while anything waits. So a burst
of changes costs one call, and a change during a call is told by the call after it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from crossdock_contracts.inventory import StockLevelChangedV1
from order_service.domain.stock import Dials, Offer, offer
from order_service.use_cases.marketplace import StockNumber
from order_service.use_cases.ports import Shop
from order_service.use_cases.stock_ports import (
    DialsSet,
    Level,
    LevelKey,
    Listing,
    Round,
    SkuRef,
    StockTransaction,
)

STOCK_JOB = "marketplace.tell_stock"
#: What changes within this time is told together.
GATHERED_FOR = timedelta(seconds=1)
#: A number that is told later than this is late: see the metric of late jobs.
LATE_AFTER = timedelta(minutes=15)
#: Listings that one round looks at; it tells as many of them as the platform takes in one call.
LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class Preview:
    """What a listing's number would be with some dials, and why."""

    external_sku: str
    told: int | None
    offer: Offer


async def learn_levels(events: Sequence[StockLevelChangedV1], *, tx: StockTransaction) -> None:
    """Keep the newest levels, and have the numbers told that depend on them. Safe to repeat, in any order."""
    newest: dict[LevelKey, Level] = {}
    for event in events:
        key = LevelKey(event.merchant_id, event.sku, event.warehouse, event.lot, event.condition)
        level = Level(key, event.aggregate_version, event.available_to_promise)
        if key not in newest or newest[key].version < level.version:
            newest[key] = level
    await tx.stock.share({key.merchant_id for key in newest})
    changed = await tx.stock.learn(newest.values())
    await _ask(await tx.stock.mark(changed), tx=tx)


async def skus_changed(skus: Collection[SkuRef], *, tx: StockTransaction) -> None:
    """These SKUs were activated, deactivated or became known."""
    if skus:
        await tx.stock.share({one.merchant_id for one in skus})
        await _ask(await tx.stock.mark(skus), tx=tx)


async def listing_changed(shop: Shop, external_sku: str, *, tx: StockTransaction) -> None:
    """What a marketplace's SKU is made of was changed."""
    await tx.skus.sells({shop: {external_sku}})
    await tx.stock.share([shop.merchant_id])
    await _ask(await tx.stock.mark_listings(shop, [external_sku]), tx=tx)


async def set_dials(shop: Shop, given: DialsSet, *, tx: StockTransaction) -> None:
    """Turn an account's dials; numbers that are others now are told. Raises NotFound."""
    await tx.accounts.get(*shop)
    await tx.stock.hold(shop.merchant_id)
    await tx.stock.set_dials(shop, given)
    await _ask(await tx.stock.mark_listings(shop, None), tx=tx)


async def resend(shop: Shop, *, tx: StockTransaction) -> None:
    """Tell every number anew, also those that were told or refused. Raises NotFound."""
    await tx.accounts.get(*shop)
    await tx.stock.share([shop.merchant_id])
    rounds = await tx.stock.mark_listings(shop, None, forget=True)
    await _ask(rounds, tx=tx)
    for one in rounds:
        await tx.jobs.again(STOCK_JOB, _reference(one))


async def ask_again(*, tx: StockTransaction) -> None:
    """Ask for every round that is due. Most were asked for; those of a reactivated account were not."""
    await _ask(await tx.stock.rounds_due(), tx=tx)


async def preview(
    shop: Shop, listings: Sequence[Listing], dials: Dials, *, tx: StockTransaction
) -> list[Preview]:
    """What would be told of these listings with these dials. Changes nothing."""
    offers = await _offers(shop, [one.external_sku for one in listings], dials, tx=tx)
    return [Preview(one.external_sku, one.told, offers[one.external_sku]) for one in listings]


async def take_batch(shop: Shop, batch: int, *, tx: StockTransaction) -> list[StockNumber]:
    """The numbers of the next call, at most `batch`, as they are now; empty: nothing is to be told.

    Safe to repeat: what was taken and not told is taken again, with its newest number.
    """
    await tx.stock.hold(shop.merchant_id)
    kept = await tx.stock.dials(shop)
    if not kept.enabled or not (await tx.accounts.get(*shop)).active:
        return []
    listings = await tx.stock.waiting(shop, LOOKED_AT)
    offers = await _offers(shop, [one.external_sku for one in listings], kept.dials, tx=tx)
    settled: dict[str, int | None] = {}
    numbers: list[StockNumber] = []
    for listing in listings:
        name, units = listing.external_sku, offers[listing.external_sku].units
        if units is None or units == listing.told:
            settled[name] = units
        elif len(numbers) < batch:
            settled[name] = units
            numbers.append(StockNumber(name, units))
    await tx.stock.take(shop, settled)
    return numbers


async def end_round(
    shop: Shop,
    numbers: Sequence[StockNumber],
    refused: Mapping[str, str],
    *,
    full: bool = False,
    tx: StockTransaction,
) -> None:
    """What was told and what was refused, by code; the next round follows when anything waits, at once where
    this one was `full`.
    """
    await tx.stock.hold(shop.merchant_id)
    told = {one.external_sku: one.units for one in numbers if one.external_sku not in refused}
    await tx.stock.told(shop, told, refused)
    following = await tx.stock.next_round(shop)
    kept = await tx.stock.dials(shop)
    active = (await tx.accounts.get(*shop)).active
    if kept.enabled and active and await tx.stock.waiting(shop, 1):
        await _ask([following], gathered_for=timedelta() if full else GATHERED_FOR, tx=tx)


async def _offers(
    shop: Shop, external_skus: Sequence[str], dials: Dials, *, tx: StockTransaction
) -> dict[str, Offer]:
    parts = await tx.stock.parts(shop, external_skus)
    return {name: offer(parts[name], dials) for name in external_skus}


async def _ask(
    rounds: Sequence[Round], *, gathered_for: timedelta = GATHERED_FOR, tx: StockTransaction
) -> None:
    for one in rounds:
        await tx.jobs.add(
            STOCK_JOB,
            _reference(one),
            merchant_id=one.shop.merchant_id,
            destination=f"{one.platform}:{one.shop.account}",
            payload={"account": one.shop.account},
            run_at=tx.now + gathered_for,
            deadline_at=tx.now + LATE_AFTER,
        )


def _reference(one: Round) -> str:
    return f"{one.shop.merchant_id}/{one.shop.account}/{one.number}"
