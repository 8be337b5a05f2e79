"""What the service listens to: a file per publishing service, each with one table of handlers."""

from crossdock_chassis.handlers import Handlers
from inventory_service.messaging import order_events, shipping_events

HANDLERS: Handlers = {**shipping_events.HANDLERS, **order_events.HANDLERS}
