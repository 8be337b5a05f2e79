"""TikTok Shop: notices name orders, which are fetched by signed calls; it or the seller issues labels. See
README.md.
"""

from functools import partial

import httpx

from order_service.adapters.marketplaces.tiktok_shop import codes
from order_service.adapters.marketplaces.tiktok_shop.api import CALL, Ciphers, TikTokShopApi
from order_service.adapters.marketplaces.tiktok_shop.cancelling import TikTokShopCanceller
from order_service.adapters.marketplaces.tiktok_shop.client import Carriers, TikTokShopGateway
from order_service.adapters.marketplaces.tiktok_shop.labels import TikTokShopIssuer
from order_service.adapters.marketplaces.tiktok_shop.mapping import PLATFORM, read_message
from order_service.adapters.marketplaces.tiktok_shop.settings import TikTokShopSettings
from order_service.adapters.marketplaces.tiktok_shop.stock import BATCH, TikTokShopStock
from order_service.adapters.marketplaces.tiktok_shop.tokens import TikTokShopRefresher
from order_service.adapters.marketplaces.tiktok_shop.webhook import verify
from order_service.use_cases.marketplace import (
    Asked,
    Marketplace,
    Meter,
    Polling,
    Quota,
    StockTelling,
)
from order_service.use_cases.ports import Account

ASKS = (
    Asked("app_key", "the app's key in the Partner Center; its secret is the webhook secret"),
    Asked(
        "handover_method",
        "how TikTok's carrier gets a parcel whose label TikTok issues; DROP_OFF if it is not given",
        required=False,
        pattern="PICKUP|DROP_OFF",
    ),
    Asked(
        "warehouse_id",
        "TikTok's id of the warehouse whose stock is told; needed where the shop has more than one",
        required=False,
        pattern=r"\d{1,30}",
    ),
)


def open_marketplace(http: httpx.AsyncClient) -> Marketplace:
    """All that marketplace_registry.py reads. Raises InvalidSettings."""
    settings = TikTokShopSettings.load()
    ciphers: Ciphers = Ciphers(settings.lookups_keep_s)
    carriers: Carriers = Carriers(settings.lookups_keep_s)

    def open_api(account: Account, meter: Meter) -> TikTokShopApi:
        return TikTokShopApi(http, account, meter, settings, ciphers)

    def open_gateway(account: Account, meter: Meter) -> TikTokShopGateway:
        return TikTokShopGateway(open_api(account, meter), carriers)

    def open_refresher(account: Account, _: Meter) -> TikTokShopRefresher:
        return TikTokShopRefresher(http, account, settings)

    def open_teller(account: Account, meter: Meter) -> TikTokShopStock:
        return TikTokShopStock(open_api(account, meter), account.options.get("warehouse_id"))

    def open_canceller(account: Account, meter: Meter) -> TikTokShopCanceller:
        gateway = open_gateway(account, meter)
        return TikTokShopCanceller(open_api(account, meter), gateway, settings.cancel_reasons)

    def open_issuer(account: Account, meter: Meter) -> TikTokShopIssuer:
        handover = account.options.get("handover_method", "DROP_OFF")
        return TikTokShopIssuer(open_api(account, meter), open_gateway(account, meter), handover)

    return Marketplace(
        code=PLATFORM,
        writes_tracking=True,
        fetched_topic=codes.ORDER,
        verify=partial(verify, oldest_s=settings.notice_horizon_h * 3600),
        read=read_message,
        open_gateway=open_gateway,
        asks=ASKS,
        quotas={CALL: Quota(settings.calls_per_s, burst=int(max(settings.calls_per_s, 1)))},
        open_checker=open_gateway,
        polling=Polling(open_lister=open_gateway),
        open_refresher=open_refresher,
        stock=StockTelling(open_teller, BATCH),
        open_canceller=open_canceller,
        open_issuer=open_issuer,
    )
