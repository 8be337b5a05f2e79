"""shipping-service's HTTP application."""

from collections.abc import Mapping

from fastapi import FastAPI
from starlette.routing import Route

from crossdock_chassis.handlers import Handlers
from crossdock_chassis.http import Limit, create_app
from crossdock_chassis.operations import operations_router
from shipping_service.api.problems import DOMAIN_ERRORS
from shipping_service.api.routes import labels, rules, shipments, work
from shipping_service.api.routes.carrier_webhooks import CarrierWebhooks
from shipping_service.persistence.transaction import ShippingDatabase
from shipping_service.use_cases.tracking_port import Webhook

VERSION = "0.1.0"
#: A tracker with its whole history is tens of kilobytes; EasyPost gives up after seven seconds.
WEBHOOKS = Limit(body_bytes=1024 * 1024, receive_s=5.0)


def build_app(
    database: ShippingDatabase, handlers: Handlers, webhooks: Mapping[str, Webhook], *, docs: bool = False
) -> FastAPI:
    """`handlers`: what the consumer does with events, for replaying parked ones. `webhooks`: how the
    connected carriers push.
    """
    endpoint = CarrierWebhooks(database, webhooks)
    return create_app(
        "shipping-service",
        VERSION,
        database=database,
        routers=[
            shipments.router,
            labels.router,
            rules.router,
            work.router,
            operations_router(database, consumer="shipping", handlers=handlers),
        ],
        domain_errors=DOMAIN_ERRORS,
        limits={"/webhooks/": WEBHOOKS},
        routes=[Route("/webhooks/carriers/{code}", endpoint.post, methods=["POST"])],
        docs=docs,
    )
