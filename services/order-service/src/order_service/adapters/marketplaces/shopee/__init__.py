"""Shopee: pushes name orders, which are then fetched; Shopee issues most labels itself. See README.md."""

from functools import partial

import httpx

from order_service.adapters.marketplaces.shopee import codes
from order_service.adapters.marketplaces.shopee.cancelling import ShopeeCanceller
from order_service.adapters.marketplaces.shopee.client import CALLS, ShopeeCalls
from order_service.adapters.marketplaces.shopee.labels import ShopeeLabels
from order_service.adapters.marketplaces.shopee.mapping import FETCHED, PLATFORM, Senders, read
from order_service.adapters.marketplaces.shopee.orders import ShopeeOrders
from order_service.adapters.marketplaces.shopee.settings import ShopeeSettings
from order_service.adapters.marketplaces.shopee.stock import BATCH, ShopeeStock
from order_service.adapters.marketplaces.shopee.tokens import ShopeeTokens
from order_service.adapters.marketplaces.shopee.webhook import verify
from order_service.use_cases.marketplace import Asked, Marketplace, Meter, Polling, Quota, StockTelling
from order_service.use_cases.ports import Account

#: Fifteen days, but for a minute: both ends are cut to whole seconds.
LONGEST_S = 15 * 86_400.0 - 60.0

ASKS = (
    Asked("partner_id", "the app's partner id", pattern=r"\d{1,19}"),
    Asked("partner_key", "the app's partner key", secret=True),
    Asked(
        "callback_url",
        "the callback URL, letter for letter as it was typed into Shopee's console",
        pattern=r"https?://\S{1,500}",
    ),
    Asked(
        "handover",
        "how packages are handed over where Shopee leaves the choice",
        required=False,
        pattern="pickup|dropoff",
    ),
    Asked("pickup_address_id", "which address is picked up at", required=False, pattern=r"\d{1,19}"),
    Asked(
        "dropoff_branch_id", "the branch where packages are dropped off", required=False, pattern=r"\d{1,19}"
    ),
    Asked("sender_name", "the sender's real name, where a branch asks for it", required=False),
    Asked(
        "document_type",
        "the kind of label; thermal ones may come as a ZIP, which is refused",
        required=False,
        pattern="|".join(codes.DOCUMENT_TYPES),
    ),
    Asked(
        "location_id",
        "the location whose stock is set; needed where the shop has more than one",
        required=False,
        pattern=r"[A-Za-z0-9_-]{1,64}",
    ),
)


def open_marketplace(http: httpx.AsyncClient) -> Marketplace:
    """All that marketplace_registry.py reads. Raises InvalidSettings."""
    settings = ShopeeSettings.load()
    senders = Senders(settings.seller_fulfilled, settings.shopee_fulfilled)

    def open_calls(account: Account, meter: Meter) -> ShopeeCalls:
        return ShopeeCalls(http, account, settings, meter)

    def open_orders(account: Account, meter: Meter) -> ShopeeOrders:
        return ShopeeOrders(open_calls(account, meter), settings, account.shop_ref)

    def open_refresher(account: Account, meter: Meter) -> ShopeeTokens:
        return ShopeeTokens(open_calls(account, meter), account)

    def open_teller(account: Account, meter: Meter) -> ShopeeStock:
        return ShopeeStock(open_calls(account, meter), account.options.get("location_id"))

    def open_canceller(account: Account, meter: Meter) -> ShopeeCanceller:
        return ShopeeCanceller(
            open_calls(account, meter), open_orders(account, meter), settings.cancel_reasons
        )

    def open_issuer(account: Account, meter: Meter) -> ShopeeLabels:
        return ShopeeLabels(
            open_calls(account, meter), open_orders(account, meter), account, settings.label_wait_s
        )

    return Marketplace(
        code=PLATFORM,
        writes_tracking=True,
        fetched_topic=FETCHED,
        verify=verify,
        read=partial(read, senders=senders),
        open_gateway=open_orders,
        asks=ASKS,
        quotas={CALLS: Quota(rate_per_s=settings.calls_per_s, burst=max(int(settings.calls_per_s), 1))},
        open_checker=open_orders,
        polling=Polling(open_lister=open_orders, overlap_s=300.0, longest_s=LONGEST_S),
        open_refresher=open_refresher,
        stock=StockTelling(open_teller, BATCH),
        open_canceller=open_canceller,
        open_issuer=open_issuer,
    )
