"""order-service's HTTP application."""

from collections.abc import Mapping

from fastapi import FastAPI

from crossdock_chassis.handlers import Handlers
from crossdock_chassis.http import Limit, PlainRoute, create_app
from crossdock_chassis.operations import operations_router
from order_service.api.problems import DOMAIN_ERRORS
from order_service.api.routes import (
    accounts,
    intake,
    message_preview,
    orders,
    sku_map,
    stock,
    work,
)
from order_service.api.routes.webhooks import WebhookEndpoint
from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.import_order import Retention
from order_service.use_cases.marketplace import Marketplace

VERSION = "0.1.0"
#: Shopify gives up after five seconds; what has not arrived by then is sent again.
WEBHOOKS = Limit(body_bytes=4 * 1024 * 1024, receive_s=5.0)


def build_app(
    database: OrderDatabase,
    marketplaces: Mapping[str, Marketplace],
    retention: Retention,
    handlers: Handlers,
    *,
    docs: bool = False,
) -> FastAPI:
    """The application. `handlers`: what parked events are handed to when a person replays them."""
    endpoint = WebhookEndpoint(database, marketplaces, retention)
    app = create_app(
        "order-service",
        VERSION,
        database=database,
        routers=[
            orders.router,
            accounts.router,
            sku_map.router,
            intake.router,
            stock.router,
            work.router,
            message_preview.router,
            operations_router(database, consumer="order", handlers=handlers),
        ],
        domain_errors=DOMAIN_ERRORS,
        limits={"/webhooks/": WEBHOOKS},
        routes=[
            PlainRoute("/webhooks/{platform}/{account}", endpoint.post, methods=["POST"]),
            PlainRoute("/webhooks/{platform}/{account}", endpoint.get, methods=["GET"]),
        ],
        docs=docs,
    )
    app.state.marketplaces = marketplaces
    app.state.retention = retention
    return app
