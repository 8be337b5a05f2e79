"""Shopify: orders are pushed whole, tracking is written back by GraphQL. See README.md."""

import httpx

from order_service.adapters.marketplaces.shopify.cancelling import ShopifyCanceller
from order_service.adapters.marketplaces.shopify.client import QUOTAS, ShopifyGateway
from order_service.adapters.marketplaces.shopify.listing import ShopifyLister
from order_service.adapters.marketplaces.shopify.mapping import PLATFORM, read_order
from order_service.adapters.marketplaces.shopify.settings import ShopifySettings
from order_service.adapters.marketplaces.shopify.stock import BATCH, ShopifyStock
from order_service.adapters.marketplaces.shopify.tokens import ShopifyRefresher
from order_service.adapters.marketplaces.shopify.webhook import verify
from order_service.use_cases.marketplace import Asked, Marketplace, Meter, Polling, StockTelling
from order_service.use_cases.ports import Account


def can_ask(account: Account) -> bool:
    """An account without a token takes orders and asks for none."""
    return account.tokens is not None or account.secrets.access_token is not None


def open_marketplace(http: httpx.AsyncClient) -> Marketplace:
    """All that marketplace_registry.py reads. Raises InvalidSettings."""
    settings = ShopifySettings.load()

    def open_gateway(account: Account, meter: Meter) -> ShopifyGateway:
        return ShopifyGateway(
            http, account, meter, api_version=settings.api_version, timeout_s=settings.timeout_s
        )

    def open_lister(account: Account, meter: Meter) -> ShopifyLister:
        return ShopifyLister(open_gateway(account, meter))

    def open_refresher(account: Account, _: Meter) -> ShopifyRefresher:
        return ShopifyRefresher(http, account, timeout_s=settings.timeout_s)

    def open_teller(account: Account, meter: Meter) -> ShopifyStock:
        return ShopifyStock(open_gateway(account, meter), account.options.get("location_id"))

    def open_canceller(account: Account, meter: Meter) -> ShopifyCanceller:
        return ShopifyCanceller(open_gateway(account, meter), refund=account.refund_on_cancel)

    return Marketplace(
        code=PLATFORM,
        writes_tracking=True,
        fetched_topic="orders/updated",
        verify=verify,
        read=read_order,
        open_gateway=open_gateway,
        open_checker=open_gateway,
        asks=(
            Asked(
                "location_id",
                "the number of the location whose stock is set; needed where the shop has more than one",
                required=False,
            ),
            Asked(
                "client_id",
                "the app's client id; needed where its access tokens run out, as those of public apps do",
                required=False,
                pattern=r"[A-Za-z0-9]{1,100}",
            ),
        ),
        quotas=QUOTAS,
        polling=Polling(open_lister=open_lister, applies=can_ask),
        open_refresher=open_refresher,
        stock=StockTelling(open_teller, BATCH),
        open_canceller=open_canceller,
    )
