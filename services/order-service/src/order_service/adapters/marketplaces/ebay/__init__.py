"""eBay: notices only name orders, and changes are polled for. See README.md."""

from functools import partial

import httpx

from order_service.adapters.marketplaces.ebay import codes
from order_service.adapters.marketplaces.ebay.calls import EbayApi
from order_service.adapters.marketplaces.ebay.cancelling import EbayCanceller
from order_service.adapters.marketplaces.ebay.client import FULFILMENT, EbayGateway
from order_service.adapters.marketplaces.ebay.keys import PublicKeys
from order_service.adapters.marketplaces.ebay.mapping import PLATFORM, Habits, read
from order_service.adapters.marketplaces.ebay.settings import EbaySettings
from order_service.adapters.marketplaces.ebay.stock import BATCH, INVENTORY, EbayStock
from order_service.adapters.marketplaces.ebay.tokens import CLIENT_ID, CLIENT_SECRET, EbayRefresher
from order_service.adapters.marketplaces.ebay.webhook import ENDPOINT, answer_challenge, verify
from order_service.use_cases.marketplace import (
    Asked,
    Marketplace,
    Meter,
    Polling,
    Quota,
    StockTelling,
)
from order_service.use_cases.ports import Account

DAY_S = 86_400.0
ASKS = (
    Asked(CLIENT_ID, "the App ID of the application's keyset", pattern=r"[!-~]{1,200}"),
    Asked(CLIENT_SECRET, "the Cert ID of the application's keyset", secret=True),
    Asked(
        ENDPOINT,
        "the address that eBay sends notices to, exactly as it is registered there",
        pattern=r"https?://[^\s?#]{1,1000}",
    ),
)


def open_marketplace(http: httpx.AsyncClient) -> Marketplace:
    """All that marketplace_registry.py reads. Raises InvalidSettings."""
    settings = EbaySettings.load()
    keys = PublicKeys(http)

    def open_api(account: Account, meter: Meter) -> EbayApi:
        return EbayApi(http, account, meter, settings)

    def open_gateway(account: Account, meter: Meter) -> EbayGateway:
        return EbayGateway(open_api(account, meter))

    def open_teller(account: Account, meter: Meter) -> EbayStock:
        return EbayStock(open_api(account, meter))

    def open_canceller(account: Account, meter: Meter) -> EbayCanceller:
        return EbayCanceller(open_api(account, meter))

    def open_refresher(account: Account, _: Meter) -> EbayRefresher:
        return EbayRefresher(http, account, timeout_s=settings.timeout_s)

    return Marketplace(
        code=PLATFORM,
        writes_tracking=True,
        fetched_topic=codes.FETCHED,
        verify=partial(verify, keys=keys),
        read=partial(read, habits=Habits(settings.unshipped_instructions)),
        open_gateway=open_gateway,
        asks=ASKS,
        quotas={
            FULFILMENT: _by_day(settings.fulfilment_calls_per_day),
            INVENTORY: _by_day(settings.inventory_calls_per_day),
        },
        accepted=204,
        refused=412,
        prepare=keys.prepare,
        handshake=answer_challenge,
        open_checker=open_gateway,
        polling=Polling(
            open_lister=open_gateway,
            every_s=settings.poll_every_s,
            overlap_s=300.0,
            longest_s=7 * DAY_S,
        ),
        open_refresher=open_refresher,
        stock=StockTelling(open_teller, BATCH),
        open_canceller=open_canceller,
    )


def _by_day(calls: int) -> Quota:
    """What a day allows, at an even pace, and an hour of it at once."""
    return Quota(rate_per_s=calls / DAY_S, burst=calls // 24)
