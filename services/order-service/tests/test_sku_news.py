"""News of a SKU and an order that is about to wait for it, at the same moment."""

import asyncio
import json

from order_service.adapters.marketplaces.shopify.mapping import read_order
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention, import_order
from order_service.use_cases.learn_skus import learn_skus

from .samples import an_account, shopify_body
from .test_journeys import SAMPLE_SKUS, a_sku, connect, say, the_order


async def test_news_that_comes_while_an_order_begins_to_wait_for_it_is_not_missed(
    database: OrderDatabase,
) -> None:
    account = an_account()
    await connect(database, account, skus=SAMPLE_SKUS[:1])
    canonical = read_order("orders/create", json.dumps(shopify_body()).encode())
    assert canonical is not None

    async with database.transaction() as tx:
        order_id = tx.new_id()
        await import_order(canonical, account, new_order_id=order_id, retention=Retention(), tx=tx)
        news = asyncio.create_task(say(database, a_sku(SAMPLE_SKUS[1])))
        await asyncio.wait([news], timeout=0.3)  # it would be through by then if it did not wait for us
    await news

    assert (await the_order(database)).status == "open"


async def test_an_order_that_comes_while_news_is_written_does_not_wait_for_it(
    database: OrderDatabase,
) -> None:
    account = an_account()
    await connect(database, account, skus=SAMPLE_SKUS[:1])
    canonical = read_order("orders/create", json.dumps(shopify_body()).encode())
    assert canonical is not None

    async def place() -> None:
        async with database.transaction() as tx:
            order_id = tx.new_id()
            await import_order(canonical, account, new_order_id=order_id, retention=Retention(), tx=tx)

    async with database.transaction() as tx:
        await learn_skus([a_sku(SAMPLE_SKUS[1])], tx=tx)
        placing = asyncio.create_task(place())
        await asyncio.wait([placing], timeout=0.3)
    await placing

    assert (await the_order(database)).status == "open"
