"""A seller's own shop or ERP: orders are pushed in our own JSON, and the shop is told by signed calls. See
README.md.
"""

import ssl

import httpx

from order_service.adapters.marketplaces.generic.client import BATCH, GenericGateway
from order_service.adapters.marketplaces.generic.mapping import PLATFORM, read_order
from order_service.adapters.marketplaces.generic.settings import GenericSettings
from order_service.adapters.marketplaces.generic.webhook import TOPIC, verify
from order_service.use_cases.marketplace import Asked, Marketplace, Meter, Polling, StockTelling
from order_service.use_cases.ports import Account

#: Without a query, and without escapes, which could be written in two ways.
_ADDRESS = r"https?://[A-Za-z0-9._~:/\[\]-]{1,500}"


def can_ask(account: Account) -> bool:
    return "orders_url" in account.options


def open_marketplace(_: httpx.AsyncClient) -> Marketplace:
    """All that marketplace_registry.py reads. Raises InvalidSettings.

    The client that all marketplaces share is not used: it would follow a name into our own network.
    """
    settings, tls = GenericSettings.load(), ssl.create_default_context()

    def open_gateway(account: Account, _: Meter) -> GenericGateway:
        return GenericGateway(account, settings, tls)

    return Marketplace(
        code=PLATFORM,
        writes_tracking=True,
        fetched_topic=TOPIC,
        verify=verify,
        read=read_order,
        open_gateway=open_gateway,
        asks=(
            Asked(
                "url",
                "where the shop takes tracking numbers, stock and cancels; without it nothing is told",
                required=False,
                pattern=_ADDRESS,
            ),
            Asked(
                "orders_url",
                "where the shop lists orders that have changed, and shows one below; without it nobody asks",
                required=False,
                pattern=_ADDRESS,
            ),
        ),
        open_checker=open_gateway,
        polling=Polling(open_lister=open_gateway, applies=can_ask),
        stock=StockTelling(open_gateway, BATCH),
        open_canceller=open_gateway,
    )
