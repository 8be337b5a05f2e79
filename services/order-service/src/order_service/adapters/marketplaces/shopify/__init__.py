"""Shopify: orders are pushed whole, tracking is written back by GraphQL. See README.md."""

import httpx

from order_service.adapters.marketplaces.shopify.client import ShopifyGateway
from order_service.adapters.marketplaces.shopify.mapping import PLATFORM, read_order
from order_service.adapters.marketplaces.shopify.settings import ShopifySettings
from order_service.adapters.marketplaces.shopify.webhook import verify
from order_service.use_cases.marketplace import Marketplace, Meter
from order_service.use_cases.ports import Account


def open_marketplace(http: httpx.AsyncClient) -> Marketplace:
    """All that marketplace_registry.py reads. Raises InvalidSettings."""
    settings = ShopifySettings.load()

    def open_gateway(account: Account, _: Meter) -> ShopifyGateway:
        return ShopifyGateway(http, account, api_version=settings.api_version, timeout_s=settings.timeout_s)

    return Marketplace(
        code=PLATFORM,
        writes_tracking=True,
        fetched_topic="orders/updated",
        verify=verify,
        read=read_order,
        open_gateway=open_gateway,
        open_checker=open_gateway,
    )
