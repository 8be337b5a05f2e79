"""Tell the levels as they stand at the end of a transaction: each at most once."""

from inventory_service.domain.book import SkuKey
from inventory_service.use_cases.ports import Transaction
from inventory_service.use_cases.said import OURSELVES, level_changed


async def publish_levels(*, tx: Transaction) -> None:
    """Publish `stock.level_changed` for every level that was written. The locks of their SKUs are held."""
    touched = [tx.book.levels[key] for key in sorted(tx.book.touched)]
    if not touched:
        return
    counts: dict[SkuKey, int] = {}
    for level in touched:
        key = (level.key.merchant_id, level.key.sku)
        counts[key] = counts.get(key, 0) + 1
    versions = dict(await tx.books.next_versions(counts))
    for level in touched:
        key = (level.key.merchant_id, level.key.sku)
        await tx.outbox.add(level_changed(level, versions[key], OURSELVES, tx.now))
        versions[key] += 1
