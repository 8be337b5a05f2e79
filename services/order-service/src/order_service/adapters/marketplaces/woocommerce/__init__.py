"""WooCommerce: orders are pushed whole by the merchant's own site, tracking is written back by REST. See
README.md.
"""

from functools import partial

import httpx

from order_service.adapters.marketplaces.woocommerce.cancelling import WooCommerceCanceller
from order_service.adapters.marketplaces.woocommerce.client import WooCommerceGateway
from order_service.adapters.marketplaces.woocommerce.listing import WooCommerceLister
from order_service.adapters.marketplaces.woocommerce.mapping import PLATFORM, Habits, read_order
from order_service.adapters.marketplaces.woocommerce.settings import WooCommerceSettings
from order_service.adapters.marketplaces.woocommerce.stock import BATCH, WooCommerceStock
from order_service.adapters.marketplaces.woocommerce.webhook import verify
from order_service.use_cases.marketplace import Marketplace, Meter, Polling, StockTelling
from order_service.use_cases.ports import Account


def can_ask(account: Account) -> bool:
    """An account without a key takes orders and asks for none."""
    return account.secrets.access_token is not None


def open_marketplace(http: httpx.AsyncClient) -> Marketplace:
    """All that marketplace_registry.py reads. Raises InvalidSettings."""
    settings = WooCommerceSettings.load()
    habits = Habits(
        ready_statuses=settings.ready_statuses,
        pickup_methods=settings.pickup_methods,
        tax_id_keys=settings.tax_id_keys,
    )

    def open_gateway(account: Account, _: Meter) -> WooCommerceGateway:
        return WooCommerceGateway(http, account, settings)

    def open_lister(account: Account, meter: Meter) -> WooCommerceLister:
        return WooCommerceLister(open_gateway(account, meter))

    def open_teller(account: Account, meter: Meter) -> WooCommerceStock:
        return WooCommerceStock(open_gateway(account, meter))

    def open_canceller(account: Account, meter: Meter) -> WooCommerceCanceller:
        return WooCommerceCanceller(open_gateway(account, meter), refund=account.refund_on_cancel)

    return Marketplace(
        code=PLATFORM,
        writes_tracking=True,
        fetched_topic="order.updated",
        verify=verify,
        read=partial(read_order, habits=habits),
        open_gateway=open_gateway,
        open_checker=open_gateway,
        polling=Polling(open_lister=open_lister, applies=can_ask),
        stock=StockTelling(open_teller, BATCH),
        open_canceller=open_canceller,
    )
