"""shipping-service's HTTP application."""

from fastapi import FastAPI

from crossdock_chassis.handlers import Handlers
from crossdock_chassis.http import create_app
from crossdock_chassis.operations import operations_router
from shipping_service.api.problems import DOMAIN_ERRORS
from shipping_service.api.routes import rules, shipments, work
from shipping_service.persistence.transaction import ShippingDatabase

VERSION = "0.1.0"


def build_app(database: ShippingDatabase, handlers: Handlers, *, docs: bool = False) -> FastAPI:
    """`handlers`: what the consumer does with events, for replaying parked ones."""
    return create_app(
        "shipping-service",
        VERSION,
        database=database,
        routers=[
            shipments.router,
            rules.router,
            work.router,
            operations_router(database, consumer="shipping", handlers=handlers),
        ],
        domain_errors=DOMAIN_ERRORS,
        docs=docs,
    )
