"""inventory-service's HTTP application."""

from fastapi import FastAPI

from crossdock_chassis.database import Database
from crossdock_chassis.handlers import Handlers
from crossdock_chassis.http import create_app
from crossdock_chassis.operations import operations_router
from inventory_service.api.problems import DOMAIN_ERRORS
from inventory_service.api.routes import catalogue, demand, files, stock
from inventory_service.persistence.database import InventoryTransaction

VERSION = "0.1.0"


def build_app(database: Database[InventoryTransaction], handlers: Handlers, *, docs: bool = False) -> FastAPI:
    """`handlers`: what the consumer does; parked events are replayed with them."""
    return create_app(
        "inventory-service",
        VERSION,
        database=database,
        routers=[
            files.router,
            catalogue.router,
            stock.router,
            demand.router,
            operations_router(database, consumer="inventory", handlers=handlers),
        ],
        domain_errors=DOMAIN_ERRORS,
        docs=docs,
    )
