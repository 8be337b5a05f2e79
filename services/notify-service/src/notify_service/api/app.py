"""notify-service's HTTP application."""

from fastapi import FastAPI

from crossdock_chassis.handlers import Handlers
from crossdock_chassis.http import create_app
from crossdock_chassis.operations import operations_router
from notify_service.api.problems import DOMAIN_ERRORS
from notify_service.api.routes import messages, preferences, templates
from notify_service.persistence.transaction import NotifyDatabase
from notify_service.use_cases.ports import Renderer

VERSION = "0.1.0"


def build_app(
    database: NotifyDatabase, renderer: Renderer, handlers: Handlers, *, docs: bool = False
) -> FastAPI:
    """`handlers`: what parked events are replayed with."""
    app = create_app(
        "notify-service",
        VERSION,
        database=database,
        routers=[
            messages.router,
            templates.router,
            preferences.router,
            operations_router(database, consumer="notify", handlers=handlers),
        ],
        domain_errors=DOMAIN_ERRORS,
        docs=docs,
    )
    app.state.renderer = renderer
    return app
